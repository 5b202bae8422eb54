import { minHoldEndsMs, type Policy } from './exit-policy.ts';

export interface RotationCandidate {
  /** Confidence of the signal that opened the position, 0..1. */
  readonly confidence: number;
  readonly openedAtMs: number;
}

/**
 * Whether a new signal may free the capital of an open position: it must be better by more than
 * capitalRotationUrgency, and never within the minimum hold. The position's own policy decides.
 */
export function mayRotate(
  position: RotationCandidate,
  signalConfidence: number,
  policy: Policy,
  nowMs: number,
): boolean {
  return (
    nowMs >= minHoldEndsMs(position, policy) &&
    signalConfidence - position.confidence > policy.thresholds.capitalRotationUrgency
  );
}
