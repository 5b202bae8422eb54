import type { Prediction } from './exit-policy.ts';
import type { Decimal } from './money.ts';
import type { Side } from './position.ts';
import { signalNotional, volatilityRatio, volatilityScale } from './sizing.ts';
import type { Thresholds } from './thresholds.ts';

/** Volatility is taken over this many candles of one policy minute. */
export const VOLATILITY_CANDLES = 30;

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
}

export type EntryRefusal = 'hold' | 'confidence' | 'scan-limit' | 'no-short-sale';

export type JudgedEntry =
  | { readonly take: true; readonly side: Side; readonly notional: Decimal }
  | {
      readonly take: false;
      readonly reason: EntryRefusal;
      /** The reason with its figures, for people. */
      readonly skip: string;
    };

type Signalled = Pick<Prediction, 'action' | 'confidence'>;

/** Whether a prediction becomes a trade, and of what notional; the first reason against it decides. Pure. */
export function judgeEntry(
  prediction: Signalled,
  thresholds: Thresholds,
  rules: EntryRules,
  standing: EntryStanding & {
    /** Standard deviation of one-minute log returns; only asked for when the signal is worth taking. */
    readonly sigma: () => number;
  },
): JudgedEntry {
  const reason = refuseEntry(prediction, thresholds, rules, standing);
  if (reason !== null)
    return { take: false, reason, skip: inWords(reason, prediction, thresholds, rules, standing) };
  const [base, share] = [rules.baseNotional, entryShare(prediction, thresholds, standing.sigma())];
  return { take: true, side: entrySide(prediction), notional: signalNotional(base, share) };
}

/** The first reason against a trade by the prediction, or null. Pure. */
export function refuseEntry(
  { action, confidence }: Signalled,
  { entryConfidence }: Pick<Thresholds, 'entryConfidence'>,
  { maxPerSymbol }: Pick<EntryRules, 'maxPerSymbol'>,
  { openPositions, canSellShort }: EntryStanding,
): EntryRefusal | null {
  if (action === 'HOLD') return 'hold';
  if (confidence < entryConfidence) return 'confidence';
  if (openPositions >= maxPerSymbol) return 'scan-limit';
  return action === 'SELL' && !canSellShort ? 'no-short-sale' : null;
}

/** Of a prediction that isn't to hold. */
export function entrySide({ action }: Pick<Signalled, 'action'>): Side {
  return action === 'BUY' ? 'long' : 'short';
}

/** What the base notional is multiplied with: the more confident, the more; the wilder the market, the less. */
export function entryShare(
  { confidence }: Pick<Signalled, 'confidence'>,
  { volatilityAdjustmentFactor, positionSizeMultiplier }: Thresholds,
  sigma: number,
): number {
  return (
    (positionSizeMultiplier * confidence) /
    volatilityScale(volatilityRatio(sigma), volatilityAdjustmentFactor)
  );
}

function inWords(
  reason: EntryRefusal,
  { confidence }: Signalled,
  { entryConfidence }: Thresholds,
  { maxPerSymbol }: EntryRules,
  { openPositions }: EntryStanding,
): string {
  switch (reason) {
    case 'hold':
      return 'hold';
    case 'confidence':
      return `confidence ${confidence} is below entryConfidence ${entryConfidence}`;
    case 'scan-limit':
      return `${openPositions} positions are open, the scan keeps at most ${maxPerSymbol}`;
    case 'no-short-sale':
      return 'no short sales in this symbol';
  }
}
