import { evaluateExit, type ExitPosition, type Policy, type Prediction } from '../domain/exit-policy.ts';
import { holdBand, type HoldBand } from '../domain/hold-band.ts';
import type { Decimal } from '../domain/money.ts';
import { betterPrice, type OrderSide } from '../domain/position.ts';
import { unrealizedPnl } from '../domain/records.ts';
import type { ExitLeg, LastEvaluation } from '../workflows/messages.ts';
import { edgeOf } from './edge-heap.ts';

/** The exit order that a guard may send by itself, ready but for its deadline. */
export interface GuardedExit {
  readonly leg: ExitLeg;
  readonly clientOrderId: string;
  readonly side: OrderSide;
  readonly quantity: Decimal;
  /** Of a margin position; null for spot. */
  readonly leverage: number | null;
  /** The protective stop that has to be out of the way first, by the exchange's id; absent or null without one. */
  readonly stopOrderId?: string | null;
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
  /** Its places among the others of its symbol, and among all by time. */
  readonly floor = edgeOf<GuardedPosition>(this);
  readonly ceiling = edgeOf<GuardedPosition>(this);
  readonly end = edgeOf<GuardedPosition>(this);
  #best: Decimal;
  #last: LastEvaluation | null = null;
  #asksBelow = Infinity;
  #asksAbove = -Infinity;

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

  /** When the answer could differ although the price does not; as soon as can be where there is none yet. */
  get asksFromMs(): number {
    if (this.#last === null) return -Infinity;
    return this.#last.band?.untilMs ?? Infinity;
  }

  /** Only at a mark below this, or above {@link asksAbove}, could the answer differ from *hold*. */
  get asksBelow(): number {
    return this.#asksBelow;
  }

  get asksAbove(): number {
    return this.#asksAbove;
  }

  get isLong(): boolean {
    return this.trade.position.side === 'long';
  }

  evaluate(mark: Decimal, prediction: Prediction | null, nowMs: number, markAgeMs: number): LastEvaluation {
    const { position, policy } = this.trade;
    const before = { ...position, bestPrice: this.#best };
    const evaluation = evaluateExit(before, mark, prediction, policy, nowMs);
    this.#best = betterPrice(position.side, this.#best, mark);
    // The band of the new best: with the one before, a fall back from here would be asked about too late.
    const band = holdBand({ ...position, bestPrice: this.#best }, mark, prediction, policy, nowMs);
    this.#rememberBand(band);
    this.#last = { evaluation, mark, band, atMs: nowMs, markAgeMs, prediction };
    return this.#last;
  }

  /** Gross, quote currency. */
  unrealizedPnl(mark: Decimal): Decimal {
    const { position, quantity } = this.trade;
    return unrealizedPnl(position.side, quantity, position.entryPrice, mark);
  }

  /** A mark that would be a new best counts as outside, where the best decides at which price it exits. */
  #rememberBand(band: HoldBand | null): void {
    const trail = band?.trailsFrom == null ? null : Number(band.trailsFrom);
    const [low, high] = band ? [Number(band.low), Number(band.high)] : [Infinity, -Infinity];
    this.#asksBelow = trail === null || this.isLong ? low : Math.max(low, trail);
    this.#asksAbove = trail === null || !this.isLong ? high : Math.min(high, trail);
  }
}
