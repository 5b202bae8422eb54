import { fieldText, numberAt } from './number-field.ts';

export const TIME_COLUMNS = ['time', 'time_s', 'time_ms', 'timestamp', 'unix', 'date'];

const EARLIEST_MS = Date.UTC(2009, 0, 1);
const LATEST_MS = Date.UTC(2100, 0, 1);
const ZONED = /^\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?)?\s*(Z|UTC|[+-]\d\d:?\d\d)$/i;

export const TIME_ALLOWED =
  'allowed are seconds or milliseconds since 1970, or a date with its zone like 2019-07-01T00:00:00Z, from 2009 on';

/** Epoch ms, whole; NaN for what is no time. Seconds and milliseconds are told apart by their size. */
export function timeAt(bytes: Uint8Array, from: number, to: number): number {
  const number = numberAt(bytes, from, to);
  return Number.isNaN(number) ? zonedTime(fieldText(bytes, from, to)) : epochMs(number);
}

export function epochMs(number: number): number {
  const ms = Math.floor(number < 1e11 ? number * 1000 : number);
  return ms >= EARLIEST_MS && ms < LATEST_MS ? ms : NaN;
}

/** A date without its zone is refused: what hour it was would hang on the machine that reads it. */
function zonedTime(written: string): number {
  return ZONED.test(written) ? Date.parse(written.replace(/\s*UTC$/i, 'Z').replace(' ', 'T')) : NaN;
}

/** Of `--from` and `--to`: as in files, and a plain day as its midnight UTC. */
export function timeOption(written: string): number {
  if (/^\d{4}-\d\d-\d\d$/.test(written)) return Date.parse(`${written}T00:00:00Z`);
  if (/^\d+(\.\d+)?$/.test(written)) return epochMs(Number(written));
  return zonedTime(written);
}
