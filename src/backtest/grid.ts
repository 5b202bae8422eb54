import type { Candle } from '../domain/learning/path.ts';
import { logReturns } from '../domain/sizing.ts';
import { DataError } from './data-error.ts';
import type { CandleSeries, Series, TradeSeries } from './series.ts';

/** Candles without gaps, on which predictions and learning look. A silent interval repeats the last close. */
export interface Grid {
  readonly intervalMs: number;
  /** Start of the first candle. */
  readonly firstMs: number;
  readonly count: number;
  readonly closes: Float64Array;
  readonly returns: Float64Array;
  /** Intervals in which nothing was traded. */
  readonly silent: number;
  readonly candle: (index: number) => Candle;
}

/** Beyond this a time in the file is a mistake of its unit, not a long silence. */
const MOST_CANDLES = 20_000_000;

/** `phaseMs` shifts the grid of trades; candles are on their own. */
export function gridOf(series: Series, tradeIntervalMs: number, phaseMs = 0): Grid {
  return series.kind === 'candles' ? candleGrid(series) : tradeGrid(series, tradeIntervalMs, phaseMs);
}

function candleGrid(series: CandleSeries): Grid {
  const { timesMs, intervalMs, prices, price } = series;
  const firstMs = timesMs[0] ?? 0;
  const count = countOf(series, firstMs, intervalMs);
  const rows = new Int32Array(count).fill(-1);
  const closes = new Float64Array(count);
  for (let row = 0; row < series.length; row += 1) {
    const index = ((timesMs[row] ?? 0) - firstMs) / intervalMs;
    rows[index] = row;
    closes[index] = prices.close[row] ?? 0;
  }
  const silent = carryForward(closes, rows);
  return {
    intervalMs,
    firstMs,
    count,
    closes,
    returns: logReturns(closes),
    silent,
    candle: (index) => {
      const timeMs = firstMs + index * intervalMs;
      const row = rows[index] ?? -1;
      if (row >= 0) {
        const at = (field: 'open' | 'high' | 'low' | 'close') => price(row, field);
        return { timeMs, open: at('open'), high: at('high'), low: at('low'), close: at('close') };
      }
      const close = price(lastRow(rows, index), 'close');
      return { timeMs, open: close, high: close, low: close, close };
    },
  };
}

function tradeGrid(series: TradeSeries, intervalMs: number, phaseMs: number): Grid {
  const { timesMs, prices, price } = series;
  const start = timesMs[0] ?? 0;
  const firstMs = Math.floor((start - phaseMs) / intervalMs) * intervalMs + phaseMs;
  const count = countOf(series, firstMs, intervalMs);
  const [open, high, low, close] = [0, 1, 2, 3].map(() => new Int32Array(count).fill(-1));
  const closes = new Float64Array(count);
  if (!open || !high || !low || !close) throw new RangeError('a candle has four prices');
  for (let row = 0; row < series.length; row += 1) {
    const index = Math.floor(((timesMs[row] ?? 0) - firstMs) / intervalMs);
    const paid = prices[row] ?? 0;
    if ((open[index] ?? -1) < 0) open[index] = high[index] = low[index] = row;
    if (paid > (prices[high[index] ?? 0] ?? 0)) high[index] = row;
    if (paid < (prices[low[index] ?? 0] ?? 0)) low[index] = row;
    close[index] = row;
    closes[index] = paid;
  }
  const silent = carryForward(closes, close);
  return {
    intervalMs,
    firstMs,
    count,
    closes,
    returns: logReturns(closes),
    silent,
    candle: (index) => {
      const timeMs = firstMs + index * intervalMs;
      const last = price(lastRow(close, index));
      const at = (rows: Int32Array) => ((rows[index] ?? -1) < 0 ? last : price(rows[index] ?? 0));
      return { timeMs, open: at(open), high: at(high), low: at(low), close: last };
    },
  };
}

function countOf({ timesMs, length, file }: Series, firstMs: number, intervalMs: number): number {
  const lastMs = timesMs[length - 1] ?? 0;
  const count = Math.floor((lastMs - firstMs) / intervalMs) + 1;
  if (count > MOST_CANDLES) {
    throw new DataError(
      `${file} spans ${count} intervals of ${intervalMs / 60_000} minutes from ${new Date(firstMs).toISOString()} to ${new Date(lastMs).toISOString()}; at most ${MOST_CANDLES} are read`,
    );
  }
  return count;
}

function carryForward(closes: Float64Array, rows: Int32Array): number {
  let silent = 0;
  for (let index = 1; index < closes.length; index += 1) {
    if ((rows[index] ?? -1) >= 0) continue;
    closes[index] = closes[index - 1] ?? 0;
    silent += 1;
  }
  return silent;
}

function lastRow(rows: Int32Array, index: number): number {
  let at = index;
  while (at > 0 && (rows[at] ?? -1) < 0) at -= 1;
  return rows[at] ?? 0;
}
