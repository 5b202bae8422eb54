import { condition, sleep } from '@temporalio/workflow';
import type { OrderOnExchange } from '../activities/orders.ts';
import { roundDown, type Decimal } from '../domain/money.ts';
import { exitOrderSide, summarizeFills } from '../domain/position.ts';
import { isDust } from '../domain/sizing.ts';
import { asking, recording } from './activity-options.ts';
import { placeOrder, proveOutcome, type LegOrder, type Placed } from './place-order.ts';
import { takeOverFromGuard } from './release-guard.ts';
import { showDetails } from './presentation.ts';
import { openQuantity } from './trade-state.ts';
import type { EntryPlan, ExitLeg, OpenPosition, TradeState } from './messages.ts';

/** Refusals in a row before a human is told; the exit keeps trying all the same. */
const REFUSALS_BEFORE_FINDING = 3;
const EXIT_PATIENCE_MS = 10_000;

/**
 * Exits until nothing is left that the exchange would accept. Never gives up while exposure exists,
 * and ends only on proof by fills: what is sold is what the fills say.
 */
export async function exitPosition(
  state: TradeState,
  plan: EntryPlan,
  position: OpenPosition,
): Promise<void> {
  await takeOverFromGuard(state, position);
  let failures = 0;
  for (;;) {
    const remaining = openQuantity(state, position);
    const isRestDust = isDust(plan.minimums, remaining);
    if (isRestDust && state.exits.length > 0) return;
    const outcome = isRestDust
      ? `${remaining} is less than the exchange would take: nothing can be sold`
      : await exitOnce(state, plan, position, roundDown(remaining, plan.minimums.quantityDecimals));
    if (outcome === null) {
      failures = 0;
      continue;
    }
    failures += 1;
    state.note = `exit attempt ${failures}: ${outcome}`;
    showDetails(state);
    // Not waited for: a database that is away must never hold an exit up.
    if (failures === REFUSALS_BEFORE_FINDING) void tellHuman(state, position, outcome);
    await sleep(Math.min(500 * 2 ** Math.min(failures, 7), 60_000));
  }
}

/** One leg. Null when it ended as an order of ours, else why nothing went out. */
async function exitOnce(
  state: TradeState,
  plan: EntryPlan,
  position: OpenPosition,
  quantity: Decimal,
): Promise<string | null> {
  const { symbol, side } = state.request;
  const requestedAtMs = state.fired?.submittedAtMs ?? Date.now();
  const leg = `exit-${state.nextExitLeg}` as const;
  const order: LegOrder = {
    leg,
    purpose: 'exit',
    symbol,
    side: exitOrderSide(side),
    type: 'market',
    quantity,
    limitPrice: null,
    leverage: plan.leverage,
    reduceOnly: plan.leverage !== null,
  };
  const { listingLagMs } = plan.settings;
  const placed =
    (await placedByGuard(state, position, leg, listingLagMs)) ?? (await placeOrder(order, listingLagMs));
  if (placed.kind === 'refused') return `${placed.code}: ${placed.message}`;
  if (placed.kind === 'absent') {
    const witness = await asking.witnessExposure({ symbol, side, quantity });
    return witness.held
      ? 'the order never arrived; sending it again'
      : `the exchange holds only ${witness.available}`;
  }
  const finished = await followExit(state, placed.order);
  const summary = summarizeFills(finished.fills);
  if (summary) {
    state.exits.push({
      leg,
      exchangeOrderId: finished.exchangeOrderId,
      exchangeTradeId: finished.fills[0]?.fillId ?? '',
      summary,
      requestedAtMs,
      submittedAtMs: placed.submittedAtMs,
      quotePrice: state.evaluation?.mark ?? summary.averagePrice,
    });
  }
  state.nextExitLeg += 1;
  return null;
}

/** What a guard sent for this leg, or may have sent before it was lost. Null when the leg is the trade's to send. */
async function placedByGuard(
  state: TradeState,
  position: OpenPosition,
  leg: ExitLeg,
  listingLagMs: number,
): Promise<Placed | null> {
  const { fired, legInDoubtSinceMs } = state;
  state.fired = null;
  state.legInDoubtSinceMs = null;
  if (fired?.leg === leg) {
    const { outcome, submittedAtMs, deadlineMs } = fired;
    if (outcome.kind === 'refused') return null;
    if (outcome.kind === 'accepted') {
      const { exchangeOrderId } = outcome;
      return {
        kind: 'accepted',
        order: await asking.readOrder({ exchangeOrderId, purpose: 'exit' }),
        submittedAtMs,
      };
    }
    const order = await proveOutcome({ leg, purpose: 'exit' }, submittedAtMs, deadlineMs, listingLagMs);
    return order ? { kind: 'accepted', order, submittedAtMs } : { kind: 'absent' };
  }
  if (legInDoubtSinceMs === null) return null;
  const sinceMs = position.entry.firstFillMs;
  const order = await proveOutcome({ leg, purpose: 'exit' }, sinceMs, legInDoubtSinceMs, listingLagMs);
  return order ? { kind: 'accepted', order, submittedAtMs: legInDoubtSinceMs } : null;
}

/** An exit that does not fill to the end is cancelled after a while: what is left goes out as the next leg. */
async function followExit(state: TradeState, placed: OrderOnExchange): Promise<OrderOnExchange> {
  const patienceEndsMs = Date.now() + EXIT_PATIENCE_MS;
  let order = placed;
  for (let pauseMs = 100; !order.isFinished; pauseMs = Math.min(pauseMs * 2, 5_000)) {
    const hasMoved = () => state.movedOrderId === placed.exchangeOrderId;
    if (Date.now() < patienceEndsMs) await condition(hasMoved, pauseMs);
    else await asking.cancelOrder({ exchangeOrderId: order.exchangeOrderId, purpose: 'exit' });
    state.movedOrderId = null;
    order = await asking.readOrder({ exchangeOrderId: order.exchangeOrderId, purpose: 'exit' });
  }
  return order;
}

async function tellHuman(state: TradeState, position: OpenPosition, why: string): Promise<void> {
  await recording.raiseFinding({
    kind: 'exit-refused',
    subject: position.positionId,
    detail: { tradeId: state.request.tradeId, why },
  });
}
