import BigConstructor, { type Big } from 'big.js';

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

export function add(...values: readonly Decimal[]): Decimal {
  return text(values.reduce<Big>((sum, value) => sum.plus(big(value)), big('0')));
}

export function subtract(left: Decimal, right: Decimal): Decimal {
  return text(big(left).minus(big(right)));
}

export function multiply(left: Decimal, right: Decimal): Decimal {
  return text(big(left).times(big(right)));
}

/** Quotient, half-up at {@link QUOTIENT_DECIMALS} decimals. */
export function divide(left: Decimal, right: Decimal): Decimal {
  return text(big(left).div(big(right)).round(QUOTIENT_DECIMALS, BigConstructor.roundHalfUp));
}

export function compare(left: Decimal, right: Decimal): -1 | 0 | 1 {
  return big(left).cmp(big(right));
}

export function isPositive(value: Decimal): boolean {
  return big(value).gt(big('0'));
}

export function roundDown(value: Decimal, decimals: number): Decimal {
  return text(big(value).round(decimals, BigConstructor.roundDown));
}

export function roundHalfUp(value: Decimal, decimals: number): Decimal {
  return text(big(value).round(decimals, BigConstructor.roundHalfUp));
}

export function roundUp(value: Decimal, decimals: number): Decimal {
  return text(big(value).round(decimals, BigConstructor.roundUp));
}

/** Nearest multiple of `tick` at or below `price`. */
export function floorToTick(price: Decimal, tick: Decimal): Decimal {
  return text(big(price).div(big(tick)).round(0, BigConstructor.roundDown).times(big(tick)));
}

/** A float64 ratio as a decimal, for sizing only; ratios themselves stay numbers. */
export function fromRatio(ratio: number): Decimal {
  if (!Number.isFinite(ratio)) throw new RangeError(`not a finite ratio: ${ratio}`);
  return text(big(ratio.toFixed(QUOTIENT_DECIMALS)));
}
