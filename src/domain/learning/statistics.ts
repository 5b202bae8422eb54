import { add, divide, isPositive, ZERO, type Decimal } from '../money.ts';
import { moveFraction } from '../position.ts';
import { horizonMs, type Outcome, type PathPoint, type Study } from './study.ts';

/** How the trades of one version of the thresholds went. Money in quote currency, net of fees. */
export interface VersionStatistics {
  readonly version: number;
  readonly trades: number;
  readonly winRate: number;
  /** Mean net P&L of a trade. */
  readonly expectedValue: Decimal;
  /** Won per lost unit of money; null while nothing was lost. */
  readonly profitFactor: number | null;
  readonly averageHoldMs: number;
  /** Share of the exits whose horizon is known that were premature; null while none is. */
  readonly prematureShare: number | null;
  readonly fees: Decimal;
}

/** A closed trade and the path after it, where that is known by now. */
export type StatisticsInput = { readonly outcome: Outcome } & Partial<Pick<Study, 'path'>>;

/** By version, the oldest first. Skipped signals have no outcome and don't count. */
export function statisticsByVersion(trades: readonly StatisticsInput[]): VersionStatistics[] {
  const versions = new Map<number, StatisticsInput[]>();
  for (const trade of trades) {
    const version = trade.outcome.thresholdsVersion;
    versions.set(version, [...(versions.get(version) ?? []), trade]);
  }
  return [...versions.entries()]
    .sort(([left], [right]) => left - right)
    .map(([version, ofVersion]) => ({ version, ...statistics(ofVersion) }));
}

export function statistics(trades: readonly StatisticsInput[]): Omit<VersionStatistics, 'version'> {
  const outcomes = trades.map(({ outcome }) => outcome);
  const count = outcomes.length;
  const pnls = outcomes.map(({ netPnl }) => netPnl);
  const wins = pnls.filter(isPositive);
  const lost = -Number(add(...pnls.filter((pnl) => !isPositive(pnl))));
  const premature = trades
    .map(({ outcome, path }) => (path ? isPremature(outcome, path) : null))
    .filter((verdict) => verdict !== null);
  const heldMs = outcomes.reduce((sum, { entryTimeMs, exitTimeMs }) => sum + exitTimeMs - entryTimeMs, 0);
  return {
    trades: count,
    winRate: count === 0 ? 0 : wins.length / count,
    expectedValue: count === 0 ? ZERO : divide(add(...pnls), String(count)),
    profitFactor: lost === 0 ? null : Number(add(...wins)) / lost,
    averageHoldMs: count === 0 ? 0 : heldMs / count,
    prematureShare: premature.length === 0 ? null : premature.filter(Boolean).length / premature.length,
    fees: add(...outcomes.flatMap(({ entryFee, exitFee }) => [entryFee, exitFee])),
  };
}

/**
 * Whether leaving later, within the horizon, would have been better by more than a round trip of fees.
 * Null while the path ends before the horizon does and has not shown it yet.
 */
export function isPremature(outcome: Outcome, path: readonly PathPoint[]): boolean | null {
  const { side, exitTimeMs, entryTimeMs, timeScale } = outcome;
  const entry = Number(outcome.entryPrice);
  const notional = entry * Number(outcome.quantity);
  const roundTripFee = (Number(outcome.entryFee) + Number(outcome.exitFee)) / notional;
  const atExit = moveFraction(side, entry, Number(outcome.exitPrice));
  const endMs = exitTimeMs + horizonMs(exitTimeMs - entryTimeMs, timeScale);
  const later = path.filter(({ timeMs }) => timeMs > exitTimeMs && timeMs <= endMs);
  if (later.some(({ price }) => moveFraction(side, entry, Number(price)) - atExit > roundTripFee))
    return true;
  return (path.at(-1)?.timeMs ?? -Infinity) >= endMs ? false : null;
}
