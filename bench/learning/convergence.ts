import { objective } from '../../src/domain/learning/objective.ts';
import { prepareStudy } from '../../src/domain/learning/replay.ts';
import { learningStep, NO_VELOCITY, stateAfter, type LearningState } from '../../src/domain/learning/step.ts';
import type { Study } from '../../src/domain/learning/study.ts';
import { createRandom } from '../../src/domain/random.ts';
import { STARTING_THRESHOLDS } from '../../src/domain/thresholds.ts';
import { createMarket, type MarketName, type SyntheticMarket } from '../../test/support/synthetic-market.ts';
import { tradeSignal } from '../../test/support/trading-simulation.ts';
import { exhaustiveSearch, randomSearch } from './best-policy.ts';

export interface ConvergenceOptions {
  readonly trades: number;
  /** A step after this many trades; the workflow steps after each. */
  readonly tradesPerStep: number;
  /** Signals that policies are judged on; learning never sees them. Few would have a best policy of their own. */
  readonly judgedSignals: number;
  /** Of these, those on which every combination of the grid is tried. */
  readonly searchedSignals: number;
}

/** Growths are expected log growth per signal on the judged signals; shares are fractions of the best policy's. */
export interface ConvergenceRow {
  readonly bench: 'learning';
  readonly row: 'convergence';
  readonly market: MarketName;
  readonly seed: number;
  readonly trades: number;
  readonly skippedSignals: number;
  readonly steps: number;
  readonly stepsAccepted: number;
  readonly evaluations: number;
  readonly startGrowth: number;
  readonly bestGrowth: number;
  readonly learnedGrowth: number;
  readonly randomGrowth: number;
  readonly startShare: number;
  readonly learnedShare: number;
  readonly randomShare: number;
}

/** Near slopes of three widths, twelve thresholds at sixteen places, candidates, before and after. */
const EVALUATIONS_PER_STEP = 3 * 3 * 24 + 12 * 16 + 13 + 3;
const WINDOW = 300;

export function convergence(name: MarketName, seed: number, options: ConvergenceOptions): ConvergenceRow {
  const market = createMarket(name, createRandom(`market-${name}-${seed}`));
  const judging = createRandom(`judge-${seed}`);
  const judged = Array.from({ length: options.judgedSignals }, (_, index) =>
    prepareStudy(market.signal(index, judging)),
  );
  const learned = learnOnMarket(market, seed, options);
  const best = exhaustiveSearch(judged.slice(0, options.searchedSignals), judged, market.grid);
  const evaluations = learned.steps * EVALUATIONS_PER_STEP;
  const recent = learned.studies.slice(-WINDOW).map(prepareStudy);
  const random = randomSearch(recent, evaluations, createRandom(`random-${seed}`));
  const growth = (thresholds: typeof STARTING_THRESHOLDS) => objective(judged, thresholds).growth;
  const [startGrowth, learnedGrowth, randomGrowth] = [
    growth(STARTING_THRESHOLDS),
    growth(learned.thresholds),
    growth(random.thresholds),
  ];
  return {
    bench: 'learning',
    row: 'convergence',
    market: name,
    seed,
    trades: options.trades,
    skippedSignals: learned.studies.length - options.trades,
    steps: learned.steps,
    stepsAccepted: learned.stepsAccepted,
    evaluations,
    startGrowth,
    bestGrowth: best.growth,
    learnedGrowth,
    randomGrowth,
    startShare: startGrowth / best.growth,
    learnedShare: learnedGrowth / best.growth,
    randomShare: randomGrowth / best.growth,
  };
}

/** Trades signal after signal with the thresholds of the day, as the learning workflow would have it. */
export function learnOnMarket(
  market: SyntheticMarket,
  seed: number,
  options: Pick<ConvergenceOptions, 'trades' | 'tradesPerStep'>,
) {
  const draw = createRandom(`trade-${seed}`);
  const studies: Study[] = [];
  let state: LearningState = { version: 1, thresholds: STARTING_THRESHOLDS, velocity: NO_VELOCITY };
  let trades = 0;
  let steps = 0;
  let stepsAccepted = 0;
  for (let index = 0; trades < options.trades; index += 1) {
    const study = tradeSignal(market.signal(index, draw), state.thresholds, state.version);
    studies.push(study);
    if (!study.outcome) continue;
    trades += 1;
    if (trades % options.tradesPerStep !== 0) continue;
    const step = learningStep(studies, state, `${seed}-${trades}`, { window: WINDOW });
    if (step.refused.length > 0)
      throw new Error(`a synthetic study was refused: ${JSON.stringify(step.refused[0])}`);
    steps += 1;
    if (step.accepted) stepsAccepted += 1;
    state = stateAfter(state, step);
  }
  return { thresholds: state.thresholds, studies, steps, stepsAccepted };
}
