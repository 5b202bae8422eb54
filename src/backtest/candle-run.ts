import type { Decimal } from '../domain/money.ts';
import type { Side } from '../domain/position.ts';
import type { TopOfBook } from '../exchange/paper/book.ts';
import type { Pair } from '../exchange/paper/pairs.ts';
import type { Desk, Signal } from './desk.ts';
import type { Grid } from './grid.ts';
import type { CandleField, CandleSeries } from './series.ts';
import type { BacktestSettings } from './settings.ts';
import { quoteMemo, rowFrom, SymbolRun } from './symbol-run.ts';

/** What comes after the open, in the order that is worse for the side. */
const PATHS: Readonly<Record<Side, readonly CandleField[]>> = {
  long: ['low', 'high', 'close'],
  short: ['high', 'low', 'close'],
};

/**
 * Walks candles. The open is a jump from the last close; then the price glides to the extreme against the side, to
 * the one in its favour and to the close. What happened first within a candle is unknown: the worse is assumed.
 */
export class CandleRun extends SymbolRun {
  readonly #series: CandleSeries;
  readonly #quote: ReturnType<typeof quoteMemo>;
  readonly #endRow: number;
  #row: number;
  /** Whether the open of the row is past, and only the walk through it is left. */
  #isOpen = false;
  /** The price that stands, which within a candle depends on the side. */
  #seen: Readonly<Record<Side, CandleField>> = { long: 'close', short: 'close' };
  #seenRow: number;

  constructor(series: CandleSeries, pair: Pair, grid: Grid, desk: Desk, settings: BacktestSettings) {
    super(series, pair, grid, desk, settings);
    this.#series = series;
    this.#quote = quoteMemo(pair, series, settings.seed);
    this.#row = rowFrom(series, settings.fromMs);
    this.#seenRow = Math.max(0, this.#row - 1);
    this.#endRow = rowFrom(series, settings.toMs);
  }

  get nextMs(): number {
    if (this.#row >= this.#endRow) return Infinity;
    const startMs = this.#series.timesMs[this.#row] ?? Infinity;
    return this.#isOpen ? startMs + this.#quarterMs(1) : startMs;
  }

  advance(limitMs: number): void {
    const { timesMs, prices, intervalMs } = this.#series;
    const { high, low } = prices;
    for (; this.#row < this.#endRow; this.#row += 1) {
      const row = this.#row;
      const startMs = timesMs[row] ?? Infinity;
      if (!this.#isOpen) {
        if (startMs > limitMs) return;
        this.#open(row, startMs);
        this.#isOpen = true;
      }
      if (startMs + this.#quarterMs(1) > limitMs) return;
      const isQuiet =
        (low[row] ?? 0) > this.quietLow &&
        (high[row] ?? 0) < this.quietHigh &&
        this.quietUntilMs >= startMs + intervalMs;
      if (!isQuiet) this.#walk(row, startMs);
      this.marks += 3;
      this.#stand(row, 'close', 'close');
      this.#isOpen = false;
    }
  }

  top(side: Side): TopOfBook {
    return this.#quote(this.#seenRow, this.#seen[side]);
  }

  protected signalled(signal: Signal, nowMs: number): void {
    this.enter(signal, nowMs);
  }

  #open(row: number, startMs: number): void {
    // Intervals in which nothing was traded still have predictions, but nothing to enter at.
    while (this.nextBoundaryMs < startMs) this.boundary(this.nextBoundaryMs, false);
    const open = this.#series.prices.open[row] ?? 0;
    this.marks += 1;
    this.passTime(startMs);
    this.#stand(row, 'open', 'open');
    this.jump(open, startMs);
    if (this.nextBoundaryMs === startMs) this.boundary(startMs, true);
    if (this.desk.curve.nextMs <= startMs) this.desk.sample(startMs);
  }

  #walk(row: number, startMs: number): void {
    const { prices } = this.#series;
    for (let step = 0; step < 3; step += 1) {
      const [long, short] = [PATHS.long[step] ?? 'close', PATHS.short[step] ?? 'close'];
      const timeMs = startMs + this.#quarterMs(step + 1);
      this.passTime(timeMs);
      this.each((held) => {
        const field = held.side === 'long' ? long : short;
        if (held.isQuietAt(prices[field][row] ?? 0)) return null;
        const last = this.markOf(held.side);
        return held.glide(this.#markAt(row, field, held.side), last, this.prediction, timeMs);
      });
      this.#stand(row, long, short);
    }
  }

  #markAt(row: number, field: CandleField, side: Side): Decimal {
    const top = this.#quote(row, field);
    return side === 'long' ? top.bid : top.ask;
  }

  #stand(row: number, long: CandleField, short: CandleField): void {
    this.#seenRow = row;
    this.#seen = { long, short };
  }

  /** Of the four prices of a candle, when the one with this number is reached. */
  #quarterMs(quarter: number): number {
    return Math.floor((quarter * (this.#series.intervalMs - 1)) / 3);
  }
}
