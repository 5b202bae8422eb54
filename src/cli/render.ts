import Table from 'cli-table3';
import picocolors from 'picocolors';

/** Lines for people; colours only on a terminal, or where FORCE_COLOR asks for them. A CI's pipe is none. */
const { NO_COLOR, FORCE_COLOR } = process.env;
const isColourful = !NO_COLOR && (process.stdout.isTTY || Boolean(FORCE_COLOR));
export const colors = picocolors.createColors(isColourful);

export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const borderless = {
    top: '',
    'top-mid': '',
    'top-left': '',
    'top-right': '',
    bottom: '',
    'bottom-mid': '',
    'bottom-left': '',
    'bottom-right': '',
    left: '',
    'left-mid': '',
    mid: '',
    'mid-mid': '',
    right: '',
    'right-mid': '',
    middle: ' ',
  };
  const grid = new Table({
    head: head.map((cell) => colors.bold(cell)),
    chars: borderless,
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 1 },
  });
  for (const row of rows) grid.push([...row]);
  return grid.toString();
}

/** `2026-01-31 14:05:09`, local time. */
export function time(ms: number): string {
  const date = new Date(ms);
  const two = (value: number) => String(value).padStart(2, '0');
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${clock(ms)}`;
}

/** `14:05:09`, local time. */
export function clock(ms: number): string {
  return new Date(ms).toTimeString().slice(0, 8);
}

const UNITS: readonly (readonly [name: string, ms: number])[] = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
];

/** The two largest units: `3d 4h`, `12m 5s`, `0s`. */
export function duration(ms: number): string {
  const first = Math.max(
    0,
    UNITS.findIndex(([, unitMs]) => ms >= unitMs),
  );
  if (ms < 1_000) return '0s';
  let restMs = ms;
  return UNITS.slice(first, first + 2)
    .map(([name, unitMs]) => {
      const count = Math.floor(restMs / unitMs);
      restMs -= count * unitMs;
      return count === 0 ? '' : `${count}${name}`;
    })
    .join(' ')
    .trim();
}

/** Green above zero, red below. */
export function signed(value: string | number): string {
  const text = typeof value === 'number' ? value.toFixed(2) : value;
  if (Number(text) === 0) return text.replace('-', '');
  if (Number(value) > 0) return colors.green(`+${text}`);
  return Number(value) < 0 ? colors.red(text) : text;
}
