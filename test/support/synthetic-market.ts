import type { Prediction } from '../../src/domain/exit-policy.ts';
import type { StudiedSignal } from '../../src/domain/learning/study.ts';
import type { Random } from '../../src/domain/random.ts';
import type { ThresholdName } from '../../src/domain/thresholds.ts';

/** A market with a habit that some thresholds can profit from, and the others can't. */
export interface SyntheticMarket {
  readonly name: MarketName;
  /** The thresholds that matter here, with the points an exhaustive search tries. */
  readonly grid: Readonly<Partial<Record<ThresholdName, readonly number[]>>>;
  signal(index: number, random: Random): StudiedSignal;
}

export const MARKET_NAMES = ['target', 'trend', 'alarm', 'shakeout'] as const;
export type MarketName = (typeof MARKET_NAMES)[number];

const START_MS = 1_600_000_000_000;
const MINUTE_MS = 60_000;
const SPACING_MS = 5 * 3_600_000;
const PATH_MINUTES = 241;
const ENTRY_PRICE = 1000;

/** A leg of a path: a straight way to `to` (return since entry) in `minutes`. */
interface Leg {
  readonly to: number;
  readonly minutes: number;
}

const SIZES = [0.3, 1, 2, 3];
const LOSSES = [-0.005, -0.0075, -0.01, -0.015, -0.02, -0.03, -0.04, -0.06, -0.09, -0.15];
const PROFITS = [0.02, 0.025, 0.03, 0.035, 0.04, 0.05, 0.06, 0.07, 0.08, 0.09, 0.1, 0.12, 0.15, 0.25];
const GIVEBACKS = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.95];

/** The market's own habit is drawn from `random` once; its signals then follow it. */
export function createMarket(name: MarketName, random: Random): SyntheticMarket {
  return MARKETS[name](random);
}

const MARKETS: Readonly<Record<MarketName, (random: Random) => SyntheticMarket>> = {
  /** Good signals dip, rise to a target and fall back; signals below some confidence are mostly bad. */
  target(random) {
    const target = between(random, 0.035, 0.12);
    const dip = between(random, 0.008, 0.025);
    const worthFrom = between(random, 0.15, 0.4);
    return {
      name: 'target',
      grid: {
        entryConfidence: [0.01, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4],
        profitTakingThreshold: PROFITS,
        minLossBeforeExit: LOSSES,
        exitScore: [0.1, 0.3, 0.6],
        minHoldTimeMinutes: [1, 5, 8, 12, 20],
        positionSizeMultiplier: [0.3, 3],
      },
      signal: (index, draw) => {
        const confidence = between(draw, 0.02, 0.9);
        const isGood = draw.uniform() < (confidence < worthFrom ? 0.15 : 0.65);
        const minutes = between(draw, 8, 20);
        const legs = [
          { to: -dip * between(draw, 0.2, 0.9), minutes: between(draw, 3, 8) },
          { to: isGood ? target * (1 + 0.08 * draw.normal()) : target * between(draw, 0, 0.3), minutes },
          { to: isGood ? -dip : -4 * dip, minutes: between(draw, 8, 20) },
        ];
        return signalOf(index, confidence, legs, draw);
      },
    };
  },
  /** Winners climb far with pullbacks and then collapse; losers fall after a small rise. */
  trend(random) {
    const reach = between(random, 0.04, 0.1);
    const pullback = between(random, 0.2, 0.5);
    return {
      name: 'trend',
      grid: {
        exitScore: GIVEBACKS,
        profitTakingThreshold: PROFITS,
        minLossBeforeExit: LOSSES,
        positionSizeMultiplier: SIZES,
      },
      signal: (index, draw) => {
        const peak = reach * (0.4 + 1.2 * draw.uniform());
        const winner = [0.4, 0.7, 1].flatMap((share) => [
          { to: share * peak, minutes: between(draw, 5, 9) },
          { to: share * peak * (1 - pullback * between(draw, 0.6, 0.9)), minutes: between(draw, 2, 4) },
        ]);
        const loser = [{ to: between(draw, 0, 0.015), minutes: between(draw, 3, 6) }];
        const isWinner = draw.uniform() < 0.55;
        const end = { to: isWinner ? 0 : -0.05, minutes: between(draw, 6, 12) };
        return signalOf(index, between(draw, 0.3, 0.9), [...(isWinner ? winner : loser), end], draw);
      },
    };
  },
  /** Predictions against us above some confidence come before a crash, those below are false alarms. */
  alarm(random) {
    const trueFrom = between(random, 0.66, 0.85);
    return {
      name: 'alarm',
      grid: {
        aiReversalConfidenceThreshold: [0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95],
        minLossBeforeExit: LOSSES,
        profitTakingThreshold: PROFITS,
        exitScore: [0.3, 0.5, 0.7, 0.95],
        positionSizeMultiplier: SIZES,
      },
      signal: (index, draw) => {
        const crashes = draw.uniform() < 0.5;
        const rise = between(draw, 8, 12);
        const legs = crashes
          ? [
              { to: 0.012, minutes: rise },
              { to: -0.06, minutes: 8 },
            ]
          : [
              { to: 0.012, minutes: rise },
              { to: 0.05, minutes: between(draw, 12, 20) },
              { to: 0.01, minutes: 10 },
            ];
        const alarm = crashes ? between(draw, trueFrom, 1) : between(draw, 0.5, trueFrom);
        const signal = signalOf(index, between(draw, 0.3, 0.9), legs, draw);
        return { ...signal, predictions: [against(alarm, signal.entryTimeMs + rise * MINUTE_MS)] };
      },
    };
  },
  /** A dip in the first minutes means nothing, the way after it is final. */
  shakeout(random) {
    const longest = between(random, 4, 8);
    const deepest = between(random, 0.03, 0.06);
    const gain = between(random, 0.03, 0.07);
    return {
      name: 'shakeout',
      grid: {
        minHoldTimeMinutes: [1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 15, 20, 30, 45, 60],
        minLossBeforeExit: LOSSES,
        profitTakingThreshold: PROFITS,
        positionSizeMultiplier: SIZES,
      },
      signal: (index, draw) => {
        const isGood = draw.uniform() < 0.6;
        const minutes = between(draw, 1, longest);
        const legs = [
          { to: -deepest * draw.uniform(), minutes: minutes * 0.5 },
          { to: isGood ? 0.004 : -0.004, minutes: minutes * 0.5 },
          { to: isGood ? gain : -2 * deepest, minutes: 9 },
          { to: isGood ? 0 : -2 * deepest, minutes: 15 },
        ];
        return signalOf(index, between(draw, 0.3, 0.9), legs, draw);
      },
    };
  },
};

function signalOf(index: number, confidence: number, legs: readonly Leg[], random: Random): StudiedSignal {
  const entryTimeMs = START_MS + index * SPACING_MS;
  const path = returnsAlong(legs).map((value, minute) => ({
    timeMs: entryTimeMs + minute * MINUTE_MS,
    price: (ENTRY_PRICE * (1 + value + (minute === 0 ? 0 : 0.0008 * random.normal()))).toFixed(2),
  }));
  return {
    id: `synthetic-${index}`,
    symbol: 'BTC/USD',
    side: 'long',
    confidence,
    entryPrice: ENTRY_PRICE.toFixed(2),
    entryTimeMs,
    entryFeeRate: 0.0026,
    exitFeeRate: 0.0026,
    volatilityRatio: 1,
    baseFraction: 0.1,
    maxFraction: null,
    timeScale: 1,
    path,
    maxStepMs: MINUTE_MS,
    predictions: [],
  };
}

/** The return at each minute; the last leg's end stays. */
function returnsAlong(legs: readonly Leg[]): number[] {
  const corners = [{ to: 0, atMinute: 0 }];
  for (const leg of legs) corners.push({ to: leg.to, atMinute: corners.at(-1)!.atMinute + leg.minutes });
  return Array.from({ length: PATH_MINUTES }, (_, minute) => {
    const next = corners.findIndex((corner) => corner.atMinute > minute);
    if (next < 0) return corners.at(-1)!.to;
    const [from, to] = [corners[next - 1]!, corners[next]!];
    return from.to + ((to.to - from.to) * (minute - from.atMinute)) / (to.atMinute - from.atMinute);
  });
}

function against(confidence: number, asOfMs: number): Prediction {
  return { action: 'SELL', confidence, asOfMs, ttlMs: 3 * MINUTE_MS, source: 'synthetic' };
}

function between(random: Random, low: number, high: number): number {
  return low + (high - low) * random.uniform();
}
