import type { TopOfBook } from '../exchange/paper/book.ts';
import type { Pair } from '../exchange/paper/pairs.ts';
import type { Desk, Signal } from './desk.ts';
import type { Grid } from './grid.ts';
import type { TradeSeries } from './series.ts';
import type { BacktestSettings } from './settings.ts';
import { quoteMemo, rowFrom, SymbolRun } from './symbol-run.ts';

/** Walks recorded trades: each moves the quote, and the quote stands until the next. */
export class TradeRun extends SymbolRun {
  protected readonly entersAtOnce: boolean;
  readonly #series: TradeSeries;
  readonly #quote: ReturnType<typeof quoteMemo>;
  readonly #endRow: number;
  /** The next row; the quote is that of the one before. */
  #row: number;
  #delayed: { readonly signal: Signal; readonly dueMs: number }[] = [];

  constructor(series: TradeSeries, pair: Pair, grid: Grid, desk: Desk, settings: BacktestSettings) {
    super(series, pair, grid, desk, settings);
    this.entersAtOnce = settings.entryDelayMs === 0 && settings.entryDelays.size === 0;
    this.#series = series;
    this.#quote = quoteMemo(pair, series, settings.seed);
    this.#row = Math.max(1, rowFrom(series, settings.fromMs));
    this.#endRow = rowFrom(series, settings.toMs);
  }

  get nextMs(): number {
    if (this.#row >= this.#endRow) return Infinity;
    return Math.min(this.#series.timesMs[this.#row] ?? Infinity, this.#timerMs());
  }

  advance(limitMs: number): void {
    const { timesMs, prices } = this.#series;
    while (this.#row < this.#endRow) {
      // Between two timers only prices matter.
      const dueMs = this.#timerMs();
      const [low, high, end, from] = [this.quietLow, this.quietHigh, this.#endRow, this.#row];
      const stopMs = Math.min(dueMs, limitMs + 1);
      let row = from;
      while (row < end) {
        const price = prices[row] ?? 0;
        if (!(price > low && price < high) || (timesMs[row] ?? 0) >= stopMs) break;
        row += 1;
      }
      this.#row = row;
      this.marks += row - from;
      if (row >= end) return;
      const timeMs = timesMs[row] ?? Infinity;
      if (Math.min(timeMs, dueMs) > limitMs) return;
      if (dueMs <= timeMs) this.#timer(dueMs);
      else this.#mark(timeMs);
    }
  }

  price(): number {
    return this.#series.prices[this.#row - 1] ?? 0;
  }

  protected override underWay(nowMs: number): number {
    return super.underWay(nowMs) + this.#delayed.length;
  }

  top(): TopOfBook {
    return this.#quote(this.#row - 1, 'close');
  }

  protected signalled(signal: Signal, nowMs: number): void {
    const { entryDelayMs, entryDelays } = this.settings;
    const dueMs = nowMs + (entryDelays.get(nowMs) ?? entryDelayMs);
    if (dueMs === nowMs) this.enter(signal, nowMs);
    else this.#delayed.push({ signal, dueMs });
  }

  #timerMs(): number {
    const delayedMs = this.#delayed[0]?.dueMs ?? Infinity;
    return Math.min(this.nextBoundaryMs, delayedMs, this.nextGivenMs, this.quietUntilMs);
  }

  /** What time alone brings, at the quote that stands. */
  #timer(dueMs: number): void {
    this.passTime(dueMs);
    const [first] = this.#delayed;
    if (first && first.dueMs <= dueMs) {
      this.#delayed.shift();
      this.enter(first.signal, dueMs);
    }
    if (this.nextGivenMs <= dueMs) for (const signal of this.takeSignals(dueMs)) this.enter(signal, dueMs);
    if (this.nextBoundaryMs <= dueMs) this.boundary(dueMs, true);
  }

  #mark(timeMs: number): void {
    const price = this.#series.prices[this.#row] ?? 0;
    this.#row += 1;
    this.marks += 1;
    this.jump(price, timeMs);
  }
}
