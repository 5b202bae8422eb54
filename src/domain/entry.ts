import type { Prediction } from './exit-policy.ts';
import type { Decimal } from './money.ts';
import type { Side } from './position.ts';
import { signalNotional, volatilityScale } from './sizing.ts';
import type { Thresholds } from './thresholds.ts';

/** Volatility is taken over this many candles of one policy minute. */
export const VOLATILITY_CANDLES = 30;
/** σref: the standard deviation of one-minute log returns in a market that needs no adjustment. */
export const REFERENCE_VOLATILITY = 0.0015;

/** What the owner lets the scan do. */
export interface EntryRules {
  readonly maxPerSymbol: number;
  /** Quote currency, before multiplier, confidence and volatility. */
  readonly baseNotional: Decimal;
}

/** How things stand for the symbol of a signal. */
export interface EntryStanding {
  readonly openPositions: number;
  readonly canSellShort: boolean;
  /** Standard deviation of one-minute log returns; only asked for when the signal is worth taking. */
  readonly sigma: () => number;
}

export type JudgedEntry =
  | { readonly take: true; readonly side: Side; readonly notional: Decimal }
  | {
      readonly take: false;
      readonly reason: 'hold' | 'confidence' | 'scan-limit' | 'no-short-sale';
      /** The reason with its figures, for people. */
      readonly skip: string;
    };

/** Whether a prediction becomes a trade, and of what notional; the first reason against it decides. Pure. */
export function judgeEntry(
  prediction: Pick<Prediction, 'action' | 'confidence'>,
  thresholds: Thresholds,
  rules: EntryRules,
  standing: EntryStanding,
): JudgedEntry {
  const refused = refusal(prediction, thresholds, rules, standing);
  if (refused) return { take: false, ...refused };
  const { volatilityAdjustmentFactor, positionSizeMultiplier } = thresholds;
  const scale = volatilityScale(standing.sigma(), REFERENCE_VOLATILITY, volatilityAdjustmentFactor);
  return {
    take: true,
    side: prediction.action === 'BUY' ? 'long' : 'short',
    notional: signalNotional(rules.baseNotional, positionSizeMultiplier, prediction.confidence, scale),
  };
}

function refusal(
  { action, confidence }: Pick<Prediction, 'action' | 'confidence'>,
  { entryConfidence }: Thresholds,
  { maxPerSymbol }: EntryRules,
  { openPositions, canSellShort }: EntryStanding,
): Pick<Extract<JudgedEntry, { take: false }>, 'reason' | 'skip'> | null {
  if (action === 'HOLD') return { reason: 'hold', skip: 'hold' };
  if (confidence < entryConfidence) {
    return {
      reason: 'confidence',
      skip: `confidence ${confidence} is below entryConfidence ${entryConfidence}`,
    };
  }
  if (openPositions >= maxPerSymbol) {
    return {
      reason: 'scan-limit',
      skip: `${openPositions} positions are open, the scan keeps at most ${maxPerSymbol}`,
    };
  }
  if (action === 'SELL' && !canSellShort)
    return { reason: 'no-short-sale', skip: 'no short sales in this symbol' };
  return null;
}
