/** The 12 learned thresholds: start, bounds and relative learning rate (docs/design.md section 6). */

export const THRESHOLD_NAMES = [
  'entryConfidence',
  'exitScore',
  'positionSizeMultiplier',
  'profitTakingThreshold',
  'capitalRotationUrgency',
  'volatilityAdjustmentFactor',
  'minLossBeforeExit',
  'aiConfidenceRespectThreshold',
  'minHoldTimeMinutes',
  'emergencyLossStop',
  'extraordinaryProfitCapture',
  'aiReversalConfidenceThreshold',
] as const;

export type ThresholdName = (typeof THRESHOLD_NAMES)[number];

/** Fractions (`-0.005` is -0.5%) except positionSizeMultiplier, volatilityAdjustmentFactor and minHoldTimeMinutes. */
export type Thresholds = Readonly<Record<ThresholdName, number>>;

export interface ThresholdSpec {
  readonly start: number;
  readonly min: number;
  readonly max: number;
  /** Relative learning rate. */
  readonly rate: number;
  readonly meaning: string;
}

export const THRESHOLD_SPECS: Readonly<Record<ThresholdName, ThresholdSpec>> = {
  entryConfidence: {
    start: 0.05,
    min: 0.01,
    max: 0.5,
    rate: 2.0,
    meaning: 'least prediction confidence to open',
  },
  exitScore: {
    start: 0.5,
    min: 0.1,
    max: 0.95,
    rate: 1.5,
    meaning: 'share of the best return given back that exits',
  },
  positionSizeMultiplier: { start: 1.5, min: 0.3, max: 3.0, rate: 1.0, meaning: 'times the base notional' },
  profitTakingThreshold: { start: 0.08, min: 0.02, max: 0.6, rate: 2.5, meaning: 'return that takes profit' },
  capitalRotationUrgency: {
    start: 0.3,
    min: 0.1,
    max: 0.8,
    rate: 0.6,
    meaning: 'how much better a new signal must be to free capital from an old position',
  },
  volatilityAdjustmentFactor: {
    start: 1.0,
    min: 0.5,
    max: 2.0,
    rate: 0.4,
    meaning: 'exponent of the volatility scale',
  },
  minLossBeforeExit: {
    start: -0.005,
    min: -0.15,
    max: -0.005,
    rate: 2.2,
    meaning: 'loss that is more than noise',
  },
  aiConfidenceRespectThreshold: {
    start: 0.7,
    min: 0.6,
    max: 0.95,
    rate: 1.5,
    meaning: 'confidence of a prediction that holds a position',
  },
  minHoldTimeMinutes: { start: 2, min: 1, max: 60, rate: 2.0, meaning: 'minutes before ordinary exits' },
  emergencyLossStop: { start: -0.2, min: -0.5, max: -0.1, rate: 0.5, meaning: 'loss that always exits' },
  extraordinaryProfitCapture: {
    start: 0.5,
    min: 0.2,
    max: 2.0,
    rate: 1.0,
    meaning: 'profit that always exits',
  },
  aiReversalConfidenceThreshold: {
    start: 0.6,
    min: 0.5,
    max: 0.95,
    rate: 1.3,
    meaning: 'confidence of a prediction against us that exits',
  },
};

function mapThresholds(value: (name: ThresholdName) => number): Thresholds {
  return Object.fromEntries(THRESHOLD_NAMES.map((name) => [name, value(name)])) as Record<
    ThresholdName,
    number
  >;
}

export const STARTING_THRESHOLDS: Thresholds = mapThresholds((name) => THRESHOLD_SPECS[name].start);

export function clampThresholds(thresholds: Thresholds): Thresholds {
  return mapThresholds((name) =>
    Math.min(THRESHOLD_SPECS[name].max, Math.max(THRESHOLD_SPECS[name].min, thresholds[name])),
  );
}

/** Every broken rule in words; empty when the version may be published. */
export function thresholdViolations(thresholds: Thresholds): string[] {
  const broken: string[] = [];
  for (const name of THRESHOLD_NAMES) {
    const { min, max } = THRESHOLD_SPECS[name];
    const value = thresholds[name];
    if (!(value >= min && value <= max)) broken.push(`${name} is ${value}, allowed is ${min}..${max}`);
  }
  const { emergencyLossStop, minLossBeforeExit, profitTakingThreshold, extraordinaryProfitCapture } =
    thresholds;
  if (!(emergencyLossStop < minLossBeforeExit))
    broken.push('emergencyLossStop must be below minLossBeforeExit');
  if (!(minLossBeforeExit < 0)) broken.push('minLossBeforeExit must be below 0');
  if (!(profitTakingThreshold > 0)) broken.push('profitTakingThreshold must be above 0');
  if (!(profitTakingThreshold < extraordinaryProfitCapture)) {
    broken.push('profitTakingThreshold must be below extraordinaryProfitCapture');
  }
  return broken;
}
