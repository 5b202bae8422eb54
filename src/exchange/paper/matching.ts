import { add, compare, isPositive, subtract, type Decimal } from '../../domain/money.ts';
import type { OrderSide } from '../../domain/position.ts';
import { take, worse, type Book, type Level } from './book.ts';
import type { TimeInForce } from './state.ts';

/** What matching must know of an order. Quantities in base units. */
export interface Matchable {
  readonly side: OrderSide;
  /** Null takes any price. */
  readonly limitPrice: Decimal | null;
  readonly remaining: Decimal;
  /** The most that may fill now: by a fault, or by the position a reduce-only order closes. Null is no bound. */
  readonly bound: Decimal | null;
  readonly timeInForce: TimeInForce;
  readonly postOnly: boolean;
}

export interface MatchPlan {
  readonly fills: readonly Level[];
  /** What happens to the part that did not fill. */
  readonly rest: 'none' | 'rests' | 'canceled' | 'refused';
  readonly reason: string | null;
}

/** Plans what a new or just triggered order takes from the book. Pure. */
export function matchIncoming(order: Matchable, book: Book): MatchPlan {
  if (order.postOnly) {
    return crosses(order, book)
      ? { fills: [], rest: 'refused', reason: 'Post only order' }
      : { fills: [], rest: 'rests', reason: null };
  }
  const wanted = bounded(order);
  const { fills, missing } = take(order.side, wanted, order.limitPrice, book);
  const unfilled = add(missing, subtract(order.remaining, wanted));
  if (!isPositive(unfilled)) return { fills, rest: 'none', reason: null };
  if (order.timeInForce === 'FOK') return { fills: [], rest: 'canceled', reason: 'Fill or kill' };
  if (order.timeInForce === 'IOC') return { fills, rest: 'canceled', reason: 'Immediate or cancel' };
  if (order.limitPrice === null) return { fills, rest: 'canceled', reason: 'Insufficient liquidity' };
  return { fills, rest: 'rests', reason: null };
}

/**
 * Plans what a resting order gets when the market has come to it: its own price, as maker,
 * for as much as the other side shows at that price or better. Pure.
 */
export function matchResting(order: Matchable, book: Book): readonly Level[] {
  if (order.limitPrice === null || !crosses(order, book)) return [];
  const { fills } = take(order.side, bounded(order), order.limitPrice, book);
  const quantity = fills.length === 0 ? '0' : add(...fills.map((fill) => fill.quantity));
  return isPositive(quantity) ? [{ price: order.limitPrice, quantity }] : [];
}

/** Whether the best price of the other side is within the order's limit. */
export function crosses(order: Pick<Matchable, 'side' | 'limitPrice'>, book: Book): boolean {
  for (const best of order.side === 'buy' ? book.asks : book.bids) {
    return order.limitPrice === null || !worse(order.side, best.price, order.limitPrice);
  }
  return false;
}

function bounded(order: Matchable): Decimal {
  if (order.bound === null || compare(order.bound, order.remaining) >= 0) return order.remaining;
  return isPositive(order.bound) ? order.bound : '0';
}
