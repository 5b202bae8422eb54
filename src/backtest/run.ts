import { findPair, PAIRS, type Pair } from '../exchange/paper/pairs.ts';
import { CandleRun } from './candle-run.ts';
import { DataError } from './data-error.ts';
import { Desk } from './desk.ts';
import { gridOf } from './grid.ts';
import type { Backtest } from './result.ts';
import type { Series } from './series.ts';
import { DEFAULT_SETTINGS, type BacktestSettings } from './settings.ts';
import { rowFrom, type SymbolRun } from './symbol-run.ts';
import { TradeRun } from './trade-run.ts';

/**
 * Trades a history by the rules that trade live: one account for all series. The same input gives the same result to
 * the last bit. Throws {@link DataError} when the series can't be traded together or a symbol isn't listed.
 */
export function runBacktest(series: readonly Series[], given: Partial<BacktestSettings> = {}): Backtest {
  const settings = { ...DEFAULT_SETTINGS, ...given };
  const pairs = pairsOf(series);
  const span = spanOf(series, settings);
  const desk = new Desk(settings, span.fromMs, span.toMs);
  const runs = pairs.map(({ one, pair }) => {
    const run = runOf(one, pair, desk, settings);
    desk.join(one.symbol, run);
    return run;
  });
  for (;;) {
    const next = earliest(runs);
    if (!next) break;
    const { nextMs } = desk.curve;
    if (nextMs < next.run.nextMs) desk.curve.keep(nextMs, desk.see(nextMs));
    else next.run.advance(Math.min(next.limitMs, nextMs));
  }
  desk.curve.end(span.toMs, desk.see(span.toMs));
  return {
    trades: desk.trades,
    open: desk.stillOpen(),
    equity: desk.curve.points,
    maxDrawdown: desk.curve.maxDrawdown,
    thresholds: [
      {
        timeMs: span.fromMs,
        version: 1,
        accepted: true,
        why: 'the thresholds it began with',
        thresholds: settings.thresholds,
      },
      ...desk.learner.changes,
    ],
    skipped: desk.skipped,
    marks: runs.reduce((sum, { marks }) => sum + marks, 0),
    rolloverFees: desk.rolloverFees,
    ...span,
  };
}

function runOf(series: Series, pair: Pair, desk: Desk, settings: BacktestSettings): SymbolRun {
  const grid = gridOf(series, settings.intervalMs);
  return series.kind === 'candles'
    ? new CandleRun(series, pair, grid, desk, settings)
    : new TradeRun(series, pair, grid, desk, settings);
}

/** The run with the next event, of equal ones the first given, and how far it may go before it is another's turn. */
function earliest(runs: readonly SymbolRun[]): { run: SymbolRun; limitMs: number } | null {
  let [first, limitMs]: [SymbolRun | null, number] = [null, Infinity];
  for (const run of runs) {
    const { nextMs } = run;
    if (nextMs === Infinity) continue;
    if (first === null || nextMs < first.nextMs) {
      if (first) limitMs = Math.min(limitMs, first.nextMs - 1);
      first = run;
    } else {
      limitMs = Math.min(limitMs, nextMs);
    }
  }
  return first && { run: first, limitMs: Math.max(limitMs, first.nextMs) };
}

function pairsOf(series: readonly Series[]): { one: Series; pair: Pair }[] {
  const found = series.map((one) => ({ one, pair: listedPair(one.symbol) }));
  const [first] = found;
  if (!first) throw new DataError('nothing to trade: give at least one file of candles or trades');
  for (const [index, { pair }] of found.entries()) {
    if (pair.quote.id !== first.pair.quote.id) {
      throw new DataError(
        `${pair.symbol} is quoted in ${pair.quote.v2}, ${first.pair.symbol} in ${first.pair.quote.v2}: one account needs one quote currency`,
      );
    }
    if (found.findIndex((other) => other.pair === pair) !== index)
      throw new DataError(`${pair.symbol} is given twice, once is allowed`);
  }
  return found;
}

function listedPair(symbol: string): Pair {
  const pair = findPair(symbol);
  if (pair) return pair;
  const some = PAIRS.slice(0, 5).map((known) => known.symbol);
  throw new DataError(
    `symbol ${symbol} is not listed on the paper exchange; it lists ${some.join(', ')} and others`,
  );
}

function spanOf(
  series: readonly Series[],
  { fromMs, toMs }: BacktestSettings,
): { fromMs: number; toMs: number } {
  const used = series.map((one) => {
    const [first, end] = [rowFrom(one, fromMs), rowFrom(one, toMs)];
    if (first < end) return { startMs: one.timesMs[first] ?? 0, endMs: endOfRow(one, end - 1) };
    const [startMs, endMs] = [one.timesMs[0] ?? 0, one.timesMs[one.length - 1] ?? 0];
    throw new DataError(
      `${one.file} has no row in the time asked for; it goes from ${new Date(startMs).toISOString()} to ${new Date(endMs).toISOString()}`,
    );
  });
  return {
    fromMs: Math.min(...used.map(({ startMs }) => startMs)),
    toMs: Math.max(...used.map(({ endMs }) => endMs)),
  };
}

function endOfRow(series: Series, row: number): number {
  const startMs = series.timesMs[row] ?? 0;
  return series.kind === 'candles' ? startMs + series.intervalMs - 1 : startMs;
}
