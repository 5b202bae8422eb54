import type { Prediction } from '../exit-policy.ts';
import { big, multiply } from '../money.ts';
import type { Thresholds } from '../thresholds.ts';
import type { Outcome, PathPoint, Study, StudiedSignal } from './study.ts';

/** What is known of the market around a trade. */
export interface MarketOfTrade {
  readonly path: readonly PathPoint[];
  readonly maxStepMs: number;
  readonly predictions?: readonly Prediction[];
  readonly rivals?: readonly StudiedSignal[];
  /** σ/σref at entry; without it, it is told from `s` and the pinned factor. */
  readonly volatilityRatio?: number;
  readonly maxFraction?: number;
}

/** The study of a closed trade, its sizing and volatility read back through the thresholds it had pinned. */
export function studyOfOutcome(outcome: Outcome, pinned: Thresholds, market: MarketOfTrade): Study {
  const entryNotional = multiply(outcome.quantity, outcome.entryPrice);
  const exitNotional = multiply(outcome.quantity, outcome.exitPrice);
  const fraction = Number(big(entryNotional).div(big(outcome.equityAtEntry)).toFixed(15));
  return {
    id: outcome.positionId,
    symbol: outcome.symbol,
    side: outcome.side,
    confidence: outcome.confidence,
    entryPrice: outcome.entryPrice,
    entryTimeMs: outcome.entryTimeMs,
    entryFeeRate: ratio(outcome.entryFee, entryNotional),
    exitFeeRate: ratio(outcome.exitFee, exitNotional),
    volatilityRatio:
      market.volatilityRatio ?? ratioOfScale(outcome.volatilityScale, pinned.volatilityAdjustmentFactor),
    baseFraction: (fraction * outcome.volatilityScale) / (pinned.positionSizeMultiplier * outcome.confidence),
    maxFraction: market.maxFraction ?? null,
    timeScale: outcome.timeScale,
    path: market.path,
    maxStepMs: market.maxStepMs,
    predictions: market.predictions ?? [],
    thresholdsVersion: outcome.thresholdsVersion,
    outcome,
    rivals: market.rivals ?? [],
  };
}

/** σ/σref from `s`; where `s` was cut off at 0.5 or 2 this is the nearest ratio that gives it. */
export function ratioOfScale(volatilityScale: number, factor: number): number {
  return volatilityScale ** (1 / factor);
}

function ratio(part: string, whole: string): number {
  return Number(big(part).div(big(whole)).toFixed(15));
}
