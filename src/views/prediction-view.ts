import {
  leastConfidence,
  predictionEffect,
  type Policy,
  type Prediction,
  type PredictionEffect,
} from '../domain/exit-policy.ts';
import type { Side } from '../domain/position.ts';

/** The prediction of a position's symbol, and what it does to the decision to exit that position now. */
export interface PredictionView extends Pick<Prediction, 'action' | 'confidence' | 'source' | 'asOfMs'> {
  readonly expiresAtMs: number;
  readonly effect: PredictionEffect;
  /** Confidence that it has to exceed to exit (against the position) or to hold (with it). */
  readonly needsConfidence: number;
}

export function predictionView(
  side: Side,
  prediction: Prediction,
  { thresholds }: Pick<Policy, 'thresholds'>,
  nowMs: number,
): PredictionView {
  const { action, confidence, source, asOfMs, ttlMs } = prediction;
  return {
    action,
    confidence,
    source,
    asOfMs,
    expiresAtMs: asOfMs + ttlMs,
    effect: predictionEffect(side, prediction, thresholds, nowMs),
    needsConfidence: leastConfidence(side, action, thresholds),
  };
}
