import { rootCause } from '@temporalio/common';
import type { AuditedFinding } from '../activities/reconcile.ts';

/** What a settlement ends with. */
export interface Settled {
  readonly outcome: 'settled' | 'human';
  readonly action: string;
  readonly proof: Readonly<Record<string, unknown>>;
}

/** How a report of findings tells the end of a settlement. */
export type SettlementOutcome = Pick<AuditedFinding, 'action' | 'done' | 'proof'>;

/** One name per finding, so that only one is at work on it. */
export function settlementWorkflowId(findingId: string): string {
  return `settle-${findingId}`;
}

export function settledAs({ outcome, action, proof }: Settled): SettlementOutcome {
  return { action: outcome, done: action, proof };
}

export function failedAs(error: unknown): SettlementOutcome {
  return { action: 'failed', done: rootCause(error) ?? String(error), proof: null };
}

/** Under way for longer than a report waits. */
export const STILL_SETTLING: SettlementOutcome = { action: 'settling', done: null, proof: null };
