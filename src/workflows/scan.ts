import { ParentClosePolicy, proxyActivities, startChild, WorkflowIdReusePolicy } from '@temporalio/workflow';
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import type { Activities } from '../activities/index.ts';
import { trade } from './trade.ts';
import { tradeStart } from './trade-start.ts';
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
      ...tradeStart({ request }),
      parentClosePolicy: ParentClosePolicy.ABANDON,
      workflowIdReusePolicy: WorkflowIdReusePolicy.REJECT_DUPLICATE,
    });
    return request.tradeId;
  } catch (error) {
    if (error instanceof WorkflowExecutionAlreadyStartedError) return null;
    throw error;
  }
}
