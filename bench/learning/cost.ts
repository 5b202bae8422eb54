import { evaluateExit, type ExitPosition, type Policy } from '../../src/domain/exit-policy.ts';
import { objective } from '../../src/domain/learning/objective.ts';
import { prepareStudy } from '../../src/domain/learning/replay.ts';
import { learningStep, NO_VELOCITY } from '../../src/domain/learning/step.ts';
import { createRandom } from '../../src/domain/random.ts';
import { STARTING_THRESHOLDS } from '../../src/domain/thresholds.ts';
import { createMarket } from '../../test/support/synthetic-market.ts';
import { tradeSignal } from '../../test/support/trading-simulation.ts';

export interface StepCostRow {
  readonly bench: 'learning';
  readonly row: 'step-cost';
  readonly studies: number;
  readonly stepMs: number;
  readonly replayedMarks: number;
  readonly msPerStudy: number;
}

export interface SpeedRow {
  readonly bench: 'learning';
  readonly row: 'evaluations' | 'replay';
  readonly perSecond: number;
}

/** One step over this many studies, all of them in its window; the median of three. */
export function stepCost(studies: number): StepCostRow {
  const market = createMarket('target', createRandom('cost'));
  const random = createRandom('cost-signals');
  const traded = Array.from({ length: studies }, (_, index) =>
    tradeSignal(market.signal(index, random), STARTING_THRESHOLDS, 1),
  );
  const state = { version: 1, thresholds: STARTING_THRESHOLDS, velocity: NO_VELOCITY };
  let marks = 0;
  const times = [1, 2, 3].map((seed) => {
    const startMs = performance.now();
    marks = learningStep(traded, state, seed, { window: studies }).marks;
    return performance.now() - startMs;
  });
  const stepMs = times.sort((left, right) => left - right)[1]!;
  return {
    bench: 'learning',
    row: 'step-cost',
    studies,
    stepMs: Math.round(stepMs),
    replayedMarks: marks,
    msPerStudy: Number((stepMs / studies).toFixed(3)),
  };
}

/** The exit decision as it is called live, from decimal strings, and marks replayed from prepared studies. */
export function speeds(): SpeedRow[] {
  return [
    { bench: 'learning', row: 'evaluations', perSecond: evaluationsPerSecond() },
    { bench: 'learning', row: 'replay', perSecond: replayedMarksPerSecond() },
  ];
}

function evaluationsPerSecond(): number {
  const position: ExitPosition = {
    side: 'long',
    entryPrice: '10000.5',
    openedAtMs: 0,
    bestPrice: '10020.1',
    volatilityScale: 1.1,
    roundTripFee: 0.0052,
    tickSize: '0.1',
  };
  const policy: Policy = { version: 1, thresholds: STARTING_THRESHOLDS, timeScale: 1 };
  const marks = Array.from({ length: 1000 }, (_, index) => (9960 + index / 10).toFixed(1));
  return perSecond(() => {
    for (const mark of marks) evaluateExit(position, mark, null, policy, 200_000);
    return marks.length;
  });
}

function replayedMarksPerSecond(): number {
  const market = createMarket('trend', createRandom('speed'));
  const random = createRandom('speed-signals');
  const studies = Array.from({ length: 300 }, (_, index) => prepareStudy(market.signal(index, random)));
  const patient = { ...STARTING_THRESHOLDS, minHoldTimeMinutes: 60, minLossBeforeExit: -0.15 };
  return perSecond(() => objective(studies, patient).marks);
}

/** Units of work a second, the best of five rounds of about 200 ms after one to warm up. */
function perSecond(work: () => number): number {
  const round = () => {
    const startMs = performance.now();
    let done = 0;
    while (performance.now() - startMs < 200) done += work();
    return (done / (performance.now() - startMs)) * 1000;
  };
  round();
  return Math.round(Math.max(...Array.from({ length: 5 }, round)));
}
