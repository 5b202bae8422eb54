import { THRESHOLD_NAMES, THRESHOLD_SPECS, type ThresholdName, type Thresholds } from '../thresholds.ts';

/** A number per threshold: a place in the unit range, a gradient, a velocity. */
export type PerThreshold = Readonly<Record<ThresholdName, number>>;

/** Figures kept of a published threshold, so that people can read it. */
const PUBLISHED_DIGITS = 8;
/** How far the ordinary exit keeps from the emergency on its side, a fraction of the entry price. */
const CLEARANCE = 0.005;

export function perThreshold(value: (name: ThresholdName, index: number) => number): PerThreshold {
  return Object.fromEntries(THRESHOLD_NAMES.map((name, index) => [name, value(name, index)])) as Record<
    ThresholdName,
    number
  >;
}

/** Ranges that span more than a factor of ten are learned on a log scale: 0.02 to 0.03 is as far as 0.2 to 0.3. */
function isLogarithmic(name: ThresholdName): boolean {
  const { min, max } = THRESHOLD_SPECS[name];
  const factor = max / min;
  return factor > 10 + 1e-9 || (factor > 0 && factor < 0.1 - 1e-9);
}

/** 0 at the lower bound, 1 at the upper. */
export function toUnit(name: ThresholdName, value: number): number {
  const { min, max } = THRESHOLD_SPECS[name];
  return isLogarithmic(name) ? Math.log(value / min) / Math.log(max / min) : (value - min) / (max - min);
}

export function fromUnit(name: ThresholdName, unit: number): number {
  const { min, max } = THRESHOLD_SPECS[name];
  const within = Math.min(1, Math.max(0, unit));
  const value = isLogarithmic(name) ? min * (max / min) ** within : min + (max - min) * within;
  return Math.min(max, Math.max(min, Number(value.toPrecision(PUBLISHED_DIGITS))));
}

/**
 * The thresholds at a place of the unit cube, cut to their bounds. Where an ordinary exit would lie beyond the
 * emergency on its side, the ordinary one gives way: an emergency is never loosened for its sake.
 */
export function thresholdsAt(unit: PerThreshold): Thresholds {
  const free = perThreshold((name) => fromUnit(name, unit[name]));
  return {
    ...free,
    minLossBeforeExit: Math.max(free.minLossBeforeExit, free.emergencyLossStop + CLEARANCE),
    profitTakingThreshold: Math.min(free.profitTakingThreshold, free.extraordinaryProfitCapture - CLEARANCE),
  };
}

export function unitOf(thresholds: Thresholds): PerThreshold {
  return perThreshold((name) => toUnit(name, thresholds[name]));
}
