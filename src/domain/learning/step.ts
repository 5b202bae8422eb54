import { createRandom } from '../random.ts';
import { THRESHOLD_NAMES, THRESHOLD_SPECS, thresholdViolations, type Thresholds } from '../thresholds.ts';
import { gradient } from './gradient.ts';
import { objective } from './objective.ts';
import { prepareStudy } from './replay.ts';
import type { Study } from './study.ts';
import { perThreshold, thresholdsAt, unitOf, type PerThreshold } from './unit-range.ts';
import { validateStudies, type RefusedStudy } from './validate.ts';

/** What a step starts from; `velocity` is the last step's, zeros at first. */
export interface LearningState {
  readonly version: number;
  readonly thresholds: Thresholds;
  readonly velocity: PerThreshold;
}

export interface LearningOptions {
  /** Versions that ever existed; any other in a study is refused. All are known without it. */
  readonly knownVersions?: readonly number[];
  /** Blocks of 12 antithetic pairs that make the gradient. */
  readonly blocks?: number;
}

/** Log growth per signal, before and after the step, on the trades it learned from and on those it did not see. */
export interface StepObjective {
  readonly seenBefore: number;
  readonly seenAfter: number;
  readonly unseenBefore: number;
  readonly unseenAfter: number;
}

/** All that a version's provenance needs. Plain JSON; the same input gives the same to the last bit. */
export interface LearningStep {
  /** The thresholds tried; the current ones where nothing was. */
  readonly proposed: Thresholds;
  readonly accepted: boolean;
  readonly why: string;
  /** Log growth per unit range, by threshold; and its standard error. */
  readonly gradient: PerThreshold;
  readonly gradientNoise: PerThreshold;
  /** To hand to the next step, whether this one was accepted or not. */
  readonly velocity: PerThreshold;
  readonly objective: StepObjective;
  /** Closed trades studied. */
  readonly trades: number;
  /** With the skipped signals. */
  readonly studies: number;
  readonly refused: readonly RefusedStudy[];
  /** Marks replayed. */
  readonly marks: number;
  readonly parentVersion: number;
  readonly seed: string;
}

export const LEAST_TRADES = 20;
const DEFAULT_BLOCKS = 6;
const MOMENTUM = 0.9;
/** Times the relative rate of each threshold; on a gradient in multiples of the mean absolute log growth. */
const BASE_RATE = 0.01;
/** The furthest one step may move a threshold, unit range. */
const STEP_CAP = 0.08;

export const NO_VELOCITY: PerThreshold = perThreshold(() => 0);

/**
 * One learning step. The newest third of the studies is kept unseen by the gradient, and the step is accepted
 * only if it does no worse there. Studies that can't be trusted are named in `refused` and left out.
 */
export function learningStep(
  studies: readonly Study[],
  current: LearningState,
  seed: string | number,
  options: LearningOptions = {},
): LearningStep {
  const { valid, refused } = validateStudies(studies, options.knownVersions ?? null);
  const trades = valid.filter((study) => study.outcome !== null).length;
  const { seen, unseen } = splitByAge(valid);
  const before = { seen: objective(seen, current.thresholds), unseen: objective(unseen, current.thresholds) };
  const common = {
    trades,
    studies: valid.length,
    refused,
    parentVersion: current.version,
    seed: String(seed),
  };
  const unchanged = {
    ...common,
    proposed: current.thresholds,
    accepted: false,
    objective: {
      seenBefore: before.seen.growth,
      seenAfter: before.seen.growth,
      unseenBefore: before.unseen.growth,
      unseenAfter: before.unseen.growth,
    },
  };
  if (trades < LEAST_TRADES) {
    return {
      ...unchanged,
      why: `${trades} studied trades, ${LEAST_TRADES} are needed`,
      gradient: NO_VELOCITY,
      gradientNoise: NO_VELOCITY,
      velocity: current.velocity,
      marks: before.seen.marks + before.unseen.marks,
    };
  }

  const unit = unitOf(current.thresholds);
  const found = gradient(seen, unit, createRandom(seed), options.blocks ?? DEFAULT_BLOCKS);
  const velocity = nextVelocity(current.velocity, found.slope, found.scale);
  const proposed = thresholdsAt(perThreshold((name) => unit[name] + velocity[name]));
  const after = { seen: objective(seen, proposed), unseen: objective(unseen, proposed) };
  const measured = {
    gradient: found.slope,
    gradientNoise: found.noise,
    marks: found.marks + before.seen.marks + before.unseen.marks + after.seen.marks + after.unseen.marks,
  };
  if (THRESHOLD_NAMES.every((name) => proposed[name] === current.thresholds[name])) {
    return { ...unchanged, ...measured, velocity: NO_VELOCITY, why: 'no threshold has a slope to follow' };
  }
  const violations = thresholdViolations(proposed);
  const worse = after.unseen.growth < before.unseen.growth;
  const accepted = violations.length === 0 && !worse;
  return {
    ...common,
    ...measured,
    proposed,
    accepted,
    why: reason(violations, worse, before.unseen.growth, after.unseen.growth),
    // A direction that did worse on unseen trades is not worth its momentum.
    velocity: accepted ? velocity : NO_VELOCITY,
    objective: {
      seenBefore: before.seen.growth,
      seenAfter: after.seen.growth,
      unseenBefore: before.unseen.growth,
      unseenAfter: after.unseen.growth,
    },
  };
}

/** Oldest two thirds to learn from, newest third to judge by; the order of the input does not matter. */
function splitByAge(studies: readonly Study[]) {
  const ordered = [...studies].sort(
    (left, right) => left.entryTimeMs - right.entryTimeMs || (left.id < right.id ? -1 : 1),
  );
  const cut = ordered.length - Math.floor(ordered.length / 3);
  const prepared = ordered.map(prepareStudy);
  return { seen: prepared.slice(0, cut), unseen: prepared.slice(cut) };
}

function nextVelocity(velocity: PerThreshold, slope: PerThreshold, scale: number): PerThreshold {
  return perThreshold((name) => {
    const relative = scale > 0 ? slope[name] / scale : 0;
    const next = MOMENTUM * velocity[name] + BASE_RATE * THRESHOLD_SPECS[name].rate * relative;
    return Math.min(STEP_CAP, Math.max(-STEP_CAP, next)) + 0;
  });
}

function reason(violations: readonly string[], worse: boolean, before: number, after: number): string {
  if (violations.length > 0) return violations.join('; ');
  const change = `${before.toExponential(3)} to ${after.toExponential(3)}`;
  return worse ? `worse on unseen trades: ${change}` : `no worse on unseen trades: ${change}`;
}
