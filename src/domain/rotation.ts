import { minHoldEndsMs, type Policy } from './exit-policy.ts';
import type { Decimal } from './money.ts';
import type { Side } from './position.ts';

export interface RotationCandidate {
  /** Confidence of the signal that opened the position, 0..1. */
  readonly confidence: number;
  readonly openedAtMs: number;
}

/** An open position whose capital a new signal may come to need. */
export interface OpenCandidate extends RotationCandidate {
  readonly tradeId: string;
  readonly positionId: string;
  readonly symbol: string;
  readonly side: Side;
  /** Capital it holds, quote currency. */
  readonly notional: Decimal;
  /** The one it pinned. */
  readonly policy: Policy;
}

/** A position that was asked to make room. */
export type GivingWay = Pick<OpenCandidate, 'tradeId' | 'positionId'>;

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

/**
 * The weakest open position that may give way to a new signal and whose going makes room for it; null where none is.
 * Never one of the same symbol and side: the same exposure would be sold and bought again for two fees. Pure.
 */
export function weakestToRotate(
  candidates: readonly OpenCandidate[],
  signal: { readonly symbol: string; readonly side: Side; readonly confidence: number },
  nowMs: number,
  makesRoom: (candidate: OpenCandidate) => boolean,
): OpenCandidate | null {
  const fitting = candidates
    .filter(({ symbol, side }) => symbol !== signal.symbol || side !== signal.side)
    .filter((candidate) => mayRotate(candidate, signal.confidence, candidate.policy, nowMs))
    .filter(makesRoom)
    .sort((left, right) => left.confidence - right.confidence || left.openedAtMs - right.openedAtMs);
  return fitting[0] ?? null;
}
