import type { Side } from '../domain/position.ts';
import { hasProtections, type Protections } from '../domain/protections.ts';
import type { RiskLimits } from '../domain/risk.ts';
import { weakestToRotate } from '../domain/rotation.ts';
import type { Pair } from '../exchange/paper/pairs.ts';
import type { Account } from './account.ts';
import { candidateOf } from './reserve.ts';

/** Who asks for an entry. */
export interface Asking {
  readonly symbol: string;
  readonly pair: Pair;
  readonly side: Side;
  readonly confidence: number;
  readonly nowMs: number;
}

export interface Means {
  readonly account: Account;
  readonly limits: RiskLimits;
  readonly protections: Protections;
  /** The float64 price of the file that stands. */
  readonly priceOf: (symbol: string, side: Side) => number;
}

/**
 * Whether the money is certainly not there. A used-up account is asked for it every interval, and what is clearly out
 * of reach shall cost no bookkeeping: `roughNotional` (of a short only) and `price` are float64, and what they leave
 * open is not judged.
 */
export function isBeyondMeans(asking: Asking, roughNotional: number, price: number, means: Means): boolean {
  const { pair, side } = asking;
  const { account, limits } = means;
  const cash = account.roughCash;
  const least = Number(pair.orderMinimum) * price;
  if (side === 'long') return cash < 0.999 * least && !mayRotate(asking, account);
  const wanted = Math.min(roughNotional - 0.01, Number(limits.maxNotional ?? Infinity));
  const isBeyond = wanted / leastLeverage(pair) > 1.001 * mostMargin(cash, means);
  if (!isBeyond || account.holdings.size === 0) return isBeyond;
  // With positions open something else may come first to refuse it.
  return !mayRefuseFirst(means) && wanted > 1.001 * least;
}

export function leastLeverage({ leverages }: Pair): number {
  return leverages[0] ?? Infinity;
}

function mayRotate(asking: Asking, { holdings }: Account): boolean {
  if (holdings.size === 0) return false;
  return weakestToRotate([...holdings].map(candidateOf), asking, asking.nowMs, () => true) !== null;
}

function mayRefuseFirst({ account, limits, protections }: Means): boolean {
  const { maxOpenPositions, maxPositionsPerSymbol, maxExposure, maxDailyLoss, maxDrawdown } = limits;
  const open = account.holdings.size;
  const isCounted = open >= (maxOpenPositions ?? Infinity) || open >= (maxPositionsPerSymbol ?? Infinity);
  const isBound = maxExposure !== null || maxDailyLoss !== null || maxDrawdown !== null;
  return isCounted || isBound || hasProtections(protections);
}

/** At least as much as is free for margin. */
function mostMargin(cash: number, { account, priceOf }: Means): number {
  let most = cash;
  for (const { held } of account.holdings) {
    const { facts, margin } = held.opening;
    const { quantity, cost } = facts.entry.summary;
    const atMark = Number(quantity) * priceOf(facts.symbol, facts.side);
    most += facts.side === 'long' ? 1.001 * atMark : Number(cost) - 0.999 * atMark - Number(margin);
  }
  return most;
}
