import type { Random } from '../random.ts';
import { THRESHOLD_NAMES } from '../thresholds.ts';
import { objective } from './objective.ts';
import type { PreparedStudy } from './replay.ts';
import { perThreshold, thresholdsAt, type PerThreshold } from './unit-range.ts';

export interface Gradient {
  /** Log growth per unit range of each threshold. */
  readonly slope: PerThreshold;
  /** Width of the perturbations, unit range. */
  readonly sigma: number;
  /** Standard error of the slope, from the spread between blocks of perturbations. */
  readonly noise: PerThreshold;
  /** Mean absolute log growth over all replays. */
  readonly scale: number;
  /** Replays of the whole set. */
  readonly evaluations: number;
  readonly marks: number;
}

/**
 * Slope of the smoothed objective at a place of the unit cube: `g = mean((J(θ+σε) − J(θ−σε))·ε) / 2σ`.
 * The policy is a step function of its thresholds and has no slope of its own.
 *
 * The ε of a block are a random orthogonal frame of length √12. Their outer products average to the identity
 * exactly, so a threshold picks up none of the linear effect of the others.
 */
export function gradient(
  studies: readonly PreparedStudy[],
  unit: PerThreshold,
  sigma: number,
  blocks: number,
  random: Random,
): Gradient {
  const dimension = THRESHOLD_NAMES.length;
  const slopes: number[][] = [];
  let scale = 0;
  let marks = 0;
  for (let block = 0; block < blocks; block += 1) {
    const slope = new Array<number>(dimension).fill(0);
    for (const direction of orthogonalFrame(dimension, random)) {
      const displaced = (sign: number) =>
        thresholdsAt(
          perThreshold((name, index) => clampUnit(unit[name] + sign * sigma * (direction[index] ?? 0))),
        );
      const up = objective(studies, displaced(1));
      const down = objective(studies, displaced(-1));
      scale += up.scale + down.scale;
      marks += up.marks + down.marks;
      const difference = (up.growth - down.growth) / (2 * sigma * dimension);
      for (let index = 0; index < dimension; index += 1) {
        slope[index] = (slope[index] ?? 0) + difference * (direction[index] ?? 0);
      }
    }
    slopes.push(slope);
  }
  const evaluations = 2 * dimension * blocks;
  const mean = (index: number) => slopes.reduce((sum, slope) => sum + (slope[index] ?? 0), 0) / blocks;
  return {
    sigma,
    slope: perThreshold((_name, index) => mean(index) + 0),
    noise: perThreshold((_name, index) => standardError(slopes.map((slope) => slope[index] ?? 0))),
    scale: scale / evaluations,
    evaluations,
    marks,
  };
}

function clampUnit(value: number): number {
  return Math.min(1, Math.max(0, value));
}

function standardError(values: readonly number[]): number {
  const count = values.length;
  if (count < 2) return 0;
  const mean = values.reduce((sum, value) => sum + value, 0) / count;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (count - 1);
  return Math.sqrt(variance / count);
}

/** Rows of a random rotation times √dimension: Gram-Schmidt on normal vectors. */
function orthogonalFrame(dimension: number, random: Random): number[][] {
  const frame: number[][] = [];
  while (frame.length < dimension) {
    let vector = Array.from({ length: dimension }, () => random.normal());
    for (const row of frame) {
      const along = dot(vector, row) / dimension;
      vector = vector.map((value, index) => value - along * (row[index] ?? 0));
    }
    const length = Math.sqrt(dot(vector, vector));
    // A vector that lies in the span of the others has lost its direction to rounding: draw another.
    if (length > 1e-6) frame.push(vector.map((value) => (value * Math.sqrt(dimension)) / length));
  }
  return frame;
}

function dot(left: readonly number[], right: readonly number[]): number {
  return left.reduce((sum, value, index) => sum + value * (right[index] ?? 0), 0);
}
