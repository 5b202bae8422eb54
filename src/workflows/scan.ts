import { ParentClosePolicy, proxyActivities, startChild, WorkflowIdReusePolicy } from '@temporalio/workflow';
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import type { Activities } from '../activities/index.ts';
import { WORKFLOW_TASK_TIMEOUT_MS } from '../domain/safety-times.ts';
import { initialSearchAttributes } from './search-attributes.ts';
import { trade } from './trade.ts';
import type { TradeRequest } from './messages.ts';

const scanning = proxyActivities<Pick<Activities, 'findEntries'>>({
  startToCloseTimeout: 15_000,
  retry: { maximumAttempts: 2 },
});

/** Asks for predictions once per symbol and starts a trade for each signal worth taking. */
export async function scan(): Promise<string[]> {
  const entries = await scanning.findEntries();
  const started = await Promise.all(entries.map(startTrade));
  return started.filter((tradeId) => tradeId !== null);
}

/** The id comes from symbol and interval, so a repeated scan can't open the same signal twice. */
async function startTrade(request: TradeRequest): Promise<string | null> {
  try {
    await startChild(trade, {
      workflowId: `trade-${request.tradeId}`,
      args: [{ request }],
      parentClosePolicy: ParentClosePolicy.ABANDON,
      workflowIdReusePolicy: WorkflowIdReusePolicy.REJECT_DUPLICATE,
      workflowTaskTimeout: WORKFLOW_TASK_TIMEOUT_MS,
      staticSummary: `${request.side} ${request.symbol} for ${request.notional}`,
      typedSearchAttributes: initialSearchAttributes(request),
    });
    return request.tradeId;
  } catch (error) {
    if (error instanceof WorkflowExecutionAlreadyStartedError) return null;
    throw error;
  }
}
