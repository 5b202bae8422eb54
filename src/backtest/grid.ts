import type { Candle } from '../domain/learning/path.ts';
import type { Decimal } from '../domain/money.ts';
import { logReturns } from '../domain/sizing.ts';
import { DataError } from './data-error.ts';
import type { CandleField, CandleSeries, Series, TradeSeries } from './series.ts';

/** Candles without gaps, on which predictions and learning look. A silent interval repeats the last close. */
export interface Grid {
  readonly intervalMs: number;
  /** Start of the first candle. */
  readonly firstMs: number;
  readonly count: number;
  readonly closes: Float64Array;
  readonly returns: Float64Array;
  readonly candle: (index: number) => Candle;
}

/** Beyond this a time in the file is a mistake of its unit, not a long silence. */
const MOST_CANDLES = 20_000_000;

/** Of the length of the candles; that of trades is given. */
export function gridOf(series: Series, tradeIntervalMs: number): Grid {
  return series.kind === 'candles' ? candleGrid(series) : tradeGrid(series, tradeIntervalMs);
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
  return gridFrom(intervalMs, firstMs, closes, rows, (row, field) => price(row, field));
}

function tradeGrid(series: TradeSeries, intervalMs: number): Grid {
  const { timesMs, prices, price } = series;
  const start = timesMs[0] ?? 0;
  const firstMs = Math.floor(start / intervalMs) * intervalMs;
  const count = countOf(series, firstMs, intervalMs);
  const indexOf = (row: number) => Math.floor(((timesMs[row] ?? 0) - firstMs) / intervalMs);
  const column = () => new Int32Array(count).fill(-1);
  const rows = { open: column(), high: column(), low: column(), close: column() };
  const closes = new Float64Array(count);
  for (let row = 0; row < series.length; row += 1) {
    const index = indexOf(row);
    const paid = prices[row] ?? 0;
    if ((rows.open[index] ?? -1) < 0) rows.open[index] = rows.high[index] = rows.low[index] = row;
    if (paid > (prices[rows.high[index] ?? 0] ?? 0)) rows.high[index] = row;
    if (paid < (prices[rows.low[index] ?? 0] ?? 0)) rows.low[index] = row;
    rows.close[index] = row;
    closes[index] = paid;
  }
  return gridFrom(intervalMs, firstMs, closes, rows.close, (row, field) =>
    price(rows[field][indexOf(row)] ?? row),
  );
}

/** `rows` are those with which intervals end, -1 of a silent one; `priceAt` tells the prices of such an interval. */
function gridFrom(
  intervalMs: number,
  firstMs: number,
  closes: Float64Array,
  rows: Int32Array,
  priceAt: (row: number, field: CandleField) => Decimal,
): Grid {
  carryForward(closes, rows);
  return {
    intervalMs,
    firstMs,
    count: closes.length,
    closes,
    returns: logReturns(closes),
    candle: (index) => {
      const row = lastRow(rows, index);
      // A silent interval repeats the close before it.
      const at = (field: CandleField) => priceAt(row, (rows[index] ?? -1) < 0 ? 'close' : field);
      return {
        timeMs: firstMs + index * intervalMs,
        open: at('open'),
        high: at('high'),
        low: at('low'),
        close: at('close'),
      };
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

function carryForward(closes: Float64Array, rows: Int32Array): void {
  for (let index = 1; index < closes.length; index += 1) {
    if ((rows[index] ?? -1) >= 0) continue;
    closes[index] = closes[index - 1] ?? 0;
  }
}

function lastRow(rows: Int32Array, index: number): number {
  let at = index;
  while (at > 0 && (rows[at] ?? -1) < 0) at -= 1;
  return rows[at] ?? 0;
}
