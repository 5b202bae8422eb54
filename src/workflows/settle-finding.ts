import { isCancellation, ParentClosePolicy, proxyActivities, startChild } from '@temporalio/workflow';
import { rootCause, WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import type { Activities } from '../activities/index.ts';
import { recording } from './activity-options.ts';
import { trade } from './trade.ts';
import { tradeStart } from './trade-start.ts';
import type { FindingToSettle, SettleInput, TradeState } from './messages.ts';
import type { Settled } from './settlement.ts';

/** A settlement rests on what was seen: when it takes too long, the next look begins it anew. */
const settling = proxyActivities<Pick<Activities, 'planSettlement' | 'proveTakenOver'>>({
  startToCloseTimeout: 20_000,
  scheduleToCloseTimeout: 180_000,
  retry: { initialInterval: 500, maximumInterval: 10_000 },
});

const noting = proxyActivities<Pick<Activities, 'markSettled' | 'markForHuman'>>({
  startToCloseTimeout: 10_000,
  retry: { initialInterval: 500, maximumInterval: 15_000 },
});

/** Settles one finding; its workflow id makes it the only one at work on it. */
export async function settleFinding(input: SettleInput): Promise<Settled> {
  if (input.kind === 'unrecorded-close') {
    await recording.recordClose(input.close);
    return { outcome: 'settled', action: 'recorded the close', proof: { tradeId: input.tradeId } };
  }
  return settleOrTell(input.finding);
}

/** A settlement that fails begins anew at the next look; a person hears of it meanwhile. */
async function settleOrTell(finding: FindingToSettle): Promise<Settled> {
  try {
    return await settle(finding);
  } catch (failure) {
    if (isCancellation(failure)) throw failure;
    const why = `settling it fails and is tried again every minute: ${rootCause(failure)}`;
    await noting.markForHuman({ finding, why });
    throw failure;
  }
}

async function settle(finding: FindingToSettle): Promise<Settled> {
  const settlement = await settling.planSettlement(finding);
  if (settlement.kind === 'human') {
    await noting.markForHuman({ finding, why: settlement.why });
    return { outcome: 'human', action: settlement.why, proof: {} };
  }
  const proof = settlement.kind === 'done' ? settlement.proof : await takeOver(settlement.resume);
  const { action } = settlement;
  await noting.markSettled({ findingId: finding.id, action, proof });
  return { outcome: 'settled', action, proof };
}

/** A trade workflow takes the position over; if one already runs, it is the one. */
async function takeOver(resume: TradeState): Promise<Readonly<Record<string, unknown>>> {
  const { request } = resume;
  try {
    await startChild(trade, {
      ...tradeStart({ request, resume }),
      parentClosePolicy: ParentClosePolicy.ABANDON,
    });
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
  }
  return settling.proveTakenOver({ tradeId: request.tradeId });
}
