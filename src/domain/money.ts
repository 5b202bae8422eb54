import BigConstructor, { type Big } from 'big.js';
import { shortOrder, shortProduct, shortQuotient, shortRound, shortSum } from './short-decimal.ts';

/** A decimal number as it travels on every wire: `'0.00012500'`. Never a float. */
export type Decimal = string;

// A constructor of our own, so that no other user of big.js can change our precision.
const Money = BigConstructor();
Money.strict = true;
Money.DP = 20;
Money.RM = BigConstructor.roundHalfUp;

export type { Big };

/** Digits kept of a quotient of two amounts (average price, realized P&L per unit). */
export const QUOTIENT_DECIMALS = 12;

/** Reads a decimal, exponents too. Throws `Error` on anything else, on a JS number as well. */
export function big(value: Decimal | Big): Big {
  return new Money(value);
}

export const ZERO: Decimal = '0';

const DECIMAL_PATTERN = /^-?\d+(\.\d+)?$/;

export function isDecimal(value: string): boolean {
  return DECIMAL_PATTERN.test(value);
}

/** Plain notation without exponent and without trailing zeros; `-0` is `0`. */
export function text(value: Big): Decimal {
  const fixed = value.toFixed();
  return fixed === '-0' ? '0' : fixed;
}

export function add(...values: readonly Decimal[]): Decimal;
export function add(first: Decimal = ZERO, second: Decimal = ZERO, ...more: readonly Decimal[]): Decimal {
  let sum = plus(first, second);
  for (const value of more) sum = plus(sum, value);
  return sum;
}

function plus(left: Decimal, right: Decimal): Decimal {
  return shortSum(left, right, 1) ?? text(big(left).plus(big(right)));
}

export function subtract(left: Decimal, right: Decimal): Decimal {
  return shortSum(left, right, -1) ?? text(big(left).minus(big(right)));
}

export function multiply(left: Decimal, right: Decimal): Decimal {
  return shortProduct(left, right) ?? text(big(left).times(big(right)));
}

/** Quotient, half-up at {@link QUOTIENT_DECIMALS} decimals. */
export function divide(left: Decimal, right: Decimal): Decimal {
  return (
    shortQuotient(left, right) ??
    text(big(left).div(big(right)).round(QUOTIENT_DECIMALS, BigConstructor.roundHalfUp))
  );
}

export function compare(left: Decimal, right: Decimal): -1 | 0 | 1 {
  return shortOrder(left, right) ?? big(left).cmp(big(right));
}

export function isPositive(value: Decimal): boolean {
  return compare(value, ZERO) > 0;
}

export function roundDown(value: Decimal, decimals: number): Decimal {
  return shortRound(value, decimals, 'down') ?? text(big(value).round(decimals, BigConstructor.roundDown));
}

export function roundHalfUp(value: Decimal, decimals: number): Decimal {
  return (
    shortRound(value, decimals, 'half-up') ?? text(big(value).round(decimals, BigConstructor.roundHalfUp))
  );
}

export function roundUp(value: Decimal, decimals: number): Decimal {
  return shortRound(value, decimals, 'up') ?? text(big(value).round(decimals, BigConstructor.roundUp));
}

/** Nearest multiple of `tick` at or below `price`. */
export function floorToTick(price: Decimal, tick: Decimal): Decimal {
  return text(big(price).div(big(tick)).round(0, BigConstructor.roundDown).times(big(tick)));
}

/** A float64 ratio as a decimal, for sizing only; ratios themselves stay numbers. */
export function fromRatio(ratio: number): Decimal {
  if (!Number.isFinite(ratio)) throw new RangeError(`not a finite ratio: ${ratio}`);
  return roundDown(ratio.toFixed(QUOTIENT_DECIMALS), QUOTIENT_DECIMALS);
}
