import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { evaluateExit } from '../../../src/domain/exit-policy.ts';
import { prepareStudy, replay } from '../../../src/domain/learning/replay.ts';
import { pathOfCandles } from '../../../src/domain/learning/path.ts';
import { ratioOfScale, studyOfOutcome } from '../../../src/domain/learning/study-of-outcome.ts';
import type { StudiedSignal } from '../../../src/domain/learning/study.ts';
import { betterPrice } from '../../../src/domain/position.ts';
import { volatilityScale } from '../../../src/domain/sizing.ts';
import { STARTING_THRESHOLDS, type Thresholds } from '../../../src/domain/thresholds.ts';
import { anyThresholds } from '../support/exit-arbitraries.ts';
import '../support/fixed-seed.ts';
import { MINUTE_MS, predictionAt, ramp, signalAlong, studyOf } from '../support/studies.ts';

const patient: Thresholds = { ...STARTING_THRESHOLDS, minLossBeforeExit: -0.1 };

/** The live way: mark by mark through the public decision, noting the best price. */
function walkLive(signal: StudiedSignal, thresholds: Thresholds) {
  const policy = { version: 1, thresholds, timeScale: signal.timeScale };
  let bestPrice = signal.entryPrice;
  for (const { timeMs, price } of signal.path) {
    const prediction = signal.predictions.filter(({ asOfMs }) => asOfMs <= timeMs).at(-1) ?? null;
    const answer = evaluateExit(
      {
        side: signal.side,
        entryPrice: signal.entryPrice,
        openedAtMs: signal.entryTimeMs,
        bestPrice,
        volatilityScale: volatilityScale(signal.volatilityRatio, thresholds.volatilityAdjustmentFactor),
        roundTripFee: signal.entryFeeRate + signal.exitFeeRate,
      },
      price,
      prediction,
      policy,
      timeMs,
    );
    if (answer.action === 'exit') return { end: answer.rule, exitTimeMs: timeMs };
    bestPrice = betterPrice(signal.side, bestPrice, price);
  }
  return { end: 'horizon', exitTimeMs: signal.path.at(-1)?.timeMs };
}

it('ends where the live decision would, by the same rule, for any thresholds and any path', () => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: -0.3, max: 0.7, noNaN: true }), { minLength: 1, maxLength: 60 }),
      fc.constantFrom('long' as const, 'short' as const),
      fc.double({ min: 0.2, max: 4, noNaN: true }),
      fc.array(
        fc.tuple(
          fc.integer({ min: 0, max: 60 }),
          fc.constantFrom('BUY' as const, 'SELL' as const, 'HOLD' as const),
          fc.double({ min: 0, max: 1, noNaN: true }),
        ),
        { maxLength: 4 },
      ),
      anyThresholds,
      (returns, side, volatilityRatio, given, thresholds) => {
        const predictions = given
          .map(([minute, action, confidence]) => predictionAt(minute, 0, action, confidence))
          .sort((left, right) => left.asOfMs - right.asOfMs);
        const signal = signalAlong(0, returns, { side, volatilityRatio, predictions });
        expect(replay(prepareStudy(signal), thresholds)).toMatchObject(walkLive(signal, thresholds));
      },
    ),
    { numRuns: 500 },
  );
});

it('counts fees of both legs and the share of equity', () => {
  const up = replay(prepareStudy(signalAlong(0, ramp(0, 0.08, 10))), STARTING_THRESHOLDS);
  expect(up).toMatchObject({ taken: true, end: 'take-profit', heldMs: 10 * MINUTE_MS });
  expect(up.netReturn).toBeCloseTo(0.08 - 0.001 - 0.001 * 1.08, 12);
  expect(up.fraction).toBeCloseTo(0.1 * 1.5 * 0.8, 12);
  expect(up.logGrowth).toBeCloseTo(Math.log(1 + up.fraction * up.netReturn), 15);
  const short = replay(
    prepareStudy(signalAlong(0, ramp(0, 0.08, 10), { side: 'short' })),
    STARTING_THRESHOLDS,
  );
  expect(short.netReturn).toBeCloseTo(0.08 - 0.001 - 0.001 * 0.92, 12);
});

it('takes no signal below entryConfidence, keeps to the limit of size, and values what stays open at the end', () => {
  const faint = prepareStudy(signalAlong(0, [0.01], { confidence: 0.04 }));
  expect(replay(faint, STARTING_THRESHOLDS)).toMatchObject({ taken: false, end: null, logGrowth: 0 });
  const limited = prepareStudy(signalAlong(0, [0.01], { maxFraction: 0.02 }));
  expect(replay(limited, patient)).toMatchObject({ end: 'horizon', fraction: 0.02 });
});

describe('rotation', () => {
  const rival = (minute: number, confidence: number) => ({
    ...signalAlong(0, ramp(0, 0.08, 10), { confidence }),
    id: 'rival',
    entryTimeMs: signalAlong(0, []).entryTimeMs + minute * MINUTE_MS,
  });
  const study = (confidence: number, minute = 30) => ({
    ...studyOf(signalAlong(0, [0.01], { confidence: 0.3 }), patient),
    rivals: [rival(minute, confidence)].map((one) => ({
      ...one,
      path: one.path.map((point) => ({ ...point, timeMs: point.timeMs + minute * MINUTE_MS })),
    })),
  });

  it('gives way to a rival that is better by more than the urgency, and the rival is taken', () => {
    const rotated = replay(prepareStudy(study(0.61)), patient);
    expect(rotated).toMatchObject({ end: 'rotation', heldMs: 30 * MINUTE_MS });
    const alone = replay(prepareStudy({ ...study(0.61), rivals: [] }), patient);
    expect(rotated.logGrowth).toBeGreaterThan(alone.logGrowth + 0.005);
  });

  it('does not for one that is no better by that much, nor within the minimum hold', () => {
    expect(replay(prepareStudy(study(0.6)), patient).end).toBe('horizon');
    expect(replay(prepareStudy(study(0.9, 1)), patient).end).toBe('horizon');
  });

  it('a rival that finds the capital free is taken without rotation', () => {
    const quick = { ...patient, profitTakingThreshold: 0.02 };
    const signal = { ...study(0.31), ...{ path: signalAlong(0, ramp(0, 0.03, 10)).path } };
    const both = replay(prepareStudy(signal), quick);
    expect(both.end).toBe('take-profit');
    expect(both.logGrowth).toBeGreaterThan(replay(prepareStudy({ ...signal, rivals: [] }), quick).logGrowth);
  });
});

it('reads size and volatility of a trade back through what it had pinned', () => {
  const study = studyOf(signalAlong(0, ramp(0, 0.08, 10), { volatilityRatio: 1.3 }));
  const again = studyOfOutcome(study.outcome!, STARTING_THRESHOLDS, {
    path: study.path,
    maxStepMs: MINUTE_MS,
  });
  expect(again.baseFraction).toBeCloseTo(study.baseFraction, 6);
  expect(again.volatilityRatio).toBeCloseTo(1.3, 12);
  expect(again.exitFeeRate).toBeCloseTo(0.001, 6);
  expect(volatilityScale(ratioOfScale(1.7, 0.6), 0.6)).toBeCloseTo(1.7, 12);
});

it('walks a candle the worse way round for the side', () => {
  const candle = { timeMs: 0, open: '10', high: '12', low: '9', close: '11' };
  const prices = (side: 'long' | 'short') =>
    pathOfCandles(side, [candle], 60_000, 0).map(({ price }) => price);
  expect(prices('long')).toEqual(['10', '9', '12', '11']);
  expect(prices('short')).toEqual(['10', '12', '9', '11']);
  expect(pathOfCandles('long', [candle], 60_000, 0).map(({ timeMs }) => timeMs)).toEqual([
    0, 19999, 39999, 59999,
  ]);
  expect(pathOfCandles('long', [candle], 60_000, 1)).toEqual([]);
});
