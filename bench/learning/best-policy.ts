import { objective } from '../../src/domain/learning/objective.ts';
import type { PreparedStudy } from '../../src/domain/learning/replay.ts';
import { perThreshold, thresholdsAt, unitOf } from '../../src/domain/learning/unit-range.ts';
import type { Random } from '../../src/domain/random.ts';
import { STARTING_THRESHOLDS, THRESHOLD_NAMES, type ThresholdName } from '../../src/domain/thresholds.ts';
import type { Thresholds } from '../../src/domain/thresholds.ts';

export interface Policy {
  readonly thresholds: Thresholds;
  readonly growth: number;
}

type Grid = Readonly<Partial<Record<ThresholdName, readonly number[]>>>;

/** Of the grid, so many are judged anew, and so many of those polished. */
const JUDGED_ANEW = 50;
const POLISHED = 3;

/**
 * The best policy of the market of `judged`: every combination of the grid is tried on some of its signals, the best
 * of them on all, and the best of those polished over all twelve thresholds one at a time.
 */
export function exhaustiveSearch(
  searched: readonly PreparedStudy[],
  judged: readonly PreparedStudy[],
  grid: Grid,
): Policy {
  const names = THRESHOLD_NAMES.filter((name) => grid[name] !== undefined);
  const tried: Policy[] = [evaluate(searched, STARTING_THRESHOLDS)];
  const visit = (depth: number, thresholds: Thresholds): void => {
    const name = names[depth];
    if (name === undefined) tried.push(evaluate(searched, thresholds));
    else for (const value of grid[name] ?? []) visit(depth + 1, { ...thresholds, [name]: value });
  };
  visit(0, STARTING_THRESHOLDS);
  return bestOf(tried, JUDGED_ANEW)
    .map(({ thresholds }) => evaluate(judged, thresholds))
    .sort(byGrowth)
    .slice(0, POLISHED)
    .map((policy) => polish(judged, policy))
    .reduce(better);
}

function bestOf(policies: Policy[], count: number): Policy[] {
  return policies.sort(byGrowth).slice(0, count);
}

function byGrowth(left: Policy, right: Policy): number {
  return right.growth - left.growth;
}

/** The best of `evaluations` policies drawn uniformly from the unit cube. */
export function randomSearch(studies: readonly PreparedStudy[], evaluations: number, random: Random): Policy {
  let best = evaluate(studies, STARTING_THRESHOLDS);
  for (let tried = 0; tried < evaluations; tried += 1) {
    best = better(best, evaluate(studies, thresholdsAt(perThreshold(() => random.uniform()))));
  }
  return best;
}

function polish(studies: readonly PreparedStudy[], from: Policy): Policy {
  let best = from;
  for (let reach = 0.2; reach > 0.005; reach /= 2) {
    for (const name of THRESHOLD_NAMES) {
      for (const sign of [-1, 1]) {
        const unit = unitOf(best.thresholds);
        best = better(best, evaluate(studies, thresholdsAt({ ...unit, [name]: unit[name] + sign * reach })));
      }
    }
  }
  return best;
}

function evaluate(studies: readonly PreparedStudy[], thresholds: Thresholds): Policy {
  return { thresholds, growth: objective(studies, thresholds).growth };
}

function better(left: Policy, right: Policy): Policy {
  return right.growth > left.growth ? right : left;
}
