import { evaluateExit, givebackReturn, isAgainst, isArmed, isFresh, minHoldEndsMs } from './exit-policy.ts';
import type { ExitPosition, Policy, Prediction } from './exit-policy.ts';
import { big, text, type Big, type Decimal } from './money.ts';
import { betterPrice, returnFraction } from './position.ts';

/**
 * The widest prices around a mark, and the longest time, for which the answer stays *hold*.
 * `low` and `high` are themselves inside. `untilMs` is null where only the price can end it.
 */
export interface HoldBand {
  readonly low: Decimal;
  readonly high: Decimal;
  readonly untilMs: number | null;
  /**
   * The price at which a new best changes where rule 9 exits: the watcher has to note the best
   * and ask again. Null where it can't matter inside the band.
   */
  readonly trailsFrom: Decimal | null;
}

/** The band around `mark`, or null when the answer there is *exit* already. Pure. */
export function holdBand(
  position: ExitPosition,
  mark: Decimal,
  prediction: Prediction | null,
  policy: Policy,
  nowMs: number,
): HoldBand | null {
  if (evaluateExit(position, mark, prediction, policy, nowMs).action === 'exit') return null;
  const holdsAt = (price: Decimal) =>
    evaluateExit(position, price, prediction, policy, nowMs).action === 'hold';
  const { worst, best } = holdReturns(position, mark, prediction, policy, nowMs);
  const isLong = position.side === 'long';
  const atWorst = edgePrice(position, worst, mark, isLong ? 'down' : 'up', holdsAt);
  const atBest = edgePrice(position, best, mark, isLong ? 'up' : 'down', holdsAt);
  const [low, high] = isLong ? [atWorst, atBest] : [atBest, atWorst];
  return {
    low,
    high,
    untilMs: holdsUntilMs(position, prediction, policy, nowMs),
    trailsFrom: trailingPrice(position, mark, policy, atBest),
  };
}

/** Returns at which an exit rule begins to match, on either side of a mark that holds, the nearest first. */
export function holdReturns(
  position: ExitPosition,
  mark: Decimal,
  prediction: Prediction | null,
  policy: Policy,
  nowMs: number,
): { worst: number[]; best: number[] } {
  const limits = policy.thresholds;
  const { worst, best } = { worst: limits.emergencyLossStop, best: limits.extraordinaryProfitCapture };
  if (isHeldRegardless(position, prediction, policy, nowMs)) return { worst: [worst], best: [best] };

  const current = returnFraction(position.side, position.entryPrice, mark);
  const bestReturn = returnFraction(position.side, position.entryPrice, position.bestPrice);
  const lossLimit = Math.max(worst, limits.minLossBeforeExit * position.volatilityScale);
  const takeProfit = Math.min(best, limits.profitTakingThreshold * position.volatilityScale);
  const giveback = givebackReturn(bestReturn, policy);
  const trailing = isArmed(bestReturn, position) && giveback > 0;
  if (!trailing) return { worst: [lossLimit], best: [takeProfit] };
  // Rule 9 exits between 0 and its line: below 0 is a hold of its own (noise), above the line another.
  return current > 0
    ? { worst: [giveback, lossLimit], best: [takeProfit] }
    : { worst: [lossLimit], best: [Number.MIN_VALUE, takeProfit] };
}

/** Held by a prediction or by the minimum hold: only the emergencies can exit. */
function isHeldRegardless(
  position: ExitPosition,
  prediction: Prediction | null,
  policy: Policy,
  nowMs: number,
): boolean {
  return isRespected(position, prediction, policy, nowMs) || nowMs < minHoldEndsMs(position, policy);
}

function isRespected(
  position: ExitPosition,
  prediction: Prediction | null,
  policy: Policy,
  nowMs: number,
): prediction is Prediction {
  return (
    isFresh(prediction, nowMs) &&
    !isAgainst(position.side, prediction.action) &&
    prediction.confidence > policy.thresholds.aiConfidenceRespectThreshold
  );
}

/** When the answer can change although the price does not; null where it can't. */
export function holdsUntilMs(
  position: ExitPosition,
  prediction: Prediction | null,
  policy: Policy,
  nowMs: number,
): number | null {
  const ends: number[] = [];
  if (isRespected(position, prediction, policy, nowMs)) ends.push(prediction.asOfMs + prediction.ttlMs);
  const minHoldMs = minHoldEndsMs(position, policy);
  if (nowMs < minHoldMs) ends.push(minHoldMs);
  return ends.length === 0 ? null : Math.max(...ends);
}

/** From `mark` outwards, the last tick before the nearest of the `edges` that really exits. */
function edgePrice(
  position: ExitPosition,
  edges: readonly number[],
  mark: Decimal,
  direction: 'up' | 'down',
  holdsAt: (price: Decimal) => boolean,
): Decimal {
  const tick = big(position.tickSize);
  const outward = direction === 'up' ? tick : tick.times(big('-1'));
  const holds = (price: Big) => price.gt(big('0')) && holdsAt(text(price));
  let last = big(mark);
  for (const edge of edges) {
    // The closed form is right to a tick or so; the policy itself has the last word.
    let price = tickNearReturn(position, edge);
    const isBeyondLast = () => (direction === 'up' ? price.gt(last) : price.lt(last));
    while (isBeyondLast() && !holds(price)) price = price.minus(outward);
    if (isBeyondLast()) last = price;
    // An exit zone narrower than a tick has no price in it: then the next edge counts.
    if (!holds(last.plus(outward))) return text(last);
  }
  while (holds(last.plus(outward))) last = last.plus(outward);
  return text(last);
}

/** The tick nearest to where the return of the position is `edge`, the first tick at the least. */
function tickNearReturn(position: ExitPosition, edge: number): Big {
  const tick = big(position.tickSize);
  const entry = big(position.entryPrice);
  const signed = position.side === 'long' ? edge : -edge;
  const ticks = entry
    .plus(entry.times(big(signed.toFixed(15))))
    .div(tick)
    .round(0, 1);
  // A short can't gain more than 100%: no price lies beyond the first tick.
  return (ticks.lt(big('1')) ? big('1') : ticks).times(tick);
}

function trailingPrice(
  position: ExitPosition,
  mark: Decimal,
  policy: Policy,
  bestEdge: Decimal,
): Decimal | null {
  if (policy.thresholds.exitScore >= 1) return null;
  const armed = isArmed(returnFraction(position.side, position.entryPrice, position.bestPrice), position);
  const fee = big(position.roundTripFee.toFixed(15));
  const entry = big(position.entryPrice);
  const move = entry.times(fee);
  const arming = text(position.side === 'long' ? entry.plus(move) : entry.minus(move));
  const from = armed
    ? betterPrice(position.side, position.bestPrice, mark)
    : betterPrice(position.side, arming, mark);
  const beyondEdge = big(from).cmp(big(bestEdge));
  return beyondEdge === (position.side === 'long' ? 1 : -1) ? null : from;
}
