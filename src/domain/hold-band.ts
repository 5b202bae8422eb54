import { evaluateExit, givebackReturn, isArmed, minHoldEndsMs, predictionEffect } from './exit-policy.ts';
import type { ExitPosition, Policy, Prediction } from './exit-policy.ts';
import { add, compare, fromRatio, isPositive, multiply, subtract, type Decimal } from './money.ts';
import { betterPrice, returnFraction, type Side } from './position.ts';

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
  const asked = { position, prediction, policy, nowMs };
  const { side, entryPrice, bestPrice } = position;
  const current = returnFraction(side, entryPrice, mark);
  const bestReturn = returnFraction(side, entryPrice, bestPrice);
  const { worst, best } = holdReturns(position, current, bestReturn, prediction, policy, nowMs);
  const isLong = side === 'long';
  const atWorst = edgePrice(asked, worst, mark, isLong ? -1 : 1);
  const atBest = edgePrice(asked, best, mark, isLong ? 1 : -1);
  const [low, high] = isLong ? [atWorst, atBest] : [atBest, atWorst];
  return {
    low,
    high,
    untilMs: holdsUntilMs(position, prediction, policy, nowMs),
    trailsFrom: trailingPrice(position, mark, policy, atBest),
  };
}

/**
 * Returns at which an exit rule begins to match, on either side of a mark that holds, the nearest first. `current` is
 * the return at the mark, `bestReturn` the best so far.
 */
export function holdReturns(
  position: Pick<ExitPosition, 'side' | 'openedAtMs' | 'volatilityScale' | 'roundTripFee'>,
  current: number,
  bestReturn: number,
  prediction: Prediction | null,
  policy: Policy,
  nowMs: number,
): { worst: number[]; best: number[] } {
  const limits = policy.thresholds;
  const { worst, best } = { worst: limits.emergencyLossStop, best: limits.extraordinaryProfitCapture };
  if (isHeldRegardless(position, prediction, policy, nowMs)) return { worst: [worst], best: [best] };

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

type Held = Pick<ExitPosition, 'side' | 'openedAtMs'>;

/** Held by a prediction or by the minimum hold: only the emergencies can exit. */
function isHeldRegardless(
  position: Held,
  prediction: Prediction | null,
  policy: Policy,
  nowMs: number,
): boolean {
  return isRespected(position, prediction, policy, nowMs) || nowMs < minHoldEndsMs(position, policy);
}

function isRespected(
  position: Held,
  prediction: Prediction | null,
  policy: Policy,
  nowMs: number,
): prediction is Prediction {
  return (
    prediction !== null && predictionEffect(position.side, prediction, policy.thresholds, nowMs) === 'holds'
  );
}

/** When the answer can change although the price does not; null where it can't. */
export function holdsUntilMs(
  position: Held,
  prediction: Prediction | null,
  policy: Policy,
  nowMs: number,
): number | null {
  const minHoldMs = minHoldEndsMs(position, policy);
  const heldMs = nowMs < minHoldMs ? minHoldMs : -Infinity;
  const respectedMs = isRespected(position, prediction, policy, nowMs)
    ? prediction.asOfMs + prediction.ttlMs
    : -Infinity;
  const endsMs = Math.max(heldMs, respectedMs);
  return endsMs === -Infinity ? null : endsMs;
}

/** What an answer rests on beside the price. */
interface Asked {
  readonly position: ExitPosition;
  readonly prediction: Prediction | null;
  readonly policy: Policy;
  readonly nowMs: number;
}

function holdsAt({ position, prediction, policy, nowMs }: Asked, price: Decimal): boolean {
  return isPositive(price) && evaluateExit(position, price, prediction, policy, nowMs).action === 'hold';
}

/** From `mark` outwards, up or down, the last tick before the nearest of the `edges` that really exits. */
function edgePrice(asked: Asked, edges: readonly number[], mark: Decimal, outward: 1 | -1): Decimal {
  const { tickSize } = asked.position;
  const step = outward === 1 ? tickSize : subtract('0', tickSize);
  let last = add(mark);
  for (const edge of edges) {
    // The closed form is right to a tick or so; the policy itself has the last word.
    let price = tickNearReturn(asked.position, edge);
    while (compare(price, last) === outward && !holdsAt(asked, price)) price = subtract(price, step);
    if (compare(price, last) === outward) last = price;
    // An exit zone narrower than a tick has no price in it: then the next edge counts.
    if (!holdsAt(asked, add(last, step))) return last;
  }
  while (holdsAt(asked, add(last, step))) last = add(last, step);
  return last;
}

/** The tick nearest to where the return of the position is `edge`, the first tick at the least. */
function tickNearReturn({ side, entryPrice, tickSize }: ExitPosition, edge: number): Decimal {
  const price = Number(entryPrice) * (side === 'long' ? 1 + edge : 1 - edge);
  // A short can't gain more than 100%: no price lies beyond the first tick.
  const ticks = Math.max(1, Math.round(price / Number(tickSize)));
  return multiply(String(ticks), tickSize);
}

function trailingPrice(
  position: ExitPosition,
  mark: Decimal,
  policy: Policy,
  bestEdge: Decimal,
): Decimal | null {
  if (policy.thresholds.exitScore >= 1) return null;
  const { side, entryPrice, bestPrice, roundTripFee } = position;
  const from = isArmed(returnFraction(side, entryPrice, bestPrice), position)
    ? betterPrice(side, bestPrice, mark)
    : betterPrice(side, armingPrice(side, entryPrice, roundTripFee), mark);
  return compare(from, bestEdge) === (side === 'long' ? 1 : -1) ? null : from;
}

/** Where the price has covered a round trip of fees. */
function armingPrice(side: Side, entryPrice: Decimal, roundTripFee: number): Decimal {
  const move = multiply(entryPrice, fromRatio(roundTripFee));
  return side === 'long' ? add(entryPrice, move) : subtract(entryPrice, move);
}
