/** The name of a trade's workflow. */
export function tradeWorkflowId(tradeId: string): string {
  return `trade-${tradeId}`;
}

/** The inverse of {@link tradeWorkflowId}. */
export function tradeIdOf(workflowId: string): string {
  return workflowId.replace(/^trade-/, '');
}
