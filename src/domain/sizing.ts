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

/** σref: the standard deviation of one-minute log returns in a market that needs no adjustment. */
const REFERENCE_VOLATILITY = 0.0015;

/** σ/σref, `sigma` being the standard deviation of one-minute log returns; null where it is not known. */
export function volatilityRatio(sigma: number): number | null {
  return sigma > 0 ? sigma / REFERENCE_VOLATILITY : null;
}

/** `s`, the volatility scale at entry: `clamp((σ/σref)^factor, 0.5, 2)`; 1 where the ratio is not known. */
export function volatilityScale(ratio: number | null, factor: number): number {
  return ratio === null ? 1 : Math.min(2, Math.max(0.5, ratio ** factor));
}

/** Standard deviation of the log returns of consecutive closes; 0 with fewer than three of them. */
export function logReturnDeviation(closes: readonly Decimal[]): number {
  const returns = logReturns(Float64Array.from(closes, Number));
  return deviation(returns, 1, returns.length);
}

/** Log return into each price from the one before; the first has none and is 0. */
export function logReturns(prices: Float64Array): Float64Array {
  return prices.map((price, index) => (index === 0 ? 0 : Math.log(price / (prices[index - 1] ?? price))));
}

/** Standard deviation of `values[from..to)`; 0 with fewer than two of them. */
export function deviation(values: Float64Array, from: number, to: number): number {
  const count = to - from;
  if (count < 2) return 0;
  let sum = 0;
  for (let index = from; index < to; index += 1) sum += values[index] ?? 0;
  const mean = sum / count;
  let squares = 0;
  for (let index = from; index < to; index += 1) squares += ((values[index] ?? 0) - mean) ** 2;
  return Math.sqrt(squares / (count - 1));
}

/** Notional of a scanned entry: base × share, in quote currency. */
export function signalNotional(base: Decimal, share: number): Decimal {
  return roundDown(multiply(base, fromRatio(share)), 2);
}
