import type { Prediction } from '../exit-policy.ts';
import type { Decimal } from '../money.ts';
import type { Side } from '../position.ts';
import type { PathPoint, Study } from './study.ts';

/** A signal that opened nothing, with the market that followed. */
export interface SkippedSignal {
  readonly id: string;
  readonly symbol: string;
  readonly side: Side;
  /** 0..1 */
  readonly confidence: number;
  readonly atMs: number;
  readonly thresholdsVersion: number;
  /** Quote at the signal; the first price of the path where there was none. */
  readonly price: Decimal | null;
  readonly timeScale: number;
  readonly path: readonly PathPoint[];
  readonly maxStepMs: number;
  readonly predictions: readonly Prediction[];
  /** σ/σref at the signal; null where it is not known. */
  readonly volatilityRatio: number | null;
}

/** The study of a skipped signal, charged and sized as `donor`, a trade that did open, was. */
export function studyOfSkipped(signal: SkippedSignal, donor: Study): Study {
  return {
    id: signal.id,
    symbol: signal.symbol,
    side: signal.side,
    confidence: signal.confidence,
    entryPrice: signal.price ?? signal.path[0]?.price ?? '0',
    entryTimeMs: signal.atMs,
    entryFeeRate: donor.entryFeeRate,
    exitFeeRate: donor.exitFeeRate,
    volatilityRatio: signal.volatilityRatio ?? donor.volatilityRatio,
    baseFraction: donor.baseFraction,
    maxFraction: donor.maxFraction,
    timeScale: signal.timeScale,
    path: signal.path,
    maxStepMs: signal.maxStepMs,
    predictions: signal.predictions,
    thresholdsVersion: signal.thresholdsVersion,
    outcome: null,
    rivals: [],
  };
}
