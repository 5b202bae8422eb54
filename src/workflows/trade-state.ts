import { CancellationScope, condition, setHandler, workflowInfo } from '@temporalio/workflow';
import type { Decimal } from '../domain/money.ts';
import { quantityLeft } from '../domain/position.ts';
import { mayRotate } from '../domain/rotation.ts';
import { isDust } from '../domain/sizing.ts';
import { showDetails } from './presentation.ts';
import {
  exitDecidedSignal,
  forceExitSignal,
  giveWayUpdate,
  guardLostSignal,
  marksStaleSignal,
  orderMovedSignal,
  progressUpdate,
  requestExitUpdate,
  roomMadeSignal,
  soldOutsideUpdate,
  stateQuery,
  type ExitAnswer,
  type ExitDemand,
  type GiveWay,
  type OpenPosition,
  type SoldOutside,
  type SoldOutsideAnswer,
  type Stage,
  type TradeRequest,
  type TradeState,
} from './messages.ts';
import { countExit } from './stop-state.ts';

const ENDED: readonly Stage[] = ['closed', 'rejected', 'cancelled', 'compensated'];
const EXITABLE: readonly Stage[] = ['entering', 'open', 'exiting'];

/** Lets the rest of the trade wake the watch: a guard was lost, or the position grew. */
export class RearmRequest {
  isWanted = false;
  /** The exchange has told of the protective stop. */
  hasStopMoved = false;

  ask(): void {
    this.isWanted = true;
  }

  clear(): void {
    this.isWanted = false;
  }
}

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
    noMarkSinceMs: null,
    demand: null,
    fired: null,
    legInDoubtSinceMs: null,
    movedOrderId: null,
    shortage: null,
    exits: [],
    nextExitLeg: 1,
    stop: null,
    nextStopLeg: 1,
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
  setHandler(exitDecidedSignal, ({ last, fired }) => {
    if (state.demand === null) state.evaluation = last;
    state.fired ??= fired;
    if (last.evaluation.action !== 'exit') return;
    const { rule, returnFraction } = last.evaluation;
    demandExit(state, rule, `${rule} at ${last.mark} (return ${returnFraction})`);
  });
  setHandler(guardLostSignal, ({ leaseId, lastDeadlineMs, mayHaveSold }) => {
    if (state.guard?.leaseId !== leaseId) return;
    if (mayHaveSold) loseGuard(state, lastDeadlineMs);
    else state.guard = null;
    rearm.ask();
  });
  setHandler(marksStaleSignal, ({ sinceMs }) => {
    state.noMarkSinceMs = sinceMs;
    showDetails(state);
  });
  setHandler(orderMovedSignal, ({ exchangeOrderId }) => {
    if (state.stop?.exchangeOrderId === exchangeOrderId) rearm.hasStopMoved = true;
    else state.movedOrderId = exchangeOrderId;
  });
  setHandler(requestExitUpdate, ({ reason }) => {
    const accepted = EXITABLE.includes(state.stage);
    if (accepted) demandExit(state, 'forced', reason || 'no reason given');
    return { accepted, stage: state.stage };
  });
  setHandler(giveWayUpdate, (better) => giveWay(state, better));
  setHandler(roomMadeSignal, ({ tradeId }) => {
    state.roomMadeBy = [...(state.roomMadeBy ?? []), tradeId];
  });
  setHandler(soldOutsideUpdate, (sold) => countSoldOutside(state, rearm, sold));
  setHandler(progressUpdate, async (goal) => {
    await condition(() => hasReached(state, goal));
    return { stage: state.stage, positionId: state.position?.positionId ?? null, note: state.note };
  });
  demandExitOnCancellation(state);
}

/** One that exits already is as good: its capital is about to be free. */
function giveWay(state: TradeState, { tradeId, symbol, confidence }: GiveWay): ExitAnswer {
  const { stage, plan, position, request } = state;
  const own = { confidence: request.signal.confidence, openedAtMs: position?.entry.firstFillMs ?? Infinity };
  const accepted =
    stage === 'exiting' ||
    (stage === 'open' && plan !== null && mayRotate(own, confidence, plan.policy, Date.now()));
  if (accepted) {
    state.makesRoomFor = tradeId;
    const reason = `makes room for ${symbol}, trade ${tradeId}: confidence ${confidence} against ${own.confidence}`;
    demandExit(state, 'rotation', reason);
  }
  return { accepted, stage };
}

/** What is left is guarded anew, in its new quantity; with nothing left the trade closes by these fills. */
function countSoldOutside(state: TradeState, rearm: RearmRequest, { exits }: SoldOutside): SoldOutsideAnswer {
  const { plan, position } = state;
  if (!plan || !position) return { stage: state.stage, openQuantity: '0' };
  for (const exit of exits) countExit(state, exit);
  const left = openQuantity(state, position);
  if (isDust(plan.minimums, left)) demandExit(state, 'reconciliation', 'it was sold outside of Holdfast');
  else rearm.ask();
  return { stage: state.stage, openQuantity: left };
}

/** What no exit has sold yet, base currency. */
export function openQuantity(state: TradeState, position: OpenPosition): Decimal {
  return quantityLeft(position.entry, state.exits);
}

function hasReached(state: TradeState, goal: 'reserved' | 'opened'): boolean {
  if (ENDED.includes(state.stage)) return true;
  return goal === 'reserved' ? state.plan !== null : state.position !== null;
}

/** It may have sold without having told; by the last deadline, and its margin, that is decided. */
export function loseGuard(state: TradeState, lastDeadlineMs: number): void {
  state.guard = null;
  // The next guard has its own word on it.
  state.noMarkSinceMs = null;
  state.legInDoubtSinceMs = Math.max(state.legInDoubtSinceMs ?? 0, lastDeadlineMs);
}

/** Cancelling a trade in the Temporal Web UI must not leave a position behind. */
function demandExitOnCancellation(state: TradeState): void {
  CancellationScope.current().cancelRequested.catch(() => {
    demandExit(state, 'forced', `cancellation of workflow ${workflowInfo().workflowId} was requested`);
  });
}
