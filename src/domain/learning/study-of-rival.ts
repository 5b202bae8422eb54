import { big } from '../money.ts';
import type { Side } from '../position.ts';
import type { SignalFacts } from '../signal-facts.ts';
import { volatilityRatio } from '../sizing.ts';
import type { MarketOfTrade } from './study-of-outcome.ts';
import type { StudiedSignal } from './study.ts';

/** A signal that came while a position was open and found no free capital, or got that position's. */
export interface RivalSignal {
  /** The trade that it was to become. */
  readonly id: string;
  readonly symbol: string;
  readonly side: Side;
  /** 0..1 */
  readonly confidence: number;
  readonly atMs: number;
  readonly facts: SignalFacts;
}

/** The rival as replay takes it, sized and charged as it would have been. */
export function studyOfRival(
  { id, symbol, side, confidence, atMs, facts }: RivalSignal,
  market: Omit<MarketOfTrade, 'rivals' | 'volatilityRatio'>,
): StudiedSignal {
  const { price, sigma, takerFee, equity, baseNotional, timeScale } = facts;
  return {
    id,
    symbol,
    side,
    confidence,
    entryPrice: price,
    entryTimeMs: atMs,
    entryFeeRate: takerFee,
    exitFeeRate: takerFee,
    // Where σ is not known, s is 1.
    volatilityRatio: volatilityRatio(sigma) ?? 1,
    baseFraction: Number(big(baseNotional).div(big(equity)).toFixed(15)),
    maxFraction: market.maxFraction ?? null,
    timeScale,
    path: market.path,
    maxStepMs: market.maxStepMs,
    predictions: market.predictions ?? [],
  };
}
