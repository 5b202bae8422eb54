import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { countedOnce } from '../../../src/domain/learning/counted-once.ts';
import { objective } from '../../../src/domain/learning/objective.ts';
import { prepareStudy } from '../../../src/domain/learning/replay.ts';
import {
  learningStep,
  LEAST_TRADES,
  NO_VELOCITY,
  type LearningState,
} from '../../../src/domain/learning/step.ts';
import type { Study } from '../../../src/domain/learning/study.ts';
import { thresholdsAt, unitOf } from '../../../src/domain/learning/unit-range.ts';
import { createRandom } from '../../../src/domain/random.ts';
import { STARTING_THRESHOLDS, THRESHOLD_NAMES, thresholdViolations } from '../../../src/domain/thresholds.ts';
import { createMarket } from '../../support/synthetic-market.ts';
import { tradeSignal } from '../../support/trading-simulation.ts';
import { anyThresholds } from '../support/exit-arbitraries.ts';
import '../support/fixed-seed.ts';
import { ramp, signalAlong, studyOf } from '../support/studies.ts';

const START = { version: 7, thresholds: STARTING_THRESHOLDS, velocity: NO_VELOCITY };

/** Of the market `shakeout` below, in the unit range. */
const LESSER_OPTIMUM = {
  exitScore: 0,
  positionSizeMultiplier: 1,
  profitTakingThreshold: 0.31,
  minLossBeforeExit: 1,
  minHoldTimeMinutes: 0.3,
};

function tradedStudies(count: number, seed = 'step'): Study[] {
  const market = createMarket('target', createRandom(seed));
  const random = createRandom(`${seed}-signals`);
  return Array.from({ length: count }, (_, index) =>
    tradeSignal(market.signal(index, random), STARTING_THRESHOLDS, 1),
  );
}

it('is the same to the last bit for the same input, in any order of the studies and after JSON', () => {
  const studies = tradedStudies(45);
  const step = learningStep(studies, START, 'seed');
  const again = learningStep(
    (JSON.parse(JSON.stringify(studies)) as Study[]).reverse(),
    JSON.parse(JSON.stringify(START)) as typeof START,
    'seed',
  );
  expect(JSON.stringify(again)).toBe(JSON.stringify(step));
  expect(JSON.parse(JSON.stringify(step))).toEqual(step);
  expect(learningStep(studies, START, 'another').gradient).not.toEqual(step.gradient);
});

it('changes nothing before enough trades were studied; skipped signals are not trades', () => {
  const skipped = Array.from({ length: 30 }, (_, index) =>
    studyOf(signalAlong(100 + index, ramp(0, 0.09, 10), { confidence: 0.02 })),
  );
  const few = [
    ...tradedStudies(60)
      .filter(({ outcome }) => outcome)
      .slice(0, LEAST_TRADES - 1),
    ...skipped,
  ];
  const step = learningStep(few, START, 1);
  expect(step).toMatchObject({ accepted: false, trades: 19, proposed: STARTING_THRESHOLDS });
  expect(step.why).toBe('19 studied trades, 20 are needed');
});

describe('the newest third', () => {
  const wins = (index: number) => studyOf(signalAlong(index, ramp(0, 0.09, 20)));
  const loses = (index: number) => studyOf(signalAlong(index, ramp(0, -0.06, 20)));
  const market = (newest: (index: number) => Study) =>
    Array.from({ length: 30 }, (_, index) => (index < 20 ? wins(index) : newest(index)));

  it('refuses what does worse there, and drops the momentum that led to it', () => {
    const step = learningStep(market(loses), START, 1);
    expect(step.accepted).toBe(false);
    expect(step.why).toMatch(/^worse on unseen trades: /);
    expect(step.objective.seenAfter).toBeGreaterThan(step.objective.seenBefore);
    expect(step.objective.unseenAfter).toBeLessThan(step.objective.unseenBefore);
    expect(step.velocity).toEqual(NO_VELOCITY);
  });

  it('accepts what does no worse there', () => {
    const step = learningStep(market(wins), START, 1);
    expect(step).toMatchObject({ accepted: true, trades: 30, parentVersion: 7, refused: [] });
    expect(step.objective.unseenAfter).toBeGreaterThan(step.objective.unseenBefore);
  });
});

it('refuses what momentum alone would do, though it happens to do better on unseen trades', () => {
  const studies = Array.from({ length: 30 }, (_, index) =>
    studyOf(signalAlong(index, [index < 20 ? 0.02 : -0.004])),
  );
  const largest = { ...STARTING_THRESHOLDS, positionSizeMultiplier: 3 };
  const velocity = { ...NO_VELOCITY, positionSizeMultiplier: -0.05 };
  const step = learningStep(studies, { version: 1, thresholds: largest, velocity }, 1);
  expect(step.objective.unseenAfter).toBeGreaterThan(step.objective.unseenBefore);
  expect(step.accepted).toBe(false);
  expect(step.why).toMatch(/^worse on the trades it learned from: /);
  expect(step.velocity).toEqual(NO_VELOCITY);
});

it('proposes nothing where nothing matters', () => {
  const idle = Array.from({ length: 30 }, (_, index) =>
    studyOf(signalAlong(index, [0.001], { maxFraction: 1e-9 })),
  );
  const still = { ...STARTING_THRESHOLDS, entryConfidence: 0.5 };
  const none = idle.map((study) => ({ ...study, confidence: 0.001 }));
  const step = learningStep(none, { ...START, thresholds: still }, 1);
  expect(step).toMatchObject({ accepted: false, proposed: still, why: 'no threshold has a slope to follow' });
});

it('keeps bounds and invariants from any thresholds and any velocity, under any outcomes', () => {
  const anyReturns = fc.array(fc.double({ min: -0.6, max: 1.5, noNaN: true }), {
    minLength: 1,
    maxLength: 12,
  });
  const anyVelocity = fc.double({ min: -3, max: 3, noNaN: true });
  fc.assert(
    fc.property(
      fc.array(anyReturns, { minLength: 20, maxLength: 24 }),
      anyThresholds.map((thresholds) => thresholdsAt(unitOf(thresholds))),
      anyVelocity,
      (paths, thresholds, push) => {
        const studies = paths.map((returns, index) => studyOf(signalAlong(index, returns)));
        const velocity = Object.fromEntries(
          THRESHOLD_NAMES.map((name) => [name, push]),
        ) as typeof NO_VELOCITY;
        const step = learningStep(studies, { version: 1, thresholds, velocity }, 1, { blocks: 1 });
        expect(thresholdViolations(step.proposed)).toEqual([]);
        const { seenBefore, seenAfter, unseenBefore, unseenAfter } = step.objective;
        const isWorse = seenAfter < seenBefore || unseenAfter < unseenBefore;
        expect(step.accepted && isWorse).toBe(false);
        for (const name of THRESHOLD_NAMES) {
          const moved = unitOf(step.proposed)[name] - unitOf(thresholds)[name];
          const isGivingWay = name === 'minLossBeforeExit' || name === 'profitTakingThreshold';
          if (!isGivingWay) expect(Math.abs(moved)).toBeLessThanOrEqual(0.08 + 1e-6);
        }
      },
    ),
    { numRuns: 15 },
  );
}, 60_000);

it('a poisoned study is named and changes nothing', () => {
  const studies = tradedStudies(30);
  const poisoned = { ...studies[0]!, id: 'poison', confidence: NaN };
  const step = learningStep([...studies, poisoned, studies[3]!], START, 1, { knownVersions: [1] });
  const { refused, ...rest } = step;
  const { refused: none, ...clean } = learningStep(studies, START, 1, { knownVersions: [1] });
  expect(none).toEqual([]);
  expect(rest).toEqual(clean);
  expect(refused).toEqual([
    { id: 'poison', reasons: expect.arrayContaining(['confidence is NaN, allowed is 0..1']) as string[] },
    { id: studies[3]!.id, reasons: [`${studies[3]!.id} was studied before`] },
  ]);
});

it('learns from the newest studies of its window only', () => {
  const studies = tradedStudies(60);
  expect(learningStep(studies, START, 1, { window: 40 })).toEqual(learningStep(studies.slice(20), START, 1));
});

it('a trade that got the capital of another is replayed as its rival, and not once more', () => {
  const studies = tradedStudies(40).filter(({ outcome }) => outcome);
  const [oldest, second, third] = studies as [Study, Study, Study];
  const rivalOf = (study: Study) => ({ ...study, id: study.outcome!.tradeId });
  const chain = [
    { ...oldest, rivals: [rivalOf(second)] },
    { ...second, rivals: [rivalOf(third)] },
  ];
  // The third is the rival of one that does not count by itself: as nobody replays it, it does.
  expect(countedOnce([...chain, ...studies.slice(2)]).map(({ id }) => id)).toEqual(
    studies.map(({ id }) => id).filter((id) => id !== second.id),
  );
  const step = learningStep([...chain, ...studies.slice(2)], START, 1);
  expect(step).toMatchObject({ refused: [], trades: studies.length, studies: studies.length - 1 });
});

it('leaves a lesser optimum for a better one across a plateau', () => {
  const market = createMarket('shakeout', createRandom('market-shakeout-1004'));
  const draw = createRandom('plateau');
  // Whatever gains anything is sold at the first fall: at a small profit, whatever take-profit may say.
  const lesser = thresholdsAt({ ...unitOf(STARTING_THRESHOLDS), ...LESSER_OPTIMUM });
  const studies = Array.from({ length: 90 }, (_, index) => studyOf(market.signal(index, draw), lesser));
  const growth = (thresholds: typeof lesser) => objective(studies.map(prepareStudy), thresholds).growth;
  let state: LearningState = { version: 1, thresholds: lesser, velocity: NO_VELOCITY };
  for (let made = 0; made < 8; made += 1) {
    const { accepted, proposed, velocity } = learningStep(studies, state, made, { blocks: 1 });
    state = { ...state, velocity, thresholds: accepted ? proposed : state.thresholds };
  }
  expect(unitOf(state.thresholds).profitTakingThreshold).toBeLessThan(0.2);
  expect(growth(state.thresholds)).toBeGreaterThan(1.3 * growth(lesser));
});
