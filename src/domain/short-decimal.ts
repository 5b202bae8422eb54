/**
 * Exact arithmetic on decimals of up to 15 digits or so: each is a whole number times a power of ten, and whole numbers
 * below 2^53 are exact in a float64. Amounts of a trade are that short, and so are computed some ten times as fast as
 * with a decimal library. Whatever is longer, or is no plain decimal, gets `null` and has to be computed elsewhere.
 */

/** Below this every whole number is exact. */
const MOST = 2 ** 53;
const POWERS = Float64Array.from({ length: 17 }, (_, exponent) => 10 ** exponent);
const MOST_DIGITS = 16;
const [ZERO, NINE, MINUS, DOT] = [48, 57, 45, 46];

/** `units` × 10^-`scale`, `scale` 0..16. */
let units = 0;
let scale = 0;

/** Reads into `units` and `scale`; false for what is too long or no plain decimal. */
function read(value: string): boolean {
  if (typeof value !== 'string') return false;
  const { length } = value;
  const start = value.charCodeAt(0) === MINUS ? 1 : 0;
  if (length - start > MOST_DIGITS + 1 || length === start) return false;
  let whole = 0;
  let point = -1;
  for (let at = start; at < length; at += 1) {
    const code = value.charCodeAt(at);
    if (code >= ZERO && code <= NINE) whole = whole * 10 + (code - ZERO);
    else if (code === DOT && point < 0 && at > start && at < length - 1) point = at;
    else return false;
  }
  if (whole >= MOST) return false;
  units = start === 1 ? -whole : whole;
  scale = point < 0 ? 0 : length - point - 1;
  return true;
}

/** Plain notation without trailing zeros; `whole` must be exact. */
function written(whole: number, places: number): string {
  const size = Math.abs(whole);
  const before = wholeQuotient(size, power(places));
  let after = size - before * power(places);
  if (after === 0) return whole < 0 ? `-${before}` : String(before);
  let decimals = places;
  for (let shorter = wholeQuotient(after, 10); shorter * 10 === after; shorter = wholeQuotient(after, 10)) {
    after = shorter;
    decimals -= 1;
  }
  const digits = String(after).padStart(decimals, '0');
  return whole < 0 ? `-${before}.${digits}` : `${before}.${digits}`;
}

/** `left` + `sign` × `right`. */
export function shortSum(left: string, right: string, sign: 1 | -1): string | null {
  if (!read(left)) return null;
  const [leftUnits, leftScale] = [units, scale];
  if (!read(right)) return null;
  const common = Math.max(leftScale, scale);
  const one = leftUnits * power(common - leftScale);
  const other = sign * units * power(common - scale);
  return isExact(one) && isExact(other) && isExact(one + other) ? written(one + other, common) : null;
}

export function shortProduct(left: string, right: string): string | null {
  if (!read(left)) return null;
  const [leftUnits, leftScale] = [units, scale];
  if (!read(right)) return null;
  const product = leftUnits * units;
  const places = leftScale + scale;
  return isExact(product) && places <= MOST_DIGITS ? written(product, places) : null;
}

/** -1, 0 or 1 as `left` is less than, equal to or more than `right`. */
export function shortOrder(left: string, right: string): -1 | 0 | 1 | null {
  if (!read(left)) return null;
  const [leftUnits, leftScale] = [units, scale];
  if (!read(right)) return null;
  const common = Math.max(leftScale, scale);
  const one = leftUnits * power(common - leftScale);
  const other = units * power(common - scale);
  if (!isExact(one) || !isExact(other)) return null;
  return one < other ? -1 : one > other ? 1 : 0;
}

export type Rounding = 'down' | 'half-up' | 'up';

/** To `decimals` places; half-up and up go away from zero, as down goes towards it. */
export function shortRound(value: string, decimals: number, rounding: Rounding): string | null {
  if (decimals < 0 || !read(value)) return null;
  if (scale <= decimals) return written(units, scale);
  const step = power(scale - decimals);
  const size = Math.abs(units);
  const cut = wholeQuotient(size, step);
  const rest = size - cut * step;
  const isUp = rounding === 'up' ? rest > 0 : rounding === 'half-up' && 2 * rest >= step;
  const rounded = cut + (isUp ? 1 : 0);
  return written(units < 0 ? -rounded : rounded, decimals);
}

/** Digits of a quotient that are found at a time. */
const CHUNK = 10_000;
const MOST_DIVISOR = MOST / CHUNK;

/**
 * The quotient at 20 decimals half-up, and of that 12 half-up, which is what {@link divide} of money promises: by
 * long division, four digits at a time.
 */
export function shortQuotient(left: string, right: string): string | null {
  if (!read(left)) return null;
  const [leftUnits, leftScale] = [units, scale];
  if (!read(right) || units === 0) return null;
  const common = Math.max(leftScale, scale);
  const dividend = Math.abs(leftUnits * power(common - leftScale));
  const divisor = Math.abs(units * power(common - scale));
  if (!isExact(dividend) || divisor > MOST_DIVISOR) return null;
  const isNegative = leftUnits < 0 !== units < 0;
  let whole = wholeQuotient(dividend, divisor);
  let rest = dividend - whole * divisor;
  let [kept, beyond] = [0, 0];
  for (let chunk = 0; chunk < 5; chunk += 1) {
    const grown = rest * CHUNK;
    const digits = wholeQuotient(grown, divisor);
    rest = grown - digits * divisor;
    if (chunk < 3) kept = kept * CHUNK + digits;
    else beyond = beyond * CHUNK + digits;
  }
  if (2 * rest >= divisor) beyond += 1;
  if (2 * beyond >= CHUNK * CHUNK) kept += 1;
  if (kept === CHUNK ** 3) {
    kept = 0;
    whole += 1;
  }
  const size = kept === 0 ? String(whole) : `${whole}${written(kept, 12).slice(1)}`;
  return isNegative && size !== '0' ? `-${size}` : size;
}

/** Rounded down: below 2^53 no quotient of floats is rounded up to a whole number it doesn't reach. */
function wholeQuotient(dividend: number, divisor: number): number {
  return Math.floor(dividend / divisor);
}

function power(exponent: number): number {
  return POWERS[exponent] ?? Infinity;
}

function isExact(whole: number): boolean {
  return whole < MOST && whole > -MOST;
}
