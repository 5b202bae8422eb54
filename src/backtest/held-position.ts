import {
  evaluateExit,
  isArmed,
  isExitRule,
  type ExitPosition,
  type ExitRule,
} from '../domain/exit-policy.ts';
import type { Policy, Prediction } from '../domain/exit-policy.ts';
import { holdBand, holdReturns, holdsUntilMs } from '../domain/hold-band.ts';
import { add, compare, subtract, type Decimal } from '../domain/money.ts';
import { betterPrice, moveFraction } from '../domain/position.ts';
import type { TradeFacts } from '../domain/records.ts';

/** A decided exit: at which mark and when. */
export interface DecidedExit {
  readonly rule: ExitRule;
  readonly mark: Decimal;
  readonly timeMs: number;
}

/** What a position was opened with. */
export interface Opening {
  readonly facts: TradeFacts;
  readonly policy: Policy;
  readonly position: ExitPosition;
  readonly equity: Decimal;
  /** Margin that a short holds back, quote currency; 0 of a long. */
  readonly margin: Decimal;
  readonly leverage: number | null;
}

/** Ticks by which a float64 price of the file may differ from the mark made of it: spread, rounding to the tick. */
const GUARD_TICKS = 3.6;

/**
 * An open position of the backtest. `low` and `high` are float64 prices of the file between which nothing needs to be
 * asked; they lie inside the policy's own hold band, so leaving them only costs a question.
 */
export class HeldPosition {
  readonly opening: Opening;
  low = Infinity;
  high = -Infinity;
  untilMs = Infinity;
  #best: Decimal;
  /** Prices between which the answer is certainly *hold*, though a new best may move them. */
  #inner = { low: Infinity, high: -Infinity };

  constructor(opening: Opening) {
    this.opening = opening;
    this.#best = opening.position.bestPrice;
  }

  get bestReturn(): number {
    const { side, entryPrice } = this.opening.position;
    return moveFraction(side, Number(entryPrice), Number(this.#best));
  }

  /** The least confidence with which a prediction can change the answer. */
  get leastConfidence(): number {
    const { aiConfidenceRespectThreshold, aiReversalConfidenceThreshold } = this.opening.policy.thresholds;
    return Math.min(aiConfidenceRespectThreshold, aiReversalConfidenceThreshold);
  }

  /** The market jumped to this mark; time has been passed before. */
  jumpTo(mark: Decimal, prediction: Prediction | null, timeMs: number): DecidedExit | null {
    return this.#isQuietAt(Number(mark)) ? null : this.ask(mark, prediction, timeMs);
  }

  /**
   * The market moved from `last` to `mark` through every price between them: an exit is decided at the first tick
   * beyond the hold band, not at the end of the move.
   */
  glideTo(
    mark: Decimal,
    prediction: Prediction | null,
    timeMs: number,
    last: () => Decimal,
  ): DecidedExit | null {
    const timed = this.passTime(prediction, timeMs, last);
    if (timed) return timed;
    const price = Number(mark);
    if (this.#isQuietAt(price)) return null;
    // Only a new best: nothing on the way to it exits.
    if (price > this.#inner.low && price < this.#inner.high) return this.ask(mark, prediction, timeMs);
    const from = last();
    const position = this.#current();
    const band = holdBand(position, from, prediction, this.opening.policy, timeMs);
    if (!band) return this.ask(from, prediction, timeMs);
    if (compare(mark, band.low) < 0)
      return this.ask(subtract(band.low, position.tickSize), prediction, timeMs);
    if (compare(mark, band.high) > 0) return this.ask(add(band.high, position.tickSize), prediction, timeMs);
    return this.ask(mark, prediction, timeMs);
  }

  /** Asks at each moment up to `timeMs` when the answer could change although the price did not. */
  passTime(prediction: Prediction | null, timeMs: number, last: () => Decimal): DecidedExit | null {
    while (this.untilMs <= timeMs) {
      const decided = this.ask(last(), prediction, this.untilMs);
      if (decided) return decided;
    }
    return null;
  }

  ask(mark: Decimal, prediction: Prediction | null, timeMs: number): DecidedExit | null {
    const { policy } = this.opening;
    const { rule } = evaluateExit(this.#current(), mark, prediction, policy, timeMs);
    if (isExitRule(rule)) {
      this.#best = betterPrice(this.opening.position.side, this.#best, mark);
      return { rule, mark, timeMs };
    }
    this.#best = betterPrice(this.opening.position.side, this.#best, mark);
    this.#rememberBand(mark, prediction, timeMs);
    return null;
  }

  #isQuietAt(price: number): boolean {
    return price > this.low && price < this.high;
  }

  #current(): ExitPosition {
    return { ...this.opening.position, bestPrice: this.#best };
  }

  #rememberBand(mark: Decimal, prediction: Prediction | null, timeMs: number): void {
    const { policy } = this.opening;
    const position = this.#current();
    const { worst, best } = holdReturns(position, mark, prediction, policy, timeMs);
    const entry = Number(position.entryPrice);
    const sign = position.side === 'long' ? 1 : -1;
    const priceAt = (gain: number) => entry * (1 + sign * gain);
    const bestReturn = moveFraction(position.side, entry, Number(this.#best));
    const trails = isArmed(bestReturn, position) ? bestReturn : position.roundTripFee;
    const against = priceAt(worst[0] ?? 0);
    const favour = priceAt(best[0] ?? 0);
    const trail = priceAt(trails);
    const guard = GUARD_TICKS * Number(position.tickSize);
    this.#inner = { low: Math.min(against, favour) + guard, high: Math.max(against, favour) - guard };
    this.low = sign > 0 ? this.#inner.low : Math.max(this.#inner.low, trail + guard);
    this.high = sign > 0 ? Math.min(this.#inner.high, trail - guard) : this.#inner.high;
    this.untilMs = holdsUntilMs(position, prediction, policy, timeMs) ?? Infinity;
  }
}
