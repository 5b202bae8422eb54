import { moveFraction, type Side } from './position.ts';
import type { Decimal } from './money.ts';
import type { Thresholds } from './thresholds.ts';

export type PredictionAction = 'BUY' | 'SELL' | 'HOLD';

export interface Prediction {
  readonly action: PredictionAction;
  /** 0..1 */
  readonly confidence: number;
  readonly asOfMs: number;
  /** From `asOfMs` on; afterwards the prediction counts as absent. */
  readonly ttlMs: number;
  readonly source: string;
}

/** What a trade pins at entry: learned thresholds and the scale of its time. */
export interface Policy {
  /** Version of the thresholds. */
  readonly version: number;
  readonly thresholds: Thresholds;
  /** 1 in real life; a tape that runs 30 times as fast has its policy minutes divided by 30. */
  readonly timeScale: number;
}

/** What the exit decision needs to know of a position. */
export interface ExitPosition {
  readonly side: Side;
  /** Average entry fill price. */
  readonly entryPrice: Decimal;
  readonly openedAtMs: number;
  /** Most favourable mark seen since entry; the entry price at first. */
  readonly bestPrice: Decimal;
  /** Volatility scale `s` at entry, 0.5..2. */
  readonly volatilityScale: number;
  /** Entry plus exit fee as a fraction of the entry value: what a round trip costs. */
  readonly roundTripFee: number;
  readonly tickSize: Decimal;
  /** Set when an operator or reconciliation demands the exit. */
  readonly exitDemand?: string;
}

/** `rotation`: a better signal needed its capital; like `forced` no price decides it. */
export const EXIT_RULES = [
  'forced',
  'rotation',
  'emergency-loss',
  'extraordinary-profit',
  'ai-reversal',
  'loss-limit',
  'take-profit',
  'giveback',
] as const;
export const HOLD_RULES = ['ai-confidence', 'min-hold', 'noise', 'undecided'] as const;

export type ExitRule = (typeof EXIT_RULES)[number];
export type HoldRule = (typeof HOLD_RULES)[number];

/** The answer of the policy, with the figures it rests on. Returns are fractions. */
export type Evaluation = { readonly returnFraction: number; readonly bestReturn: number } & (
  { readonly action: 'exit'; readonly rule: ExitRule } | { readonly action: 'hold'; readonly rule: HoldRule }
);

export function isFresh(prediction: Prediction | null, nowMs: number): prediction is Prediction {
  return prediction !== null && nowMs < prediction.asOfMs + prediction.ttlMs;
}

export function isAgainst(side: Side, action: PredictionAction): boolean {
  return side === 'long' ? action === 'SELL' : action === 'BUY';
}

/** What a prediction does to the exit decision: rules 3 and 4, or nothing because it is too weak or no longer fresh. */
export type PredictionEffect = 'exits' | 'holds' | 'too-weak' | 'stale';

/** Confidence that a prediction has to exceed to have an effect on a position of this side. */
export function leastConfidence(side: Side, action: PredictionAction, limits: Thresholds): number {
  return isAgainst(side, action) ? limits.aiReversalConfidenceThreshold : limits.aiConfidenceRespectThreshold;
}

export function predictionEffect(
  side: Side,
  prediction: Prediction,
  limits: Thresholds,
  nowMs: number,
): PredictionEffect {
  if (!isFresh(prediction, nowMs)) return 'stale';
  if (prediction.confidence <= leastConfidence(side, prediction.action, limits)) return 'too-weak';
  return isAgainst(side, prediction.action) ? 'exits' : 'holds';
}

/** When the minimum hold of the position ends. */
export function minHoldEndsMs(position: Pick<ExitPosition, 'openedAtMs'>, policy: Policy): number {
  return position.openedAtMs + (policy.thresholds.minHoldTimeMinutes * 60_000) / policy.timeScale;
}

/**
 * The exit decision; the first rule that matches wins, emergencies before anything that could veto them.
 * Pure. `mark` is the bid for a long, the ask for a short; `RangeError` when it is not a price.
 */
export function evaluateExit(
  position: Omit<ExitPosition, 'tickSize'>,
  mark: Decimal,
  prediction: Prediction | null,
  policy: Policy,
  nowMs: number,
): Evaluation {
  const entryPrice = Number(position.entryPrice);
  const price = Number(mark);
  // Nothing compares with NaN, so a bad mark would hold through an emergency without a word.
  if (!(price > 0 && price < Infinity)) throw new RangeError(`mark is ${mark}, it must be a price above 0`);
  const current = moveFraction(position.side, entryPrice, price);
  const bestReturn = Math.max(current, moveFraction(position.side, entryPrice, Number(position.bestPrice)));
  const rule = matchingRule(position, current, bestReturn, prediction, policy, nowMs);
  return isExitRule(rule)
    ? { action: 'exit', rule, returnFraction: current, bestReturn }
    : { action: 'hold', rule, returnFraction: current, bestReturn };
}

/**
 * The rules themselves, on returns: `current` at the mark, `bestReturn` the best so far with this mark.
 * Shared by the live decision and by replay, which prepares the returns of a path once.
 */
export function matchingRule(
  position: Pick<ExitPosition, 'side' | 'openedAtMs' | 'volatilityScale' | 'roundTripFee' | 'exitDemand'>,
  current: number,
  bestReturn: number,
  prediction: Prediction | null,
  policy: Policy,
  nowMs: number,
): ExitRule | HoldRule {
  const limits = policy.thresholds;
  if (position.exitDemand !== undefined) return 'forced';
  if (current <= limits.emergencyLossStop) return 'emergency-loss';
  if (current >= limits.extraordinaryProfitCapture) return 'extraordinary-profit';
  if (prediction) {
    const effect = predictionEffect(position.side, prediction, limits, nowMs);
    if (effect === 'exits') return 'ai-reversal';
    if (effect === 'holds') return 'ai-confidence';
  }
  if (nowMs < minHoldEndsMs(position, policy)) return 'min-hold';
  const lossLimit = limits.minLossBeforeExit * position.volatilityScale;
  if (current < 0 && current > lossLimit) return 'noise';
  if (current <= lossLimit) return 'loss-limit';
  if (current >= limits.profitTakingThreshold * position.volatilityScale) return 'take-profit';
  if (current > 0 && isArmed(bestReturn, position) && current <= givebackReturn(bestReturn, policy))
    return 'giveback';
  return 'undecided';
}

export function isExitRule(rule: ExitRule | HoldRule): rule is ExitRule {
  switch (rule) {
    case 'ai-confidence':
    case 'min-hold':
    case 'noise':
    case 'undecided':
      return false;
    default:
      return true;
  }
}

/** Rule 9 only arms once the best return has covered a round trip of fees. */
export function isArmed(bestReturn: number, position: Pick<ExitPosition, 'roundTripFee'>): boolean {
  return bestReturn >= position.roundTripFee;
}

/** The return at and below which rule 9 exits. */
export function givebackReturn(bestReturn: number, policy: Policy): number {
  return bestReturn * (1 - policy.thresholds.exitScore);
}
