import { add, compare, type Decimal } from '../../domain/money.ts';
import type { Candle } from '../port.ts';

/** Minutes per candle that Kraken serves ready-made. */
export const SERVED_MINUTES = [1, 5, 15, 30, 60, 240, 1440, 10080, 21600];

/** Ready-made candles that one answer holds, without the running one. */
export const SERVED_COUNT = 720;

/** The ready-made interval that `intervalMs` is, or can be put together from within one answer; minutes. */
export function servedMinutes(intervalMs: number, count: number): number | null {
  const fitting = SERVED_MINUTES.filter((minutes) => {
    const parts = intervalMs / (minutes * 60_000);
    return Number.isInteger(parts) && (parts === 1 || parts * (count + 1) <= SERVED_COUNT);
  });
  return fitting.at(-1) ?? null;
}

export interface PriceVolume {
  readonly timeMs: number;
  readonly price: Decimal;
  readonly volume: Decimal;
}

/** Candles of `[fromMs, untilMs)`, both on the interval's grid; a silent interval repeats the last close. */
export function candlesFromTrades(
  trades: readonly PriceVolume[],
  intervalMs: number,
  fromMs: number,
  untilMs: number,
): Candle[] {
  const ticks = trades.map(({ timeMs, price, volume }) => ({
    startMs: timeMs,
    open: price,
    high: price,
    low: price,
    close: price,
    volume,
  }));
  return mergeCandles(ticks, intervalMs, fromMs, untilMs);
}

/** Merges finer candles, oldest first, into those of `intervalMs`. */
export function mergeCandles(
  finer: readonly Candle[],
  intervalMs: number,
  fromMs: number,
  untilMs: number,
): Candle[] {
  const merged: Candle[] = [];
  let next = 0;
  let lastClose: Decimal | null = null;
  while (next < finer.length && (finer[next]?.startMs ?? Infinity) < fromMs) {
    lastClose = finer[next]?.close ?? lastClose;
    next += 1;
  }
  for (let startMs = fromMs; startMs < untilMs; startMs += intervalMs) {
    let candle: Candle | null = null;
    for (; next < finer.length; next += 1) {
      const part = finer[next];
      if (part === undefined || part.startMs >= startMs + intervalMs) break;
      candle = candle === null ? { ...part, startMs } : joined(candle, part);
    }
    if (candle === null && lastClose !== null) candle = flat(startMs, lastClose);
    if (candle === null) continue;
    merged.push(candle);
    lastClose = candle.close;
  }
  return merged;
}

function joined(left: Candle, right: Candle): Candle {
  return {
    startMs: left.startMs,
    open: left.open,
    high: compare(left.high, right.high) >= 0 ? left.high : right.high,
    low: compare(left.low, right.low) <= 0 ? left.low : right.low,
    close: right.close,
    volume: add(left.volume, right.volume),
  };
}

function flat(startMs: number, price: Decimal): Candle {
  return { startMs, open: price, high: price, low: price, close: price, volume: '0' };
}
