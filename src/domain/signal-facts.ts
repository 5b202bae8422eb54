import type { Decimal } from './money.ts';

/** What learning needs of a signal that came to nothing, to tell what it would have been worth. */
export interface SignalFacts {
  /** Quote at the signal: the ask of a long, the bid of a short. */
  readonly price: Decimal;
  /** Standard deviation of one-minute log returns; 0 where it was not known. */
  readonly sigma: number;
  /** Of a leg, a fraction of its cost. */
  readonly takerFee: number;
  /** Account value, in quote currency. */
  readonly equity: Decimal;
  /** Before multiplier, confidence and volatility, quote currency. */
  readonly baseNotional: Decimal;
  /** What was asked for, quote currency. */
  readonly notional: Decimal;
  readonly timeScale: number;
}
