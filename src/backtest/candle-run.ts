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
  protected readonly entersAtOnce = true;
  readonly #series: CandleSeries;
  readonly #quote: ReturnType<typeof quoteMemo>;
  readonly #endRow: number;
  #row: number;
  /** Of the four prices of the row's candle, the number of the one that comes next. */
  #step = 0;
  /** The price that stands, which within a candle depends on the side. */
  #seenByLong: CandleField = 'close';
  #seenByShort: CandleField = 'close';
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
    return Math.min(this.#stepMs(), this.nextBoundaryMs, this.quietUntilMs);
  }

  advance(limitMs: number): void {
    const { timesMs, prices, intervalMs } = this.#series;
    const { high, low } = prices;
    while (this.#row < this.#endRow) {
      const row = this.#row;
      const startMs = timesMs[row] ?? Infinity;
      if (this.#step === 1) {
        const endMs = startMs + intervalMs;
        const isQuiet = (low[row] ?? 0) > this.quietLow && (high[row] ?? 0) < this.quietHigh;
        if (isQuiet && this.quietUntilMs >= endMs && endMs <= limitMs) {
          this.marks += 3;
          this.#finish();
          continue;
        }
      }
      const stepMs = this.#stepMs();
      // What time alone brings comes before a price of the same moment, the end of an interval with the next open.
      const timerMs = Math.min(this.quietUntilMs, this.nextBoundaryMs);
      if (Math.min(stepMs, timerMs) > limitMs) return;
      if (this.quietUntilMs <= Math.min(stepMs, this.nextBoundaryMs)) this.passTime(timerMs);
      else if (this.nextBoundaryMs < stepMs) this.boundary(this.nextBoundaryMs, false);
      else if (this.#step === 0) this.#open(startMs);
      else this.#glide(stepMs);
    }
  }

  price(side: Side): number {
    return this.#series.prices[this.#seenBy(side)][this.#seenRow] ?? 0;
  }

  top(side: Side): TopOfBook {
    return this.#quote(this.#seenRow, this.#seenBy(side));
  }

  protected signalled(signal: Signal, nowMs: number): void {
    this.enter(signal, nowMs);
  }

  #open(startMs: number): void {
    const open = this.#series.prices.open[this.#row] ?? 0;
    this.marks += 1;
    this.#stand('open', 'open');
    this.jump(open, startMs);
    if (this.nextBoundaryMs === startMs) this.boundary(startMs, true);
    this.#step = 1;
  }

  #glide(nowMs: number): void {
    const { prices } = this.#series;
    const row = this.#row;
    const [long, short] = [PATHS.long[this.#step - 1] ?? 'close', PATHS.short[this.#step - 1] ?? 'close'];
    this.marks += 1;
    this.each((held) => {
      const field = held.side === 'long' ? long : short;
      if (held.isQuietAt(prices[field][row] ?? 0)) return null;
      const last = this.markOf(held.side);
      return held.glide(this.#markAt(row, field, held.side), last, this.prediction, nowMs);
    });
    this.#stand(long, short);
    if (this.#step === 3) this.#finish();
    else this.#step += 1;
  }

  #finish(): void {
    this.#stand('close', 'close');
    this.#step = 0;
    this.#row += 1;
  }

  #markAt(row: number, field: CandleField, side: Side): Decimal {
    const top = this.#quote(row, field);
    return side === 'long' ? top.bid : top.ask;
  }

  #stand(long: CandleField, short: CandleField): void {
    this.#seenRow = this.#row;
    this.#seenByLong = long;
    this.#seenByShort = short;
  }

  #seenBy(side: Side): CandleField {
    return side === 'long' ? this.#seenByLong : this.#seenByShort;
  }

  /** When the next price is reached: the four of a candle are spread over its time. */
  #stepMs(): number {
    const { timesMs, intervalMs } = this.#series;
    return (timesMs[this.#row] ?? Infinity) + Math.floor((this.#step * (intervalMs - 1)) / 3);
  }
}
