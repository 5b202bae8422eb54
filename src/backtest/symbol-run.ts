import { entryShare, entrySide, refuseEntry, VOLATILITY_CANDLES } from '../domain/entry.ts';
import type { Prediction } from '../domain/exit-policy.ts';
import type { Decimal } from '../domain/money.ts';
import type { Side } from '../domain/position.ts';
import { deviation, signalNotional } from '../domain/sizing.ts';
import type { TopOfBook } from '../exchange/paper/book.ts';
import type { Pair } from '../exchange/paper/pairs.ts';
import { MOMENTUM_CANDLES, momentumPrediction, momentumSpread } from '../market/momentum.ts';
import type { Holding } from './account.ts';
import type { Desk, Signal, Venue } from './desk.ts';
import { quoteAround } from './fills.ts';
import type { Grid } from './grid.ts';
import type { DecidedExit, HeldPosition } from './held-position.ts';
import type { CandleField, Series } from './series.ts';
import type { BacktestSettings, GivenSignal } from './settings.ts';

/** Prediction, entries and exits of one symbol: what candles and trades have in common. */
export abstract class SymbolRun implements Venue {
  readonly symbol: string;
  readonly pair: Pair;
  readonly grid: Grid;
  marks = 0;
  protected readonly desk: Desk;
  protected readonly settings: BacktestSettings;
  protected readonly holdings = new Set<Holding>();
  /** Float64 prices of the file that no position needs to hear of. */
  protected quietLow = -Infinity;
  protected quietHigh = Infinity;
  /** Until then time alone changes no answer. */
  protected quietUntilMs = Infinity;
  protected prediction: Prediction | null = null;
  protected nextBoundaryMs: number;
  #leastConfidence = Infinity;
  /** Intervals that have ended. */
  #finished = 0;
  /** Exits of the last moment that had any. */
  #exits = { timeMs: NaN, count: 0 };
  #given: readonly GivenSignal[];

  constructor(series: Series, pair: Pair, grid: Grid, desk: Desk, settings: BacktestSettings) {
    this.pair = pair;
    this.grid = grid;
    this.desk = desk;
    this.settings = settings;
    this.symbol = series.symbol;
    this.#given = (settings.signals ?? []).filter(({ symbol }) => symbol === series.symbol);
    this.nextBoundaryMs = firstBoundary(grid, settings.fromMs);
  }

  /** When something happens next; Infinity at the end of the data. */
  abstract get nextMs(): number;

  /**
   * Goes on through everything that happens at or before `limitMs`, and through nothing later: until then another
   * symbol, which shares the account, may have something to do.
   */
  abstract advance(limitMs: number): void;

  /** The float64 price of the file that stands, as a position of that side sees it. */
  abstract price(side: Side): number;

  /** Whether nothing can come between a signal and its order. */
  protected abstract readonly entersAtOnce: boolean;

  /** The best prices now, as a position of that side sees them. */
  abstract top(side: Side): TopOfBook;

  giveWay(holding: Holding, nowMs: number): void {
    this.#close(holding, { rule: 'rotation', mark: this.markOf(holding.held.side), timeMs: nowMs });
    this.quieten();
  }

  protected markOf(side: Side): Decimal {
    const top = this.top(side);
    return side === 'long' ? top.bid : top.ask;
  }

  /** An interval ended: a new prediction, heard by what is open; then perhaps an entry. */
  protected boundary(atMs: number, mayEnter: boolean): void {
    this.nextBoundaryMs = atMs + this.grid.intervalMs;
    this.passTime(atMs);
    const { closes, returns, firstMs, intervalMs } = this.grid;
    const finished = Math.round((atMs - firstMs) / intervalMs);
    this.#finished = finished;
    const spread = momentumSpread(closes, returns, Math.max(0, finished - MOMENTUM_CANDLES), finished);
    const before = this.prediction?.confidence ?? 0;
    this.prediction = this.settings.predicts ? momentumPrediction(spread, atMs, 2 * intervalMs) : null;
    const confidence = this.prediction?.confidence ?? 0;
    if (Math.max(before, confidence) > this.#leastConfidence) {
      this.each((held) => held.ask(this.markOf(held.side), this.prediction, atMs));
    }
    if (this.desk.learner.nextMs <= atMs) this.desk.learner.advance(atMs);
    if (mayEnter && atMs >= this.settings.fromMs) this.#judge(atMs);
  }

  protected enter(signal: Signal, nowMs: number): void {
    const holding = this.desk.open(this.symbol, this, signal, nowMs);
    if (!holding) return;
    this.holdings.add(holding);
    const { held } = holding;
    const decided = held.ask(this.markOf(signal.side), this.prediction, nowMs);
    if (decided) this.#close(holding, decided);
    this.quieten();
  }

  /** Asks every position; those that exit are closed. */
  protected each(ask: (held: HeldPosition) => DecidedExit | null): void {
    for (const holding of this.holdings) {
      const decided = ask(holding.held);
      if (decided) this.#close(holding, decided);
    }
    this.quieten();
  }

  /** Decisions that time alone brings, at the quote that stands. */
  protected passTime(nowMs: number): void {
    if (this.quietUntilMs > nowMs) return;
    this.each((held) =>
      held.untilMs > nowMs ? null : held.passTime(this.markOf(held.side), this.prediction, nowMs),
    );
  }

  /** The quote jumped; `price` is that of the file. */
  protected jump(price: number, nowMs: number): void {
    if (price > this.quietLow && price < this.quietHigh) return;
    this.each((held) =>
      held.isQuietAt(price) ? null : held.ask(this.markOf(held.side), this.prediction, nowMs),
    );
  }

  /** The band and the time that all positions together leave quiet. */
  protected quieten(): void {
    let [low, high, untilMs, least] = [-Infinity, Infinity, Infinity, Infinity];
    for (const { held } of this.holdings) {
      low = Math.max(low, held.low);
      high = Math.min(high, held.high);
      untilMs = Math.min(untilMs, held.untilMs);
      least = Math.min(least, held.leastConfidence);
    }
    this.quietLow = low;
    this.quietHigh = high;
    this.quietUntilMs = untilMs;
    this.#leastConfidence = least;
  }

  /** Trades that hold their place, for a scan of this moment: an exit at the same moment is not yet over for it. */
  protected underWay(nowMs: number): number {
    return this.holdings.size + (this.#exits.timeMs === nowMs ? this.#exits.count : 0);
  }

  protected abstract signalled(signal: Signal, nowMs: number): void;

  #judge(nowMs: number): void {
    if (this.settings.signals) {
      for (const signal of this.takeSignals(nowMs)) this.enter(signal, nowMs);
      return;
    }
    const { prediction, desk, settings } = this;
    if (!prediction || prediction.action === 'HOLD') return;
    const { thresholds } = desk.learner;
    const reason = refuseEntry(prediction, thresholds, settings.rules, {
      openPositions: this.underWay(nowMs),
      canSellShort: this.pair.leverages.length > 0,
    });
    if (reason !== null) {
      desk.skip(reason);
      return;
    }
    const { confidence, source } = prediction;
    const side = entrySide(prediction);
    const { baseNotional } = settings.rules;
    if (this.entersAtOnce) {
      const { symbol, pair } = this;
      const asking = { symbol, pair, side, confidence, nowMs };
      // Volatility is only reckoned where it decides.
      const rough = side === 'long' ? NaN : Number(baseNotional) * this.#share(prediction);
      if (desk.isBeyondMeans(asking, rough, this.price(side))) {
        desk.skip('insufficient-funds');
        return;
      }
    }
    const sigma = this.#sigma(this.#finished);
    const notional = signalNotional(baseNotional, this.#share(prediction));
    this.signalled({ side, notional, confidence, source, sigma }, nowMs);
  }

  /** What a signal takes of the base notional. */
  #share(prediction: Prediction): number {
    return entryShare(prediction, this.desk.learner.thresholds, this.#sigma(this.#finished));
  }

  /** The given signals that are due, once each. */
  protected takeSignals(nowMs: number): Signal[] {
    const due = this.#given.filter(({ timeMs }) => timeMs <= nowMs);
    this.#given = this.#given.slice(due.length);
    const { grid } = this;
    return due.map(({ timeMs, side, notional, confidence }) => ({
      side,
      notional,
      confidence,
      source: 'given',
      sigma: this.#sigma(Math.floor((timeMs - grid.firstMs) / grid.intervalMs)),
    }));
  }

  protected get nextGivenMs(): number {
    return this.#given[0]?.timeMs ?? Infinity;
  }

  /** Of one-minute log returns, from the candles that have ended; longer ones move by the root of their length more. */
  #sigma(finished: number): number {
    const { returns, intervalMs } = this.grid;
    const from = Math.max(1, finished - VOLATILITY_CANDLES + 1);
    return deviation(returns, from, finished) / Math.sqrt(intervalMs / 60_000);
  }

  #close(holding: Holding, decided: DecidedExit): void {
    this.holdings.delete(holding);
    const { timeMs } = decided;
    if (this.#exits.timeMs !== timeMs) this.#exits = { timeMs, count: 0 };
    this.#exits.count += 1;
    this.desk.close(holding, decided, this);
  }
}

/** The first end of an interval that matters: predictions of `fromMs` need none before. */
function firstBoundary(grid: Grid, fromMs: number): number {
  const firstMs = grid.firstMs + grid.intervalMs;
  if (fromMs <= firstMs) return firstMs;
  return grid.firstMs + Math.ceil((fromMs - grid.firstMs) / grid.intervalMs) * grid.intervalMs;
}

/** The first row at or after `timeMs`. */
export function rowFrom(series: Series, timeMs: number): number {
  let [low, high] = [0, series.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((series.timesMs[middle] ?? 0) < timeMs) low = middle + 1;
    else high = middle;
  }
  return low;
}

interface KnownQuote {
  readonly row: number;
  readonly field: CandleField;
  readonly top: TopOfBook;
}

/** Remembers the last two quotes asked for: several positions ask where a move began and where it ended. */
export function quoteMemo(pair: Pair, series: Series, seed: number) {
  let [last, lastButOne]: [KnownQuote | null, KnownQuote | null] = [null, null];
  return (row: number, field: CandleField): TopOfBook => {
    if (last?.row === row && last.field === field) return last.top;
    if (lastButOne?.row === row && lastButOne.field === field) return lastButOne.top;
    const price = series.kind === 'candles' ? series.price(row, field) : series.price(row);
    lastButOne = last;
    last = { row, field, top: quoteAround(pair, series, price, row, seed) };
    return last.top;
  };
}
