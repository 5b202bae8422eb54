import { ParentClosePolicy, proxyActivities, startChild } from '@temporalio/workflow';
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import type { Activities } from '../activities/index.ts';
import { recording } from './activity-options.ts';
import { trade } from './trade.ts';
import type { SettleInput, TradeState } from './messages.ts';

const settling = proxyActivities<Pick<Activities, 'markSettled'>>({
  startToCloseTimeout: 10_000,
  retry: { initialInterval: 500, maximumInterval: 15_000 },
});

export async function settleFinding(input: SettleInput): Promise<void> {
  switch (input.kind) {
    case 'unrecorded-close':
      await recording.recordClose(input.close);
      return;
    case 'orphan-reservation':
      await recording.releaseReservation({ tradeId: input.tradeId, reason: 'no trade holds it' });
      await settling.markSettled({
        findingId: input.findingId,
        action: 'released',
        proof: { tradeId: input.tradeId },
      });
      return;
    case 'take-over': {
      const workflowId = await takeOver(input.resume);
      await settling.markSettled({ findingId: input.findingId, action: 'adopted', proof: { workflowId } });
    }
  }
}

/** A trade workflow takes the position over; if one already runs, it is the one. */
async function takeOver(resume: TradeState): Promise<string> {
  const workflowId = `trade-${resume.request.tradeId}`;
  try {
    await startChild(trade, {
      workflowId,
      args: [{ request: resume.request, resume }],
      parentClosePolicy: ParentClosePolicy.ABANDON,
      staticSummary: `${resume.request.side} ${resume.request.symbol}, taken over`,
    });
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
  }
  return workflowId;
}
