import {
  big,
  compare,
  divide,
  fromRatio,
  isPositive,
  multiply,
  roundDown,
  text,
  type Decimal,
} from './money.ts';

/** What the exchange demands of an order of this symbol. */
export interface OrderMinimums {
  readonly symbol: string;
  readonly base: string;
  readonly quote: string;
  readonly quantityDecimals: number;
  readonly minQuantity: Decimal;
  readonly minCost: Decimal;
}

export type Sized = { readonly quantity: Decimal; readonly notional: Decimal } | { readonly refusal: string };

/** Quantity in base currency for a notional in quote currency, cut to the lot; refused below the exchange's minimum. */
export function sizeOrder(minimums: OrderMinimums, notional: Decimal, price: Decimal): Sized {
  if (!isPositive(notional)) return { refusal: `notional is ${notional}, it must be above 0` };
  const quantity = roundDown(divide(notional, price), minimums.quantityDecimals);
  const { symbol, base, quote, minQuantity, minCost } = minimums;
  if (compare(quantity, minQuantity) < 0) {
    const least = text(big(multiply(minQuantity, price)).round(2, 3));
    return {
      refusal: `notional ${notional} ${quote} buys ${quantity} ${base}; the least quantity for ${symbol} is ${minQuantity} ${base} (about ${least} ${quote})`,
    };
  }
  const cost = multiply(quantity, price);
  if (compare(cost, minCost) < 0) {
    return {
      refusal: `notional ${notional} ${quote} is below the least cost for ${symbol}, ${minCost} ${quote}`,
    };
  }
  return { quantity, notional: cost };
}

/** Whether the exchange would accept an exit of this quantity; below it is dust. */
export function isDust(minimums: OrderMinimums, quantity: Decimal): boolean {
  return compare(roundDown(quantity, minimums.quantityDecimals), minimums.minQuantity) < 0;
}

/**
 * `s`, the volatility scale at entry: `clamp((σ/σref)^factor, 0.5, 2)`; 1 where σ is not known.
 * σ and σref are standard deviations of log returns over the same interval.
 */
export function volatilityScale(sigma: number, sigmaReference: number, factor: number): number {
  if (!(sigma > 0) || !(sigmaReference > 0)) return 1;
  return Math.min(2, Math.max(0.5, (sigma / sigmaReference) ** factor));
}

/** Standard deviation of the log returns of consecutive closes; 0 with fewer than three of them. */
export function logReturnDeviation(closes: readonly Decimal[]): number {
  const prices = closes.map(Number);
  const returns = prices.slice(1).map((price, index) => Math.log(price / (prices[index] ?? price)));
  if (returns.length < 2) return 0;
  const mean = returns.reduce((sum, value) => sum + value, 0) / returns.length;
  const variance = returns.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (returns.length - 1);
  return Math.sqrt(variance);
}

/** Notional of a scanned entry: base × positionSizeMultiplier × confidence / s, in quote currency. */
export function signalNotional(
  base: Decimal,
  multiplier: number,
  confidence: number,
  scale: number,
): Decimal {
  return roundDown(multiply(base, fromRatio((multiplier * confidence) / scale)), 2);
}
