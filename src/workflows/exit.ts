import { condition } from '@temporalio/workflow';
import type { OrderOnExchange } from '../activities/orders.ts';
import { compare, roundDown, subtract, type Decimal } from '../domain/money.ts';
import { exitOrderSide, summarizeFills } from '../domain/position.ts';
import { isDust } from '../domain/sizing.ts';
import { asking, changing, recording } from './activity-options.ts';
import { BETWEEN_DOUBTS_MS, placeOrder, proveOutcome, type LegOrder, type Placed } from './place-order.ts';
import { noteExits } from './persist.ts';
import { withdrawStop } from './protective-stop.ts';
import { takeOverFromGuard } from './release-guard.ts';
import { showDetails } from './presentation.ts';
import { openQuantity } from './trade-state.ts';
import type { EntryPlan, ExitLeg, OpenPosition, TradeState } from './messages.ts';

/** Refusals in a row before a human is told; the exit keeps trying all the same. */
const REFUSALS_BEFORE_FINDING = 3;
const EXIT_PATIENCE_MS = 10_000;

/** Why nothing went out. */
interface Failure {
  readonly why: string;
  /** The exchange may hold less than is to be sold: somebody else may have sold it. */
  readonly isHoldingInDoubt: boolean;
}

/**
 * Exits until nothing is left that the exchange would accept. Never gives up while exposure exists, and ends only on
 * proof by fills: what is sold is what the fills say. Once in doubt it sends only what the exchange still holds of
 * this position, since more would be somebody else's; what is missing is explained by reconciliation or a person.
 */
export async function exitPosition(
  state: TradeState,
  plan: EntryPlan,
  position: OpenPosition,
): Promise<void> {
  await takeOverFromGuard(state, position);
  if (state.stop) await withdrawStop(state, plan);
  const { minimums } = plan;
  let failures = 0;
  let noted = 0;
  for (let isHoldingInDoubt = state.shortage !== null; ;) {
    const remaining = openQuantity(state, position);
    if (isDust(minimums, remaining) && state.exits.length > 0) break;
    if (state.exits.length > noted) {
      noted = state.exits.length;
      // Not waited for, and the close records them too.
      void noteExits(state, plan, position).catch(() => undefined);
    }
    const held = isHoldingInDoubt ? await witnessed(state, position, remaining) : remaining;
    const failure = isDust(minimums, held)
      ? tooLittle(remaining, held)
      : await exitOnce(state, plan, position, roundDown(held, minimums.quantityDecimals));
    isHoldingInDoubt = state.shortage !== null || failure?.isHoldingInDoubt === true;
    if (failure === null) {
      failures = 0;
      continue;
    }
    failures += 1;
    state.note = `exit attempt ${failures}: ${failure.why}`;
    showDetails(state);
    // Not waited for: a database that is away must never hold an exit up.
    if (failures === REFUSALS_BEFORE_FINDING) void tellHuman(state, position, failure.why);
    const pauseMs = Math.min(500 * 2 ** Math.min(failures, 7), 60_000);
    await condition(() => openQuantity(state, position) !== remaining, pauseMs);
  }
  state.shortage = null;
}

/** How much of it the exchange still holds. */
async function witnessed(state: TradeState, position: OpenPosition, quantity: Decimal): Promise<Decimal> {
  const { symbol, side } = state.request;
  const { positionId } = position;
  const held = await asking.witnessHolding({ positionId, symbol, side, quantity });
  state.shortage = compare(held, quantity) < 0 ? subtract(quantity, held) : null;
  return held;
}

function tooLittle(remaining: Decimal, held: Decimal): Failure {
  const isShort = compare(held, remaining) < 0;
  const why = isShort
    ? `the exchange holds only ${held} of the ${remaining} that are to be sold`
    : `${remaining} is less than the exchange would take: nothing can be sold`;
  return { why, isHoldingInDoubt: isShort };
}

/** One leg. Null when it ended as an order of ours. */
async function exitOnce(
  state: TradeState,
  plan: EntryPlan,
  position: OpenPosition,
  quantity: Decimal,
): Promise<Failure | null> {
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
  if (placed.kind === 'refused') {
    return { why: `${placed.code}: ${placed.message}`, isHoldingInDoubt: placed.isNotHeld === true };
  }
  if (placed.kind === 'absent') return { why: 'the order never arrived', isHoldingInDoubt: true };
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
    if (outcome.kind === 'refused') return outcome.isNotHeld === true ? outcome : null;
    if (outcome.kind === 'accepted') {
      const { exchangeOrderId } = outcome;
      return {
        kind: 'accepted',
        order: await asking.readOrder({ exchangeOrderId, purpose: 'exit' }),
        submittedAtMs,
      };
    }
    const order = await proveOutcome(leg, submittedAtMs, deadlineMs, listingLagMs);
    return order ? { kind: 'accepted', order, submittedAtMs } : { kind: 'absent' };
  }
  if (legInDoubtSinceMs === null) return null;
  const sinceMs = position.entry.firstFillMs;
  const order = await proveOutcome(leg, sinceMs, legInDoubtSinceMs, listingLagMs, BETWEEN_DOUBTS_MS);
  return order ? { kind: 'accepted', order, submittedAtMs: legInDoubtSinceMs } : null;
}

/** An exit that does not fill to the end is cancelled after a while: what is left goes out as the next leg. */
async function followExit(state: TradeState, placed: OrderOnExchange): Promise<OrderOnExchange> {
  const patienceEndsMs = Date.now() + EXIT_PATIENCE_MS;
  let order = placed;
  for (let pauseMs = 100; !order.isFinished; pauseMs = Math.min(pauseMs * 2, 5_000)) {
    const hasMoved = () => state.movedOrderId === placed.exchangeOrderId;
    if (Date.now() < patienceEndsMs) await condition(hasMoved, pauseMs);
    else {
      await changing('exit: what is left goes out as the next leg').cancelOrder({
        exchangeOrderId: order.exchangeOrderId,
        purpose: 'exit',
      });
    }
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
