import { describe, expect, it } from 'vitest';
import { learningStep, NO_VELOCITY, type LearningStep } from '../../../src/domain/learning/step.ts';
import type { Study, StudiedSignal } from '../../../src/domain/learning/study.ts';
import { STARTING_THRESHOLDS, THRESHOLD_NAMES, type ThresholdName } from '../../../src/domain/thresholds.ts';
import type { Thresholds } from '../../../src/domain/thresholds.ts';
import { MINUTE_MS, predictionAt, ramp, signalAlong, studyOf } from '../support/studies.ts';

const STUDIES = 30;
const SEEDS = [1, 2, 3];

/** One market in which the threshold matters, which way is right there, and one in which it can't matter. */
interface Case {
  readonly from: Partial<Thresholds>;
  readonly right: 'up' | 'down';
  readonly matters: (index: number, size: number) => StudiedSignal;
  readonly cannot: (index: number, size: number) => StudiedSignal;
  readonly rival?: { readonly confidence: number; readonly minute: number };
}

const rising = (index: number, size: number) => signalAlong(index, ramp(0, 0.09 * size, 20));
const falling = (index: number, size: number) => signalAlong(index, ramp(0, -0.06 * size, 20));
const flat = (index: number, size: number) => signalAlong(index, [0.001 * size]);
const steady = (value: number, minutes: number) => new Array<number>(minutes).fill(value);

const CASES: Readonly<Record<ThresholdName, Case>> = {
  entryConfidence: {
    from: {},
    right: 'up',
    matters: (index, size) =>
      index % 2 ? rising(index, size) : { ...falling(index, size), confidence: 0.08 * size },
    cannot: rising,
  },
  exitScore: {
    from: { exitScore: 0.3 },
    right: 'up',
    matters: (index, size) =>
      signalAlong(index, [
        ...ramp(0, 0.06 * size, 10),
        ...steady(0.036 * size, 3),
        ...ramp(0.036 * size, 0.1, 10),
      ]),
    cannot: falling,
  },
  positionSizeMultiplier: {
    from: {},
    right: 'up',
    matters: rising,
    cannot: (index, size) => ({ ...rising(index, size), maxFraction: 0.001 }),
  },
  profitTakingThreshold: {
    from: { exitScore: 0.95 },
    right: 'down',
    matters: (index, size) => signalAlong(index, [...ramp(0, 0.06 * size, 12), ...steady(-0.05, 5)]),
    cannot: falling,
  },
  capitalRotationUrgency: {
    from: { capitalRotationUrgency: 0.4 },
    right: 'down',
    matters: (index, size) => ({ ...flat(index, size), confidence: 0.3 }),
    cannot: (index, size) => ({ ...flat(index, size), confidence: 0.3 }),
    rival: { confidence: 0.65, minute: 30 },
  },
  volatilityAdjustmentFactor: {
    from: {},
    right: 'up',
    // Calmer than usual: the larger the exponent, the larger the position that wins.
    matters: (index, size) => ({ ...signalAlong(index, [0.02 * size]), volatilityRatio: 0.7 }),
    cannot: (index, size) => signalAlong(index, [0.02 * size]),
  },
  minLossBeforeExit: {
    from: { minLossBeforeExit: -0.01 },
    right: 'down',
    matters: (index, size) => signalAlong(index, [...steady(-0.02 * size, 6), ...ramp(0, 0.09, 10)]),
    cannot: rising,
  },
  aiConfidenceRespectThreshold: {
    from: { aiConfidenceRespectThreshold: 0.85 },
    right: 'down',
    matters: (index, size) => ({
      ...signalAlong(index, [0.001, 0.001, ...steady(-0.03, 4), ...ramp(0, 0.09, 10)]),
      predictions: [predictionAt(1, index, 'HOLD', 0.78 * (0.95 + size / 20), 10)],
    }),
    cannot: rising,
  },
  minHoldTimeMinutes: {
    from: {},
    right: 'up',
    matters: (index, size) => signalAlong(index, [...steady(-0.03 * size, 4), ...ramp(0, 0.09, 10)]),
    cannot: flat,
  },
  emergencyLossStop: {
    from: { minHoldTimeMinutes: 60 },
    right: 'down',
    matters: (index, size) => signalAlong(index, [...steady(-0.24 * size, 10), ...ramp(0, 0.09, 10)]),
    cannot: rising,
  },
  extraordinaryProfitCapture: {
    from: { minHoldTimeMinutes: 60 },
    right: 'down',
    matters: (index, size) => signalAlong(index, [0.1, 0.4 * size, 0.1, -0.05]),
    cannot: falling,
  },
  aiReversalConfidenceThreshold: {
    from: { aiReversalConfidenceThreshold: 0.8 },
    right: 'down',
    matters: (index, size) => ({
      ...signalAlong(index, [...steady(0.001, 6), ...steady(-0.06, 3)]),
      predictions: [predictionAt(4, index, 'SELL', 0.7 * (0.95 + size / 20))],
    }),
    cannot: falling,
  },
};

/** Sizes differ a little from study to study, as they do in a market. */
function studies(market: Case['matters'], thresholds: Thresholds, rival?: Case['rival']): Study[] {
  return Array.from({ length: STUDIES }, (_, index) => {
    const signal = market(index, 0.9 + (0.2 * ((index * 7) % STUDIES)) / STUDIES);
    return { ...studyOf(signal, thresholds), rivals: rival ? [rivalOf(signal, rival)] : [] };
  });
}

function rivalOf(signal: StudiedSignal, { confidence, minute }: NonNullable<Case['rival']>): StudiedSignal {
  const laterMs = minute * MINUTE_MS;
  const winner = signalAlong(0, ramp(0, 0.09, 10));
  const movedMs = signal.entryTimeMs - winner.entryTimeMs + laterMs;
  return {
    ...winner,
    id: `rival-of-${signal.id}`,
    confidence,
    entryTimeMs: winner.entryTimeMs + movedMs,
    path: winner.path.map((point) => ({ ...point, timeMs: point.timeMs + movedMs })),
  };
}

describe.each(THRESHOLD_NAMES)('%s', (name) => {
  const { from, right, matters, cannot, rival } = CASES[name];
  const thresholds = { ...STARTING_THRESHOLDS, ...from };
  const step = (market: Case['matters'], seed: number, withRival?: Case['rival']): LearningStep =>
    learningStep(
      studies(market, thresholds, withRival),
      { version: 1, thresholds, velocity: NO_VELOCITY },
      seed,
    );

  it.each(SEEDS)(`goes ${right} where that earns more (seed %i)`, (seed) => {
    const { proposed, refused } = step(matters, seed, rival);
    expect(refused).toEqual([]);
    expect(Math.sign(proposed[name] - thresholds[name])).toBe(right === 'up' ? 1 : -1);
  });

  it.each(SEEDS)('stays put where it cannot matter (seed %i)', (seed) => {
    const { proposed, refused, velocity, gradient, farSlope } = step(cannot, seed);
    expect(refused).toEqual([]);
    expect(proposed[name]).toBe(thresholds[name]);
    expect([velocity[name], farSlope[name]]).toEqual([0, 0]);
    // The noise of the near slope, which is not followed: less than half of the steepest one.
    const steepest = Math.max(...THRESHOLD_NAMES.map((other) => Math.abs(gradient[other])));
    expect(Math.abs(gradient[name])).toBeLessThanOrEqual(0.5 * steepest);
  });
});
