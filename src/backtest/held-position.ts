import {
  isArmed,
  isExitRule,
  matchingRule,
  type ExitPosition,
  type ExitRule,
} from '../domain/exit-policy.ts';
import type { Policy, Prediction } from '../domain/exit-policy.ts';
import { holdBand, holdReturns, holdsUntilMs } from '../domain/hold-band.ts';
import { add, compare, subtract, type Decimal } from '../domain/money.ts';
import { moveFraction } from '../domain/position.ts';
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
  /** Of the account, quote currency; null where nobody learns from the trade. */
  readonly equity: Decimal | null;
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
  /** The least confidence with which a prediction can change the answer. */
  readonly leastConfidence: number;
  readonly #entry: number;
  /** Beyond the price by so much the mark of that price is certainly beyond it too. */
  readonly #guard: number;
  #best: Decimal;
  #bestReturn = 0;
  /** Prices between which the answer is certainly *hold*, though a new best may move them. */
  #innerLow = Infinity;
  #innerHigh = -Infinity;

  constructor(opening: Opening) {
    const { position, policy } = opening;
    const { aiConfidenceRespectThreshold, aiReversalConfidenceThreshold } = policy.thresholds;
    this.opening = opening;
    this.leastConfidence = Math.min(aiConfidenceRespectThreshold, aiReversalConfidenceThreshold);
    this.#entry = Number(position.entryPrice);
    this.#guard = GUARD_TICKS * Number(position.tickSize);
    this.#best = position.bestPrice;
    this.#bestReturn = moveFraction(position.side, this.#entry, Number(position.bestPrice));
  }

  get side() {
    return this.opening.position.side;
  }

  get bestReturn(): number {
    return this.#bestReturn;
  }

  /** Whether nothing needs to be asked at this price of the file. */
  isQuietAt(price: number): boolean {
    return price > this.low && price < this.high;
  }

  /**
   * The market moved from `last` to `mark` through every price between them: an exit is decided at the first tick
   * beyond the hold band, not at the end of the move. Time has been passed before.
   */
  glide(mark: Decimal, last: Decimal, prediction: Prediction | null, timeMs: number): DecidedExit | null {
    const price = Number(mark);
    // Only a new best: nothing on the way to it exits.
    if (price > this.#innerLow && price < this.#innerHigh) return this.ask(mark, prediction, timeMs);
    const position = { ...this.opening.position, bestPrice: this.#best };
    const band = holdBand(position, last, prediction, this.opening.policy, timeMs);
    if (!band) return this.ask(last, prediction, timeMs);
    if (compare(mark, band.low) < 0)
      return this.ask(subtract(band.low, position.tickSize), prediction, timeMs);
    if (compare(mark, band.high) > 0) return this.ask(add(band.high, position.tickSize), prediction, timeMs);
    return this.ask(mark, prediction, timeMs);
  }

  /** Asks at each moment up to `timeMs` when the answer could change although the price did not. */
  passTime(mark: Decimal, prediction: Prediction | null, timeMs: number): DecidedExit | null {
    while (this.untilMs <= timeMs) {
      const decided = this.ask(mark, prediction, this.untilMs);
      if (decided) return decided;
    }
    return null;
  }

  ask(mark: Decimal, prediction: Prediction | null, timeMs: number): DecidedExit | null {
    const { policy, position } = this.opening;
    const current = moveFraction(position.side, this.#entry, Number(mark));
    if (current > this.#bestReturn) [this.#best, this.#bestReturn] = [mark, current];
    const rule = matchingRule(position, current, this.#bestReturn, prediction, policy, timeMs);
    if (isExitRule(rule)) return { rule, mark, timeMs };
    this.#rememberBand(current, prediction, timeMs);
    return null;
  }

  #rememberBand(current: number, prediction: Prediction | null, timeMs: number): void {
    const { policy, position } = this.opening;
    const { worst, best } = holdReturns(position, current, this.#bestReturn, prediction, policy, timeMs);
    const against = this.#priceAt(worst[0] ?? 0);
    const favour = this.#priceAt(best[0] ?? 0);
    const trail = this.#priceAt(
      isArmed(this.#bestReturn, position) ? this.#bestReturn : position.roundTripFee,
    );
    this.#innerLow = Math.min(against, favour) + this.#guard;
    this.#innerHigh = Math.max(against, favour) - this.#guard;
    const isLong = position.side === 'long';
    this.low = isLong ? this.#innerLow : Math.max(this.#innerLow, trail + this.#guard);
    this.high = isLong ? Math.min(this.#innerHigh, trail - this.#guard) : this.#innerHigh;
    this.untilMs = holdsUntilMs(position, prediction, policy, timeMs) ?? Infinity;
  }

  #priceAt(gain: number): number {
    return this.#entry * (this.side === 'long' ? 1 + gain : 1 - gain);
  }
}
