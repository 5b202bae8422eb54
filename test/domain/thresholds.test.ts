import { describe, expect, it } from 'vitest';
import {
  clampThresholds,
  STARTING_THRESHOLDS,
  THRESHOLD_NAMES,
  THRESHOLD_SPECS,
  thresholdViolations,
} from '../../src/domain/thresholds.ts';

it('starts within its bounds and its invariants', () => {
  expect(THRESHOLD_NAMES).toHaveLength(12);
  expect(thresholdViolations(STARTING_THRESHOLDS)).toEqual([]);
});

describe.each(THRESHOLD_NAMES)('%s', (name) => {
  const { min, max } = THRESHOLD_SPECS[name];

  it('is refused outside its bounds, with field, value and bounds', () => {
    for (const value of [min - 0.001, max + 0.001, NaN, Infinity]) {
      const broken = thresholdViolations({ ...STARTING_THRESHOLDS, [name]: value });
      expect(broken).toContain(`${name} is ${value}, allowed is ${min}..${max}`);
    }
  });

  it('is cut to its bounds', () => {
    expect(clampThresholds({ ...STARTING_THRESHOLDS, [name]: -1e9 })[name]).toBe(min);
    expect(clampThresholds({ ...STARTING_THRESHOLDS, [name]: 1e9 })[name]).toBe(max);
  });
});

it('keeps the emergencies beyond the ordinary exits', () => {
  expect(
    thresholdViolations({ ...STARTING_THRESHOLDS, emergencyLossStop: -0.1, minLossBeforeExit: -0.1 }),
  ).toEqual(['emergencyLossStop must be below minLossBeforeExit']);
  expect(
    thresholdViolations({
      ...STARTING_THRESHOLDS,
      profitTakingThreshold: 0.3,
      extraordinaryProfitCapture: 0.3,
    }),
  ).toEqual(['profitTakingThreshold must be below extraordinaryProfitCapture']);
});
