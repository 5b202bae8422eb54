import type { ThresholdName } from '../thresholds.ts';
import { objective } from './objective.ts';
import type { PreparedStudy } from './replay.ts';
import { perThreshold, thresholdsAt, type PerThreshold } from './unit-range.ts';

/** Places tried along the range of each threshold. */
const PLACES = 16;

/** A place on the range of one threshold, the others left alone. */
export interface Leap {
  readonly name: ThresholdName;
  /** Unit range. */
  readonly at: number;
  readonly growth: number;
}

export interface FarSlope {
  /** Log growth per unit range towards the best place of each threshold; 0 where no place is better. */
  readonly slope: PerThreshold;
  /** Thresholds that change nothing anywhere in their range, the others left alone. */
  readonly inert: ReadonlySet<ThresholdName>;
  /** The best of all places tried, if it is better than here. */
  readonly leap: Leap | null;
  readonly marks: number;
}

/**
 * The slope of the objective over the whole range of one threshold at a time, the others left alone. It sees beyond
 * the plateaus of a step function, where every near slope is 0; and of a threshold that can't matter it says 0, exactly.
 */
export function farSlope(
  studies: readonly PreparedStudy[],
  unit: PerThreshold,
  growthHere: number,
): FarSlope {
  let marks = 0;
  let leap: Leap | null = null;
  const inert = new Set<ThresholdName>();
  const slope = perThreshold((name) => {
    let best = growthHere;
    let towards = 0;
    let matters = false;
    for (let place = 0; place < PLACES; place += 1) {
      const at = (place + 0.5) / PLACES;
      const there = objective(studies, thresholdsAt({ ...unit, [name]: at }));
      marks += there.marks;
      matters ||= there.growth !== growthHere;
      if (there.growth > best && at !== unit[name]) {
        best = there.growth;
        if (best > (leap?.growth ?? growthHere)) leap = { name, at, growth: best };
        towards = (there.growth - growthHere) / (at - unit[name]);
      }
    }
    if (!matters) inert.add(name);
    return towards;
  });
  return { slope, inert, leap, marks };
}
