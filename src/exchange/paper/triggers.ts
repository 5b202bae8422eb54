import { add, divide, multiply, roundHalfUp, subtract, type Decimal } from '../../domain/money.ts';
import type { OrderSide } from '../../domain/position.ts';
import { order } from './decimal-order.ts';
import type { Pair } from './pairs.ts';
import type { OrderType } from './state.ts';

export function isTriggerType(type: OrderType): boolean {
  return /^(stop-loss|take-profit|trailing-stop)/.test(type);
}

export function isTrailing(type: OrderType): boolean {
  return type.startsWith('trailing-stop');
}

/** Whether the type ends in a limit order; the others end in a market order. */
export function isLimitType(type: OrderType): boolean {
  return type === 'iceberg' || type.endsWith('limit');
}

/** Stops fire when the reference moves against the side's owner, take-profits when it moves in favour. */
export function isTriggered(type: OrderType, side: OrderSide, trigger: Decimal, reference: Decimal): boolean {
  const falling = (side === 'sell') !== type.startsWith('take-profit');
  return falling ? order(reference, trigger) <= 0 : order(reference, trigger) >= 0;
}

/** The better of the best price so far and the reference, for a trailing order. */
export function trailBest(side: OrderSide, best: Decimal | null, reference: Decimal): Decimal {
  if (best === null) return reference;
  const better = side === 'sell' ? order(reference, best) > 0 : order(reference, best) < 0;
  return better ? reference : best;
}

/** Trigger of a trailing order: `trail` (`+100` or `+2%`) behind the best price. */
export function trailTrigger(pair: Pair, side: OrderSide, best: Decimal, trail: string): Decimal {
  return shift(pair, best, distance(trail, best), side === 'sell' ? '-' : '+');
}

/**
 * An absolute price, or one relative to `reference`: `+5`, `-1%`, `#5` (away from the market for
 * the side: below it for a buy). Null when the text is neither.
 */
export function resolvePrice(pair: Pair, side: OrderSide, price: string, reference: Decimal): Decimal | null {
  const match = /^([+\-#]?)(\d+(?:\.\d+)?)(%?)$/.exec(price);
  if (!match?.[2]) return null;
  const sign = match[1] ?? '';
  if (sign === '') return match[3] ? null : match[2];
  const direction = sign === '#' ? (side === 'buy' ? '-' : '+') : sign;
  return shift(pair, reference, distance(price.slice(1), reference), direction as '+' | '-');
}

function distance(amount: string, reference: Decimal): Decimal {
  const plain = amount.replace(/^\+/, '');
  return plain.endsWith('%') ? divide(multiply(reference, plain.slice(0, -1)), '100') : plain;
}

function shift(pair: Pair, from: Decimal, by: Decimal, direction: '+' | '-'): Decimal {
  return roundHalfUp(direction === '+' ? add(from, by) : subtract(from, by), pair.priceDecimals);
}
