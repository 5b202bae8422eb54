import {
  allHandlersFinished,
  CancellationScope,
  condition,
  continueAsNew,
  setWorkflowOptions,
  workflowInfo,
} from '@temporalio/workflow';
import { recording, reserving } from './activity-options.ts';
import { Compensations } from './compensation.ts';
import { followEntry, placeEntry } from './enter.ts';
import { exitPosition } from './exit.ts';
import { tellRoomMade, waitForRoom } from './make-room.ts';
import { closeRequest, failUnpersisted, noteExits, persistPosition, recordClose } from './persist.ts';
import { showDetails, showStage } from './presentation.ts';
import { protect } from './protect.ts';
import { acceptMessages, newTradeState, RearmRequest } from './trade-state.ts';
import type { EntryPlan, OpenPosition, Stage, TradeInput, TradeResult, TradeState } from './messages.ts';

/** One trade, from intent to closed position. A request to cancel the workflow is a request to exit. */
export async function trade(input: TradeInput): Promise<TradeResult> {
  const state = input.resume ?? newTradeState(input.request);
  const rearm = new RearmRequest();
  acceptMessages(state, rearm);
  return CancellationScope.nonCancellable(() => tell(state, rearm));
}

/** Where workers are versioned, a trade ends on the code that it began on; to others the word would be a failure. */
setWorkflowOptions(() => {
  const isVersioned = Boolean(workflowInfo().currentDeploymentVersion?.deploymentName);
  return isVersioned ? { versioningBehavior: 'PINNED' } : {};
}, trade);

async function tell(state: TradeState, rearm: RearmRequest): Promise<TradeResult> {
  const enter = (stage: Stage) => {
    state.stage = stage;
    showStage(state);
  };
  const giveUp = async (
    stage: 'rejected' | 'cancelled',
    why: string,
    reserved: boolean,
  ): Promise<TradeResult> => {
    state.note = why;
    if (reserved) await recording.releaseReservation({ tradeId: state.request.tradeId, reason: why });
    enter(stage);
    await condition(allHandlersFinished);
    return result(state);
  };

  if (!state.plan) {
    showDetails(state);
    const reservation = await reserve(state);
    if (reservation.kind === 'rejected') return giveUp('rejected', reservation.message, reservation.mayHold);
    state.plan = reservation.plan;
    state.note = null;
    if (state.demand) return giveUp('cancelled', 'an exit was demanded before the entry was sent', true);
  }
  const plan = state.plan;

  const compensations = new Compensations();
  compensations.register('flatten on the exchange', async () => {
    if (state.position) await exitPosition(state, plan, state.position);
  });

  let protection: Promise<void> = Promise.resolve();
  if (!state.position) {
    enter('entering');
    const placed = await placeEntry(state, plan);
    if (placed.kind === 'refused') return giveUp('rejected', `${placed.code}: ${placed.message}`, true);
    if (placed.kind === 'absent')
      return giveUp('cancelled', 'the entry order never reached the exchange', true);
    await followEntry(state, plan, placed.order, (position) => {
      const isFirst = state.position === null;
      state.position = position;
      rearm.ask();
      if (!isFirst) return;
      enter('open');
      protection = protect(state, plan, rearm);
    });
  } else {
    enter(state.demand ? 'exiting' : 'open');
    protection = protect(state, plan, rearm);
  }
  const position = heldPosition(state);
  if (!position) return giveUp('cancelled', 'the entry order ended without a fill', true);

  const persistence = new CancellationScope({ cancellable: true });
  const persisted = persistence
    .run(() => persistUnlessDone(state, plan, position))
    .catch(() => {
      // Only the end of the position cancels it; the close records write the open ones too.
    });
  await condition(
    () => state.demand !== null || state.persistence === 'failed' || shouldContinueAsNew(state),
  );

  if (state.demand === null && state.persistence !== 'failed') {
    await condition(allHandlersFinished);
    return continueAsNew<typeof trade>({ request: state.request, resume: state });
  }
  const isCompensation = state.demand === null;
  const demand = state.demand ?? {
    rule: 'compensation' as const,
    reason: 'the database did not take the position within its budget',
    atMs: Date.now(),
  };
  state.demand = demand;
  enter('exiting');
  if (isCompensation) await compensations.run();
  else await exitPosition(state, plan, position);
  persistence.cancel();
  await Promise.all([persisted, protection]);

  const close = closeRequest(state, plan, position, demand);
  state.realizedPnl = close.outcome.netPnl;
  if (isCompensation) {
    enter('compensated');
    return failUnpersisted(state, close);
  }
  await recordClose(close);
  await tellRoomMade(state);
  enter('closed');
  await condition(allHandlersFinished);
  return result(state);
}

/**
 * Reserves capital and writes the entry intent, or says why not. Before this commits nothing may be sent. Where a
 * weaker position makes room its capital is waited for, as long as the signal is fresh.
 */
async function reserve(state: TradeState) {
  const { request } = state;
  const { asOfMs, ttlMs } = request.signal;
  const rejected = (message: string, mayHold: boolean) => ({ kind: 'rejected' as const, message, mayHold });
  for (;;) {
    const budgetMs = asOfMs + ttlMs - Date.now();
    if (budgetMs <= 0) {
      const message = `the entry signal is ${ttlMs - budgetMs} ms old, at most ${ttlMs} ms is allowed`;
      return rejected(state.note === null ? message : `${message}; ${state.note}`, false);
    }
    try {
      const answer = await reserving(budgetMs).reserve(request);
      if (answer.kind === 'rejected') return rejected(answer.message, false);
      if (answer.kind === 'reserved') return answer;
      state.note = answer.message;
      showDetails(state);
      await waitForRoom(state, answer.weakest);
    } catch {
      // Its answer may be lost after the commit, so whatever was reserved is released.
      return rejected('capital could not be reserved while the entry signal was fresh', true);
    }
    if (state.demand) return rejected('an exit was demanded before the entry was sent', false);
  }
}

async function persistUnlessDone(state: TradeState, plan: EntryPlan, position: OpenPosition): Promise<void> {
  if (state.persistence === 'confirmed') return;
  state.persistence = (await persistPosition(state, plan, position)) ? 'confirmed' : 'failed';
  showDetails(state);
  // Of a position that was taken over a part may be sold already.
  if (state.persistence === 'confirmed' && state.exits.length > 0) await noteExits(state, plan, position);
}

function shouldContinueAsNew(state: TradeState): boolean {
  return workflowInfo().continueAsNewSuggested && state.persistence === 'confirmed';
}

function result(state: TradeState): TradeResult {
  return {
    tradeId: state.request.tradeId,
    stage: state.stage,
    positionId: state.position?.positionId ?? null,
    exitRule: state.demand?.rule ?? null,
    realizedPnl: state.realizedPnl,
    note: state.note,
  };
}

/** Set by a callback while the entry fills, which narrowing can't see. */
function heldPosition(state: TradeState): OpenPosition | null {
  return state.position;
}
