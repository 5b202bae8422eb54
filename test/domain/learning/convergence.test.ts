import { expect, it } from 'vitest';
import { exhaustiveSearch } from '../../../bench/learning/best-policy.ts';
import { learnOnMarket } from '../../../bench/learning/convergence.ts';
import { objective } from '../../../src/domain/learning/objective.ts';
import { prepareStudy } from '../../../src/domain/learning/replay.ts';
import { learningStep, NO_VELOCITY } from '../../../src/domain/learning/step.ts';
import { createRandom } from '../../../src/domain/random.ts';
import { STARTING_THRESHOLDS } from '../../../src/domain/thresholds.ts';
import { createMarket } from '../../support/synthetic-market.ts';
import { tradeSignal } from '../../support/trading-simulation.ts';

it('comes near the best policy of a trend market', { timeout: 240_000 }, () => {
  const market = createMarket('trend', createRandom('market-test'));
  const learned = learnOnMarket(market, 11, { trades: 500, tradesPerStep: 10 });
  const draw = createRandom('judge-test');
  const judged = Array.from({ length: 250 }, (_, index) => prepareStudy(market.signal(index, draw)));
  // A thin grid, polished afterwards: the whole one is the benchmark's.
  const grid = {
    ...market.grid,
    profitTakingThreshold: [0.05, 0.1, 0.15],
    minLossBeforeExit: [-0.005, -0.02],
  };
  const best = exhaustiveSearch(judged, judged, { ...grid, positionSizeMultiplier: [3] }).growth;
  expect(objective(judged, STARTING_THRESHOLDS).growth / best).toBeLessThan(0.7);
  expect(objective(judged, learned.thresholds).growth / best).toBeGreaterThanOrEqual(0.9);
});

it('the work of a step grows no faster than the studies', () => {
  const market = createMarket('trend', createRandom('cost'));
  const draw = createRandom('cost-signals');
  const studies = Array.from({ length: 400 }, (_, index) =>
    tradeSignal(market.signal(index, draw), STARTING_THRESHOLDS, 1),
  );
  const state = { version: 1, thresholds: STARTING_THRESHOLDS, velocity: NO_VELOCITY };
  const marks = (count: number) =>
    learningStep(studies.slice(0, count), state, 1, { window: count, blocks: 1 }).marks;
  expect(marks(400) / marks(100)).toBeLessThan(5);
});

it('the objective counts every signal, the ones not taken too', () => {
  const market = createMarket('trend', createRandom('mean'));
  const prepared = prepareStudy(market.signal(0, createRandom('one')));
  const alone = objective([prepared], STARTING_THRESHOLDS).growth;
  expect(alone).not.toBe(0);
  const faint = { ...prepared, confidence: 0.01 };
  expect(objective([prepared, faint], STARTING_THRESHOLDS).growth).toBeCloseTo(alone / 2, 15);
  expect(objective([], STARTING_THRESHOLDS)).toEqual({ growth: 0, scale: 0, marks: 0 });
});
