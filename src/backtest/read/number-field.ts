import { big, text, type Decimal } from '../../domain/money.ts';

const ZERO = 48;
const DOT = 46;
/** Up to 15 digits and 22 decimals a quotient of two exact float64 is the nearest one, as Number() gives it. */
const MOST_DIGITS = 15;
const POWERS = Float64Array.from({ length: 23 }, (_, power) => Number(`1e${power}`));

/** The number in `bytes[from..to)` as Number() would read it; NaN where it isn't a plain number of 0 or more. */
export function numberAt(bytes: Uint8Array, from: number, to: number): number {
  let mantissa = 0;
  let digits = 0;
  let decimals = -1;
  for (let at = from; at < to; at += 1) {
    const digit = (bytes[at] ?? 0) - ZERO;
    if (digit >= 0 && digit <= 9) {
      mantissa = mantissa * 10 + digit;
      digits += 1;
      if (decimals >= 0) decimals += 1;
    } else if (bytes[at] === DOT && decimals < 0) {
      decimals = 0;
    } else {
      return slowNumber(bytes, from, to);
    }
  }
  if (digits === 0) return NaN;
  if (digits > MOST_DIGITS || decimals > 22) return slowNumber(bytes, from, to);
  return decimals > 0 ? mantissa / (POWERS[decimals] ?? NaN) : mantissa;
}

const NUMBER = /^\d+(\.\d+)?(e-?\d+)?$/i;

function slowNumber(bytes: Uint8Array, from: number, to: number): number {
  const written = fieldText(bytes, from, to);
  return NUMBER.test(written) ? Number(written) : NaN;
}

export function fieldText(bytes: Uint8Array, from: number, to: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + from, to - from)
    .toString('latin1')
    .trim();
}

/** `2.5e-7`, as some recorders write it, is `0.00000025`. */
export function plainDecimal(written: string): Decimal {
  return /e/i.test(written) ? text(big(written)) : written;
}
