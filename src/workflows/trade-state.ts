import { CancellationScope, condition, setHandler, workflowInfo } from '@temporalio/workflow';
import {
  exitDecidedSignal,
  forceExitSignal,
  guardLostSignal,
  progressUpdate,
  requestExitUpdate,
  stateQuery,
  type ExitDemand,
  type Stage,
  type TradeRequest,
  type TradeState,
} from './messages.ts';
import type { RearmRequest } from './protect.ts';

const ENDED: readonly Stage[] = ['closed', 'rejected', 'cancelled', 'compensated'];
const EXITABLE: readonly Stage[] = ['entering', 'open', 'exiting'];

export function newTradeState(request: TradeRequest): TradeState {
  return {
    request,
    stage: 'reserving',
    plan: null,
    entryRequestedAtMs: null,
    entrySubmittedAtMs: null,
    position: null,
    persistence: 'pending',
    guard: null,
    evaluation: null,
    demand: null,
    exits: [],
    nextExitLeg: 1,
    note: null,
    realizedPnl: null,
  };
}

/** The first demand stands: a position exits once, for the reason that came first. */
function demandExit(state: TradeState, rule: ExitDemand['rule'], reason: string): void {
  state.demand ??= { rule, reason, atMs: Date.now() };
}

export function acceptMessages(state: TradeState, rearm: RearmRequest): void {
  setHandler(stateQuery, () => state);
  setHandler(forceExitSignal, ({ reason }) => demandExit(state, 'forced', reason || 'no reason given'));
  setHandler(exitDecidedSignal, ({ last }) => {
    if (state.demand === null) state.evaluation = last;
    if (last.evaluation.action !== 'exit') return;
    const { rule, returnFraction } = last.evaluation;
    demandExit(state, rule, `${rule} at ${last.mark} (return ${returnFraction})`);
  });
  setHandler(guardLostSignal, ({ workerId }) => {
    if (state.guard?.workerId !== workerId) return;
    state.guard = null;
    rearm.ask();
  });
  setHandler(requestExitUpdate, ({ reason }) => {
    const accepted = EXITABLE.includes(state.stage);
    if (accepted) demandExit(state, 'forced', reason || 'no reason given');
    return { accepted, stage: state.stage };
  });
  setHandler(progressUpdate, async (goal) => {
    await condition(() => hasReached(state, goal));
    return { stage: state.stage, positionId: state.position?.positionId ?? null, note: state.note };
  });
  demandExitOnCancellation(state);
}

function hasReached(state: TradeState, goal: 'reserved' | 'opened'): boolean {
  if (ENDED.includes(state.stage)) return true;
  return goal === 'reserved' ? state.plan !== null : state.position !== null;
}

/** Cancelling a trade in the Temporal Web UI must not leave a position behind. */
function demandExitOnCancellation(state: TradeState): void {
  CancellationScope.current().cancelRequested.catch(() => {
    demandExit(state, 'forced', `cancellation of workflow ${workflowInfo().workflowId} was requested`);
  });
}
