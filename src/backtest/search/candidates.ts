import { createRandom } from '../../domain/random.ts';
import { perThreshold, thresholdsAt } from '../../domain/learning/unit-range.ts';
import { thresholdViolations, type ThresholdName, type Thresholds } from '../../domain/thresholds.ts';
import { DataError } from '../data-error.ts';

export interface ThresholdRange {
  readonly name: ThresholdName;
  readonly from: number;
  readonly to: number;
  readonly step: number;
}

const MOST_CANDIDATES = 100_000;

/** Every combination of the ranges on top of `base`, those left out that break a rule between thresholds. */
export function gridOfThresholds(base: Thresholds, ranges: readonly ThresholdRange[]): Thresholds[] {
  let candidates: Thresholds[] = [base];
  for (const range of ranges) {
    const values = valuesOf(range);
    if (candidates.length * values.length > MOST_CANDIDATES) {
      throw new DataError(
        `the grid has more than ${MOST_CANDIDATES} combinations; take a larger step of ${range.name}`,
      );
    }
    candidates = candidates.flatMap((candidate) =>
      values.map((value) => ({ ...candidate, [range.name]: value })),
    );
  }
  const allowed = candidates.filter((candidate) => thresholdViolations(candidate).length === 0);
  if (allowed.length > 0) return allowed;
  const [broken = ''] = thresholdViolations(candidates[0] ?? base);
  throw new DataError(`no combination of the grid is allowed: ${broken}`);
}

/** Uniform in each threshold's unit range; the base itself comes first, to compare with. */
export function randomThresholds(base: Thresholds, count: number, seed: number): Thresholds[] {
  const random = createRandom(`search:${seed}`);
  return [base, ...Array.from({ length: count }, () => thresholdsAt(perThreshold(() => random.uniform())))];
}

/** Steps are counted, not added up, so that 0.1 in three steps is 0.3. */
function valuesOf({ from, to, step }: ThresholdRange): number[] {
  const count = Math.floor((to - from) / step + 1e-9) + 1;
  return Array.from({ length: count }, (_, index) => Number((from + index * step).toPrecision(12)));
}
