import { pathOfCandles, type Candle } from '../../src/domain/learning/path.ts';
import { prepareStudy, replay } from '../../src/domain/learning/replay.ts';
import { learningStep, NO_VELOCITY, stateAfter, type LearningState } from '../../src/domain/learning/step.ts';
import { statistics } from '../../src/domain/learning/statistics.ts';
import type { StudiedSignal, Study } from '../../src/domain/learning/study.ts';
import { logReturnDeviation } from '../../src/domain/sizing.ts';
import { STARTING_THRESHOLDS, type Thresholds } from '../../src/domain/thresholds.ts';
import { tradeSignal } from '../../test/support/trading-simulation.ts';
import { readCandles } from './candles.ts';

/** Ratios are fractions; P&L is in USD on an equity of 10,000 at each entry. */
export interface WalkForwardRow {
  readonly bench: 'learning';
  readonly row: 'walk-forward';
  readonly learning: 'on' | 'off';
  readonly trades: number;
  readonly growthPerSignal: number;
  readonly totalGrowth: number;
  readonly expectedValueUsd: number;
  readonly winRate: number;
  readonly averageHoldHours: number;
  readonly prematureShare: number | null;
  readonly maxDrawdown: number;
  readonly versions: number;
  readonly stepsAccepted: number;
  readonly steps: number;
  readonly lastThresholds: Thresholds;
}

const HOUR_MS = 3_600_000;
/** A candle an hour: a policy minute lasts an hour here. */
const TIME_SCALE = 1 / 60;
const LOOKBACK = 24;
const REFERENCE = 24 * 14;
/** The longest that a path is looked at, hours: enough for the longest minimum hold and its horizon. */
const PATH_HOURS = 24 * 14;
const KRAKEN_TAKER_FEE = 0.0026;

/**
 * Learns on the months past with as many steps as trades were closed in the last of them, trades the next month with
 * what came of it, and rolls on; beside it the starting thresholds over the same months. Signals are the momentum of a
 * day: up is a long, down a short, with the confidence of its size against the usual. One position at a time.
 */
export function walkForward(file: URL): WalkForwardRow[] {
  const candles = readCandles(file);
  return (['off', 'on'] as const).map((learning) => run(candles, learning));
}

function run(candles: readonly Candle[], learning: 'on' | 'off'): WalkForwardRow {
  let state: LearningState = { version: 1, thresholds: STARTING_THRESHOLDS, velocity: NO_VELOCITY };
  const studies: Study[] = [];
  const growths: number[] = [];
  let steps = 0;
  let stepsAccepted = 0;
  let freeFromMs = 0;
  let lastSkippedMs = 0;
  let month = -1;
  let closedThisMonth = 0;
  for (let at = REFERENCE; at < candles.length - PATH_HOURS; at += 1) {
    const nowMs = candles[at]!.timeMs;
    const thisMonth = new Date(nowMs).getUTCMonth();
    if (thisMonth !== month) {
      for (let step = 0; learning === 'on' && step < closedThisMonth; step += 1) {
        const known = studies.filter((study) => study.path.at(-1)!.timeMs < nowMs);
        const result = learningStep(known, state, `walk-${at}-${step}`);
        steps += 1;
        if (result.accepted) stepsAccepted += 1;
        state = stateAfter(state, result);
      }
      month = thisMonth;
      closedThisMonth = 0;
    }
    if (nowMs < freeFromMs) continue;
    const signal = momentumSignal(candles, at);
    const isTaken = signal.confidence >= state.thresholds.entryConfidence;
    // A skipped signal is studied once a day: the next hour's is much the same.
    if (!isTaken && nowMs - lastSkippedMs < 24 * HOUR_MS) continue;
    const study = tradeSignal(signal, state.thresholds, state.version, PATH_HOURS * 0.5 * HOUR_MS);
    studies.push(study);
    if (!study.outcome) {
      lastSkippedMs = nowMs;
      continue;
    }
    growths.push(replay(prepareStudy(study), state.thresholds).logGrowth);
    freeFromMs = study.outcome.exitTimeMs;
    closedThisMonth += 1;
  }
  const trades = studies.flatMap(({ outcome, path }) => (outcome ? [{ outcome, path }] : []));
  const of = statistics(trades);
  const totalGrowth = growths.reduce((sum, growth) => sum + growth, 0);
  return {
    bench: 'learning',
    row: 'walk-forward',
    learning,
    trades: of.trades,
    growthPerSignal: totalGrowth / growths.length,
    totalGrowth,
    expectedValueUsd: Number(of.expectedValue),
    winRate: of.winRate,
    averageHoldHours: of.averageHoldMs / HOUR_MS,
    prematureShare: of.prematureShare,
    maxDrawdown: drawdown(growths),
    versions: state.version,
    stepsAccepted,
    steps,
    lastThresholds: state.thresholds,
  };
}

/** Entered at the open of candle `at`, from candles that ended by then. */
function momentumSignal(candles: readonly Candle[], at: number): StudiedSignal {
  const closes = (count: number) => candles.slice(at - count, at).map(({ close }) => close);
  const usual = logReturnDeviation(closes(REFERENCE));
  const day = closes(LOOKBACK + 1);
  const move = Math.log(Number(day.at(-1)) / Number(day[0]));
  const entry = candles[at]!;
  const side = move >= 0 ? 'long' : 'short';
  return {
    id: `walk-${at}`,
    symbol: 'BTC/USD',
    side,
    confidence: Math.min(1, Math.abs(move) / (3 * usual * Math.sqrt(LOOKBACK))),
    entryPrice: entry.open,
    entryTimeMs: entry.timeMs,
    entryFeeRate: KRAKEN_TAKER_FEE,
    exitFeeRate: KRAKEN_TAKER_FEE,
    volatilityRatio: logReturnDeviation(day) / usual,
    baseFraction: 0.1,
    maxFraction: null,
    timeScale: TIME_SCALE,
    path: pathOfCandles(side, candles.slice(at, at + PATH_HOURS), HOUR_MS, entry.timeMs),
    maxStepMs: HOUR_MS,
    predictions: [],
  };
}

function drawdown(growths: readonly number[]): number {
  let equity = 0;
  let peak = 0;
  let deepest = 0;
  for (const growth of growths) {
    equity += growth;
    peak = Math.max(peak, equity);
    deepest = Math.max(deepest, 1 - Math.exp(equity - peak));
  }
  return deepest;
}
