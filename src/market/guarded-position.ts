import { evaluateExit, type ExitPosition, type Policy, type Prediction } from '../domain/exit-policy.ts';
import { holdBand, type HoldBand } from '../domain/hold-band.ts';
import type { Decimal } from '../domain/money.ts';
import { betterPrice, type OrderSide } from '../domain/position.ts';
import { unrealizedPnl } from '../domain/records.ts';
import type { ExitLeg, LastEvaluation } from '../workflows/messages.ts';

/** The exit order that a guard may send by itself, ready but for its deadline. */
export interface GuardedExit {
  readonly leg: ExitLeg;
  readonly clientOrderId: string;
  readonly side: OrderSide;
  readonly quantity: Decimal;
  /** Of a margin position; null for spot. */
  readonly leverage: number | null;
}

/** What a trade hands to its guard. */
export interface ArmedTrade {
  readonly tradeId: string;
  readonly positionId: string;
  readonly symbol: string;
  readonly quantity: Decimal;
  readonly entryFee: Decimal;
  readonly policy: Policy;
  readonly position: ExitPosition;
  /** Null where the guard may only watch and tell. */
  readonly exit: GuardedExit | null;
}

/** A position in a guard's memory: its best price so far and the band in which nothing needs to be asked. */
export class GuardedPosition {
  readonly trade: ArmedTrade;
  #best: Decimal;
  #last: LastEvaluation | null = null;
  #lowPrice = Infinity;
  #highPrice = -Infinity;
  #trailPrice: number | null = null;

  constructor(trade: ArmedTrade) {
    this.trade = trade;
    this.#best = trade.position.bestPrice;
  }

  get last(): LastEvaluation | null {
    return this.#last;
  }

  get bestPrice(): Decimal {
    return this.#best;
  }

  get untilMs(): number | null {
    return this.#last?.band?.untilMs ?? null;
  }

  get isLong(): boolean {
    return this.trade.position.side === 'long';
  }

  /** Whether the answer at this mark could differ from *hold*: a few comparisons of floats, on every mark. */
  mustAskAt(mark: number): boolean {
    if (mark < this.#lowPrice || mark > this.#highPrice) return true;
    if (this.#trailPrice === null) return false;
    return this.isLong ? mark > this.#trailPrice : mark < this.#trailPrice;
  }

  evaluate(mark: Decimal, prediction: Prediction | null, nowMs: number, markAgeMs: number): LastEvaluation {
    const { position, policy } = this.trade;
    const current = { ...position, bestPrice: this.#best };
    const evaluation = evaluateExit(current, mark, prediction, policy, nowMs);
    const band = holdBand(current, mark, prediction, policy, nowMs);
    this.#best = betterPrice(position.side, this.#best, mark);
    this.#rememberBand(band);
    this.#last = { evaluation, mark, band, atMs: nowMs, markAgeMs };
    return this.#last;
  }

  /** Gross, quote currency. */
  unrealizedPnl(mark: Decimal): Decimal {
    const { position, quantity } = this.trade;
    return unrealizedPnl(position.side, quantity, position.entryPrice, mark);
  }

  #rememberBand(band: HoldBand | null): void {
    this.#lowPrice = band ? Number(band.low) : Infinity;
    this.#highPrice = band ? Number(band.high) : -Infinity;
    this.#trailPrice = band?.trailsFrom == null ? null : Number(band.trailsFrom);
  }
}
