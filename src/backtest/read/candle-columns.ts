import type { Decimal } from '../../domain/money.ts';
import { DataError, lineError } from '../data-error.ts';
import type { CandleField, CandleSeries } from '../series.ts';
import { TIME_ALLOWED } from './times.ts';

const FIELDS: readonly CandleField[] = ['open', 'high', 'low', 'close'];

/** Takes checked candles row by row; what is wrong with one names its line. */
export class CandleColumns {
  readonly #file: string;
  #times = new Float64Array(1024);
  #open = new Float64Array(1024);
  #high = new Float64Array(1024);
  #low = new Float64Array(1024);
  #close = new Float64Array(1024);
  #lines = new Uint32Array(1024);
  #length = 0;

  constructor(file: string) {
    this.#file = file;
  }

  get length(): number {
    return this.#length;
  }

  /** Throws {@link DataError} on a candle that can't be one. `written` gives the text of a bad price. */
  add(line: number, timeMs: number, prices: readonly number[], written: (field: number) => string): void {
    const open = prices[0] ?? NaN;
    const high = prices[1] ?? NaN;
    const low = prices[2] ?? NaN;
    const close = prices[3] ?? NaN;
    if (Number.isNaN(timeMs)) throw this.#wrong(line, `time "${written(-1)}" can't be read; ${TIME_ALLOWED}`);
    if (!(open > 0 && high > 0 && low > 0 && close > 0)) {
      const field = prices.findIndex((price) => !(price > 0));
      throw this.#wrong(line, `${FIELDS[field] ?? ''} "${written(field)}" is not a price above 0`);
    }
    if (high < open || high < close || high < low)
      throw this.#wrong(line, `high ${high} is below another price of the candle`);
    if (low > open || low > close) throw this.#wrong(line, `low ${low} is above another price of the candle`);
    const before = this.#length === 0 ? -Infinity : (this.#times[this.#length - 1] ?? 0);
    if (timeMs <= before) {
      const what = timeMs === before ? 'the same as' : 'earlier than';
      throw this.#wrong(
        line,
        `time ${timeMs} ms is ${what} that of the row above; candles must rise in time, one a time`,
      );
    }
    if (this.#length === this.#times.length) this.#grow();
    this.#times[this.#length] = timeMs;
    this.#lines[this.#length] = line;
    this.#open[this.#length] = open;
    this.#high[this.#length] = high;
    this.#low[this.#length] = low;
    this.#close[this.#length] = close;
    this.#length += 1;
  }

  /** `intervalMs` null: the usual step between two candles; all must be on its grid. */
  finish(
    symbol: string,
    price: (row: number, field: CandleField) => Decimal,
    intervalMs: number | null,
  ): CandleSeries {
    if (this.#length < 2) {
      throw new DataError(`${this.#file} holds ${this.#length} candles, at least 2 are needed`);
    }
    const timesMs = this.#times.subarray(0, this.#length);
    const stepMs = intervalMs ?? usualStep(timesMs);
    for (let row = 1; row < timesMs.length; row += 1) {
      const fromFirst = (timesMs[row] ?? 0) - (timesMs[0] ?? 0);
      if (Math.floor(fromFirst / stepMs) * stepMs !== fromFirst) {
        throw lineError(
          this.#file,
          this.#lines[row] ?? 0,
          `time ${timesMs[row] ?? 0} ms is off the grid of ${stepMs / 60_000} minutes that begins at ${timesMs[0] ?? 0}`,
        );
      }
    }
    const kept = (column: Float64Array) => column.subarray(0, this.#length);
    const prices = {
      open: kept(this.#open),
      high: kept(this.#high),
      low: kept(this.#low),
      close: kept(this.#close),
    };
    const { length } = timesMs;
    return { kind: 'candles', symbol, file: this.#file, length, intervalMs: stepMs, timesMs, prices, price };
  }

  #wrong(line: number, what: string): DataError {
    return lineError(this.#file, line, what);
  }

  #grow(): void {
    const grown = (column: Float64Array) => {
      const wider = new Float64Array(column.length * 2);
      wider.set(column);
      return wider;
    };
    this.#times = grown(this.#times);
    this.#open = grown(this.#open);
    this.#high = grown(this.#high);
    this.#low = grown(this.#low);
    this.#close = grown(this.#close);
    const lines = new Uint32Array(this.#lines.length * 2);
    lines.set(this.#lines);
    this.#lines = lines;
  }
}

/** The usual step: gaps make some longer, and a shorter one is a mistake to be named. */
function usualStep(timesMs: Float64Array): number {
  const counts = new Map<number, number>();
  let [step, count] = [0, 0];
  for (let row = 1; row <= timesMs.length; row += 1) {
    const next = row < timesMs.length ? (timesMs[row] ?? 0) - (timesMs[row - 1] ?? 0) : NaN;
    if (next !== step) {
      if (count > 0) counts.set(step, (counts.get(step) ?? 0) + count);
      [step, count] = [next, 0];
    }
    count += 1;
  }
  const [usual] = [...counts].sort((left, right) => right[1] - left[1] || left[0] - right[0]);
  return usual?.[0] ?? 0;
}
