import { ActivityFailure, condition, sleep } from '@temporalio/workflow';
import type { ArmRequest } from '../activities/market.ts';
import { roundDown } from '../domain/money.ts';
import { exitOrderSide } from '../domain/position.ts';
import { guardCheckAfterMs } from '../domain/safety-times.ts';
import { askingOfGuards, findingGuard, guarding } from './activity-options.ts';
import { absenceProvableFromMs, BETWEEN_DOUBTS_MS, proveOutcome } from './place-order.ts';
import { showDetails } from './presentation.ts';
import { StopKeeper } from './protective-stop.ts';
import { dropEndedGuard } from './release-guard.ts';
import { isInDoubt } from './stop-state.ts';
import { openQuantity, type RearmRequest } from './trade-state.ts';
import type { EntryPlan, LastEvaluation, OpenPosition, TradeState } from './messages.ts';

/**
 * Keeps the position under guard until an exit is demanded. A guard sells and signals when a mark or a prediction
 * decides. That it is lost is told by its lease; a slow timer is the belt and braces, for when nobody heard.
 */
export async function protect(state: TradeState, plan: EntryPlan, rearm: RearmRequest): Promise<void> {
  const isOver = () => state.demand !== null;
  const stop = new StopKeeper(state, plan, rearm);
  for (let checks = 0; !isOver(); checks += 1) {
    if (rearm.isWanted) checks = 0;
    rearm.clear();
    if (stop.isMissing()) await stop.place();
    if (checks === 0 || !(await isUnderGuard(state))) await arm(state, plan);
    stop.look();
    showDetails(state);
    if (await settleDoubt(state, plan)) rearm.ask();
    if (rearm.isWanted) continue;
    const checkMs = guardCheckAfterMs(checks) / plan.policy.timeScale;
    await condition(() => isOver() || rearm.isWanted || rearm.hasStopMoved, checkMs);
  }
}

/** False when in doubt: then it is armed again, which the guard that holds it takes without a word. */
async function isUnderGuard(state: TradeState): Promise<boolean> {
  const { guard, position } = state;
  if (!guard || !position || state.demand !== null) return false;
  const { positionId } = position;
  const { isHeld, last } = await askingOfGuards.isUnderGuard({ positionId, leaseId: guard.leaseId });
  remember(state, last);
  return isHeld;
}

/** What decided an exit meanwhile stays. */
function remember(state: TradeState, last: LastEvaluation | null): void {
  if (last && state.demand === null) state.evaluation = last;
}

/**
 * A lost guard may have sold and died before it could say so. The next guard watches meanwhile but may not
 * sell; once the exchange has proven what happened, the position is either sold or armed for good. True when
 * it has to be armed again.
 */
async function settleDoubt(state: TradeState, plan: EntryPlan): Promise<boolean> {
  const { legInDoubtSinceMs, position } = state;
  if (legInDoubtSinceMs === null || !position || state.demand !== null) return false;
  // A question before that could not settle it, and every position of the lost guard would ask it.
  const untilMs = absenceProvableFromMs(legInDoubtSinceMs, plan.settings.listingLagMs) - Date.now();
  if (untilMs > 0 && (await condition(() => state.demand !== null, untilMs))) return false;
  const leg = `exit-${state.nextExitLeg}` as const;
  const order = await proveOutcome(
    leg,
    position.entry.firstFillMs,
    legInDoubtSinceMs,
    plan.settings.listingLagMs,
    BETWEEN_DOUBTS_MS,
  );
  state.legInDoubtSinceMs = null;
  if (!order) return true;
  state.fired ??= {
    leg,
    submittedAtMs: legInDoubtSinceMs,
    deadlineMs: legInDoubtSinceMs,
    outcome: { kind: 'accepted', exchangeOrderId: order.exchangeOrderId },
  };
  state.demand ??= {
    rule: state.evaluation?.evaluation.action === 'exit' ? state.evaluation.evaluation.rule : 'forced',
    reason: 'its guard sold and was lost before it could say why',
    atMs: Date.now(),
  };
  return false;
}

/**
 * Hands the position to its guard again or, once that guard's lease has run out, to any worker. While the
 * lease lasts nobody else may be armed: two guards would be two sellers. So the guard is known before it is
 * armed, and an arming whose answer is late or lost is repeated there.
 */
async function arm(state: TradeState, plan: EntryPlan): Promise<void> {
  while (state.demand === null && state.position) {
    const request = armRequest(state, plan, state.position);
    try {
      const asked = (state.guard ??= await findingGuard.findGuard());
      // Whoever sells the position meanwhile had no guard to ask: from here on it would be a second seller.
      if (isExitDemanded(state)) return;
      const armed = await guarding(asked.taskQueue, armedWords(request)).armPosition(request);
      // Lost while it answered: what it was armed with may have been sold.
      if (state.guard !== asked) continue;
      state.guard = armed.guard;
      remember(state, armed.last);
      return;
    } catch (failure) {
      if (!(failure instanceof ActivityFailure)) throw failure;
      await dropEndedGuard(state);
      await sleep(1_000);
    }
  }
}

/** May have come while something was awaited, which narrowing can't see. */
function isExitDemanded(state: TradeState): boolean {
  return state.demand !== null;
}

function armedWords({ quantity, symbol, exit }: ArmRequest): string {
  return `${quantity} ${symbol}, ${exit ? `may sell as ${exit.leg}` : 'may only watch'}`;
}

function armRequest(state: TradeState, plan: EntryPlan, position: OpenPosition): ArmRequest {
  const { tradeId, symbol, side } = state.request;
  const mayFire = state.legInDoubtSinceMs === null && !isInDoubt(state.stop);
  return {
    tradeId,
    positionId: position.positionId,
    symbol,
    quantity: openQuantity(state, position),
    entryFee: position.entry.fee,
    policy: plan.policy,
    position: {
      side,
      entryPrice: position.entry.averagePrice,
      openedAtMs: position.entry.firstFillMs,
      bestPrice: position.entry.averagePrice,
      volatilityScale: plan.volatilityScale,
      roundTripFee: plan.roundTripFee,
      tickSize: plan.tickSize,
    },
    exit: mayFire
      ? {
          leg: `exit-${state.nextExitLeg}`,
          side: exitOrderSide(side),
          quantity: roundDown(openQuantity(state, position), plan.minimums.quantityDecimals),
          leverage: plan.leverage,
          stopOrderId: state.stop?.exchangeOrderId ?? null,
        }
      : null,
  };
}
