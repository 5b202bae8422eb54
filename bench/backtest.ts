import { pathToFileURL } from 'node:url';
import { readCandlesCsv } from '../src/backtest/read/read-candles.ts';
import { runBacktest } from '../src/backtest/run.ts';
import type { CandleSeries } from '../src/backtest/series.ts';
import { NO_LIMITS } from '../src/domain/risk.ts';
import { STARTING_THRESHOLDS } from '../src/domain/thresholds.ts';
import { yearOfMinutes } from './backtest/synthetic-year.ts';

const REPEATS = 3;

/** The rows of the benchmark `backtest`, one core. A candle is four marks. */
export function* backtestRows(): Generator<object> {
  const bytes = yearOfMinutes(1);
  const base = fastest(() => parseAndSum(bytes));
  const read = fastest(() => readCandlesCsv('BTC/USD', 'year.csv', bytes, null));
  const series = read.result;
  const marks = series.length * 4;
  yield {
    bench: 'backtest',
    row: 'parse-and-sum',
    candles: series.length,
    bytes: bytes.length,
    elapsedMs: base.elapsedMs,
    marksPerSecond: perSecond(marks, base.elapsedMs),
  };
  for (const positions of [1, 10, 100]) {
    const walked = fastest(() => heldThrough(series, positions));
    if (walked.result.open !== positions)
      throw new Error(`${walked.result.open} of ${positions} positions stayed open`);
    const elapsedMs = read.elapsedMs + walked.elapsedMs;
    yield {
      bench: 'backtest',
      row: 'held',
      positions,
      marksPerSecond: perSecond(marks, walked.elapsedMs),
      elapsedMs: walked.elapsedMs,
      withReadingMs: elapsedMs,
      withReadingMarksPerSecond: perSecond(marks, elapsedMs),
      timesParseAndSum: Number((elapsedMs / base.elapsedMs).toFixed(2)),
    };
  }
  const year = fastest(() => runBacktest([series]));
  const elapsedMs = read.elapsedMs + year.elapsedMs;
  yield {
    bench: 'backtest',
    row: 'year-of-scanning',
    trades: year.result.trades.length,
    marksPerSecond: perSecond(marks, year.elapsedMs),
    elapsedMs: year.elapsedMs,
    withReadingMs: elapsedMs,
    timesParseAndSum: Number((elapsedMs / base.elapsedMs).toFixed(2)),
  };
}

/** Positions that nothing closes, held from the first minute: what a mark costs that leaves no band. */
function heldThrough(series: CandleSeries, positions: number): { open: number } {
  const patient = {
    ...STARTING_THRESHOLDS,
    minLossBeforeExit: -0.15,
    emergencyLossStop: -0.5,
    profitTakingThreshold: 0.6,
    extraordinaryProfitCapture: 2,
    exitScore: 0.95,
    volatilityAdjustmentFactor: 0.5,
    aiReversalConfidenceThreshold: 0.95,
  };
  const { open } = runBacktest([series], {
    thresholds: patient,
    balance: '10000000',
    limits: NO_LIMITS,
    signals: Array.from({ length: positions }, () => ({
      symbol: 'BTC/USD',
      timeMs: (series.timesMs[0] ?? 0) + 60_000,
      side: 'long' as const,
      notional: '500',
      confidence: 0.5,
    })),
  });
  return { open: open.length };
}

/** The least that any backtest of the file has to do. */
function parseAndSum(bytes: Buffer): number {
  let sum = 0;
  for (const line of bytes.toString('latin1').split('\n')) {
    const [, open, high, low, close] = line.split(',');
    sum += Number(open) + Number(high) + Number(low) + Number(close);
  }
  return sum;
}

function fastest<T>(work: () => T): { result: T; elapsedMs: number } {
  let [best, result]: [number, T | null] = [Infinity, null];
  for (let repeat = 0; repeat < REPEATS; repeat += 1) {
    const startedMs = performance.now();
    result = work();
    best = Math.min(best, performance.now() - startedMs);
  }
  return { result: result!, elapsedMs: Number(best.toFixed(1)) };
}

function perSecond(count: number, elapsedMs: number): number {
  return Math.round((count * 1000) / elapsedMs);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  for (const row of backtestRows()) console.log(JSON.stringify(row));
}
