import { condition } from '@temporalio/workflow';
import type { OrderOnExchange } from '../activities/orders.ts';
import { entryOrderSide, summarizeFills } from '../domain/position.ts';
import { positionId } from '../domain/records.ts';
import { asking, changing } from './activity-options.ts';
import { placeOrder, type LegOrder, type Placed } from './place-order.ts';
import type { EntryPlan, OpenPosition, TradeRequest, TradeState } from './messages.ts';

export function entryLeg(request: TradeRequest, plan: EntryPlan): LegOrder {
  return {
    leg: 'entry',
    purpose: 'entry',
    symbol: request.symbol,
    side: entryOrderSide(request.side),
    type: request.order.type,
    quantity: plan.quantity,
    limitPrice: request.order.type === 'limit' ? request.order.price : null,
    leverage: plan.leverage,
    reduceOnly: false,
  };
}

export async function placeEntry(state: TradeState, plan: EntryPlan): Promise<Placed> {
  state.entryRequestedAtMs = Date.now();
  const placed = await placeOrder(entryLeg(state.request, plan), plan.settings.listingLagMs);
  if (placed.kind === 'accepted') state.entrySubmittedAtMs = placed.submittedAtMs;
  return placed;
}

const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 15_000;

/**
 * Follows the entry order until it can't fill any more. `onFill` is called at the first fill and
 * whenever the position grew; a resting rest is cancelled after its time or when an exit is demanded.
 */
export async function followEntry(
  state: TradeState,
  plan: EntryPlan,
  placed: OrderOnExchange,
  onFill: (position: OpenPosition) => void,
): Promise<void> {
  const { entryRestMs, partialRestMs } = plan.settings;
  const placedAtMs = Date.now();
  let firstFillSeenMs: number | null = null;
  let order = placed;
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
    const position = openPosition(order);
    if (position && position.entry.quantity !== state.position?.entry.quantity) {
      firstFillSeenMs ??= Date.now();
      onFill(position);
    }
    if (order.isFinished) return;
    const restEndsMs = firstFillSeenMs === null ? placedAtMs + entryRestMs : firstFillSeenMs + partialRestMs;
    const exitWanted = () => state.demand !== null;
    const hasMoved = () => state.movedOrderId === order.exchangeOrderId;
    if (exitWanted() || Date.now() >= restEndsMs) {
      const why = exitWanted() ? 'an exit is demanded' : 'it rested long enough';
      await changing(`entry: ${why}`).cancelOrder({
        exchangeOrderId: order.exchangeOrderId,
        purpose: 'entry',
      });
    } else {
      const untilMs = Math.max(1, Math.min(pauseMs, restEndsMs - Date.now()));
      await condition(() => exitWanted() || hasMoved(), untilMs);
    }
    // Its lists may lag behind its news: asked soon again.
    if (hasMoved()) pauseMs = FIRST_PAUSE_MS / 2;
    state.movedOrderId = null;
    order = await asking.readOrder({ exchangeOrderId: order.exchangeOrderId, purpose: 'entry' });
  }
}

export function openPosition(order: OrderOnExchange): OpenPosition | null {
  const entry = summarizeFills(order.fills);
  const firstFill = order.fills[0];
  if (!entry || !firstFill) return null;
  return {
    positionId: positionId(order.exchangeOrderId),
    entryOrderId: order.exchangeOrderId,
    firstFillId: firstFill.fillId,
    entry,
  };
}
