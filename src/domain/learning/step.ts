import { createRandom } from '../random.ts';
import { THRESHOLD_NAMES, THRESHOLD_SPECS, thresholdViolations, type Thresholds } from '../thresholds.ts';
import { countedOnce } from './counted-once.ts';
import { farSlope, type FarSlope } from './far-slope.ts';
import { gradient, type Gradient } from './gradient.ts';
import { objective, type Objective } from './objective.ts';
import { prepareStudy, type PreparedStudy } from './replay.ts';
import type { Study } from './study.ts';
import { judgingThird, splitBy, type Third } from './thirds.ts';
import { perThreshold, thresholdsAt, unitOf, type PerThreshold } from './unit-range.ts';
import { validateStudies, type RefusedStudy } from './validate.ts';
import { verdict, type StepObjective } from './verdict.ts';

/** What a step starts from; `velocity` is the last step's, zeros at first. */
export interface LearningState {
  readonly version: number;
  readonly thresholds: Thresholds;
  readonly velocity: PerThreshold;
  /** Steps from these thresholds that were refused; 0 without it. Tells which third judges. */
  readonly refusals?: number;
}

export interface LearningOptions {
  /** Versions that ever existed; any other in a study is refused. All are known without it. */
  readonly knownVersions?: readonly number[];
  /** Blocks of 12 antithetic pairs that make the gradient, for each width of perturbation. */
  readonly blocks?: number;
  /** The newest studies that count; older ones speak of markets and thresholds that are gone. */
  readonly window?: number;
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
  /** Log growth per unit range towards the best place over the whole range of a threshold alone. */
  readonly farSlope: PerThreshold;
  /** Width of the perturbations that the step follows, unit range; null where it follows the far slopes alone. */
  readonly sigma: number | null;
  /** To hand to the next step, whether this one was accepted or not. */
  readonly velocity: PerThreshold;
  readonly objective: StepObjective;
  /** The part of the studies that was kept unseen. */
  readonly unseenThird: Third;
  /** Closed trades studied. */
  readonly trades: number;
  /** With the skipped signals, within the window; a trade that is replayed as another's rival counts there. */
  readonly studies: number;
  readonly refused: readonly RefusedStudy[];
  /** Marks replayed for the gradient. */
  readonly marks: number;
  readonly parentVersion: number;
  readonly seed: string;
}

export const LEAST_TRADES = 20;
const DEFAULT_BLOCKS = 3;
const DEFAULT_WINDOW = 300;
/**
 * Widths of the perturbations, unit range. A wide one sees over ledges of the objective, a narrow one sees a sharp
 * optimum that the wide one blurs away; the seen trades choose between the steps they lead to.
 */
const SIGMAS = [0.02, 0.05, 0.12] as const;
const MOMENTUM = 0.9;
/** Times the relative rate of each threshold; on a gradient in multiples of the mean absolute log growth. */
const BASE_RATE = 0.02;
/** A slope counts when it is more than this many of its standard errors. */
const NOISE_FACTOR = 2;
/** And more than this share of the mean absolute log growth over the whole range: less is rounding. */
const LEAST_SLOPE = 1e-3;
/** The furthest one step may move a threshold, unit range. */
const STEP_CAP = 0.08;
/** A whole step may leap over a ledge that a part of it does not reach; the seen trades choose. */
const STEP_LENGTHS = [1, 0.25, 0.05] as const;

export const NO_VELOCITY: PerThreshold = perThreshold(() => 0);

/**
 * One learning step. A third of the studies, at first the newest, is kept unseen by the gradient and judges. Studies
 * that can't be trusted are named in `refused` and left out.
 */
export function learningStep(
  studies: readonly Study[],
  current: LearningState,
  seed: string | number,
  options: LearningOptions = {},
): LearningStep {
  const { valid, refused } = validateStudies(studies, options.knownVersions ?? null);
  const recent = byAge(valid).slice(-(options.window ?? DEFAULT_WINDOW));
  const counted = countedOnce(recent);
  const trades = recent.filter((study) => study.outcome !== null).length;
  const unseenThird = judgingThird(current.refusals ?? 0);
  const { seen, unseen, newest } = splitBy(unseenThird, counted.map(prepareStudy));
  const before = { seen: objective(seen, current.thresholds), unseen: objective(unseen, current.thresholds) };
  const common = {
    trades,
    studies: counted.length,
    refused,
    unseenThird,
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
      farSlope: NO_VELOCITY,
      sigma: null,
      velocity: current.velocity,
      marks: 0,
    };
  }

  const random = createRandom(seed);
  const unit = unitOf(current.thresholds);
  const far = farSlope(seen, unit, before.seen.growth);
  const gradients = SIGMAS.map((sigma) =>
    gradient(seen, unit, sigma, options.blocks ?? DEFAULT_BLOCKS, random),
  );
  const directions: Direction[] = gradients.map((found) => ({
    found,
    sigma: found.sigma,
    slope: beyondNoise(found, far),
  }));
  const [narrowest] = gradients;
  if (narrowest) directions.push({ found: narrowest, sigma: null, slope: far.slope });
  const candidates = directions.flatMap(({ found, sigma, slope }) => {
    const whole = nextVelocity(current.velocity, slope, found.scale);
    return STEP_LENGTHS.map((length) => {
      const velocity = perThreshold((name) => length * whole[name]);
      const proposed = thresholdsAt(perThreshold((name) => unit[name] + velocity[name]));
      return { found, sigma, velocity, proposed, after: objective(seen, proposed) };
    });
  });
  const nearest = candidates.reduce((best, candidate) =>
    candidate.after.growth > best.after.growth ? candidate : best,
  );
  const { found, sigma, velocity, proposed, after } = leapBeyond(
    nearest,
    unit,
    before.seen.growth,
    seen,
    far,
  );
  const afterUnseen = objective(unseen, proposed);
  const measured = {
    gradient: found.slope,
    gradientNoise: found.noise,
    sigma,
    farSlope: far.slope,
    marks: gradients.reduce((sum, { marks }) => sum + marks, far.marks),
  };
  if (THRESHOLD_NAMES.every((name) => proposed[name] === current.thresholds[name])) {
    return { ...unchanged, ...measured, velocity: NO_VELOCITY, why: 'no threshold has a slope to follow' };
  }
  const figures = {
    seenBefore: before.seen.growth,
    seenAfter: after.growth,
    unseenBefore: before.unseen.growth,
    unseenAfter: afterUnseen.growth,
  };
  const { accepted, why } = verdict(thresholdViolations(proposed), unseenThird, figures, () => ({
    before: objective(newest, current.thresholds).growth,
    after: objective(newest, proposed).growth,
  }));
  return {
    ...common,
    ...measured,
    proposed,
    accepted,
    why,
    // A direction that did worse is not worth its momentum.
    velocity: accepted ? velocity : NO_VELOCITY,
    objective: figures,
  };
}

interface Candidate {
  readonly found: Gradient;
  readonly sigma: number | null;
  readonly velocity: PerThreshold;
  readonly proposed: Thresholds;
  readonly after: Objective;
}

/**
 * A better place further away than a step may go is gone for all the same, beside the near step or instead of it, if
 * the way there costs nothing: step by step across a plateau on which no slope leads.
 */
function leapBeyond(
  nearest: Candidate,
  unit: PerThreshold,
  growthHere: number,
  seen: readonly PreparedStudy[],
  { leap }: FarSlope,
): Candidate {
  if (leap === null || leap.growth <= nearest.after.growth) return nearest;
  const towards = (velocity: PerThreshold): Candidate => {
    const leaping = { ...velocity, [leap.name]: capped(leap.at - unit[leap.name]) };
    const proposed = thresholdsAt(perThreshold((name) => unit[name] + leaping[name]));
    return { ...nearest, velocity: leaping, proposed, after: objective(seen, proposed) };
  };
  const beside = towards(nearest.velocity);
  if (beside.after.growth >= nearest.after.growth) return beside;
  const alone = towards(NO_VELOCITY);
  return alone.after.growth >= growthHere ? { ...alone, sigma: null } : nearest;
}

/** A slope to follow, with the gradient it rests on; `sigma` is null where it is the far slopes alone. */
interface Direction {
  readonly found: Gradient;
  readonly sigma: number | null;
  readonly slope: PerThreshold;
}

/** The near slope where it stands out of its noise, the far one elsewhere; what changes nothing stays put. */
function beyondNoise(near: Gradient, far: FarSlope): PerThreshold {
  return perThreshold((name) => {
    if (far.inert.has(name)) return 0;
    const floor = Math.max(NOISE_FACTOR * near.noise[name], LEAST_SLOPE * near.scale);
    return Math.abs(near.slope[name]) > floor ? near.slope[name] : far.slope[name];
  });
}

/** Oldest first; the order of the input does not matter. */
function byAge(studies: readonly Study[]): Study[] {
  return [...studies].sort(
    (left, right) => left.entryTimeMs - right.entryTimeMs || (left.id < right.id ? -1 : 1),
  );
}

function capped(step: number): number {
  return Math.min(STEP_CAP, Math.max(-STEP_CAP, step)) + 0;
}

function nextVelocity(velocity: PerThreshold, slope: PerThreshold, scale: number): PerThreshold {
  return perThreshold((name) => {
    const relative = scale > 0 ? slope[name] / scale : 0;
    return capped(MOMENTUM * velocity[name] + BASE_RATE * THRESHOLD_SPECS[name].rate * relative);
  });
}

/** What the next step starts from. */
export function stateAfter(state: LearningState, step: LearningStep): LearningState {
  const { accepted, proposed, velocity } = step;
  return accepted
    ? { version: state.version + 1, thresholds: proposed, velocity, refusals: 0 }
    : { ...state, velocity, refusals: (state.refusals ?? 0) + 1 };
}
