import type { Decimal } from '../../../domain/money.ts';

const MARK = '\u0001';

/** A decimal that is to be written as a JSON number, digit for digit. */
export function number(value: Decimal): string {
  return MARK + value;
}

/** JSON in which every {@link number} is a bare number with its zeros kept. */
export function encode(frame: unknown): string {
  return JSON.stringify(frame).replace(/"\\u0001([^"]*)"/g, '$1');
}

/** `2026-01-01T00:00:00.123000Z` */
export function isoTime(timeMs: number): string {
  const whole = Math.floor(timeMs);
  const micros = Math.floor((timeMs - whole) * 1000);
  return new Date(whole).toISOString().replace('Z', `${String(micros).padStart(3, '0')}Z`);
}
