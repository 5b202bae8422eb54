import { add, compare, divide, multiply, roundHalfUp, subtract, type Decimal } from '../domain/money.ts';
import type { FillSummary } from '../domain/position.ts';
import { TradedVolume } from '../exchange/paper/account-volume.ts';
import type { TopOfBook } from '../exchange/paper/book.ts';
import { MARGIN_FEE, ROLLOVER_MS } from '../exchange/paper/fees.ts';
import { buyingCost } from '../exchange/paper/holds.ts';
import type { Pair } from '../exchange/paper/pairs.ts';
import type { HeldPosition } from './held-position.ts';

/** An open position with what the account needs to value it. */
export interface Holding {
  readonly pair: Pair;
  readonly held: HeldPosition;
  rollovers: number;
  rolloverFees: Decimal;
}

/** All amounts in the quote currency. `positions` is what closing everything at the marks would change of the cash. */
export interface Valuation {
  readonly cash: Decimal;
  readonly positions: Decimal;
  readonly equity: Decimal;
}

const ACCOUNT = 'backtest';

/** Cash, and what open positions are worth: longs are bought with it, shorts are held on margin. */
export class Account {
  readonly holdings = new Set<Holding>();
  readonly #volume = new TradedVolume();
  #cash: Decimal;

  constructor(balance: Decimal) {
    this.#cash = balance;
  }

  get cash(): Decimal {
    return this.#cash;
  }

  volumeUsd(nowMs: number): Decimal {
    return this.#volume.total(ACCOUNT, nowMs);
  }

  /** Books an entry's fills. */
  open(pair: Pair, held: HeldPosition): Holding {
    const { facts } = held.opening;
    const { cost, fee, lastFillMs } = facts.entry.summary;
    this.#cash = subtract(this.#cash, facts.side === 'long' ? add(cost, fee) : fee);
    this.#volume.record(ACCOUNT, lastFillMs, cost);
    const holding = { pair, held, rollovers: 0, rolloverFees: '0' };
    this.holdings.add(holding);
    return holding;
  }

  /** Books an exit's fills. */
  close(holding: Holding, exit: FillSummary): void {
    this.chargeRollovers(holding, exit.lastFillMs);
    const { facts } = holding.held.opening;
    const gain = facts.side === 'long' ? exit.cost : subtract(facts.entry.summary.cost, exit.cost);
    this.#cash = subtract(add(this.#cash, gain), exit.fee);
    this.#volume.record(ACCOUNT, exit.lastFillMs, exit.cost);
    this.holdings.delete(holding);
  }

  /** A margin position pays for every four hours that it stays open. */
  chargeRollovers(holding: Holding, nowMs: number): void {
    const { facts } = holding.held.opening;
    if (facts.side === 'long') return;
    const { cost, firstFillMs } = facts.entry.summary;
    while (firstFillMs + (holding.rollovers + 1) * ROLLOVER_MS <= nowMs) {
      const fee = roundHalfUp(multiply(cost, MARGIN_FEE), holding.pair.costDecimals);
      holding.rollovers += 1;
      holding.rolloverFees = add(holding.rolloverFees, fee);
      this.#cash = subtract(this.#cash, fee);
    }
  }

  value(nowMs: number, topOf: (symbol: string, side: 'long' | 'short') => TopOfBook): Valuation {
    let positions: Decimal = '0';
    for (const holding of this.holdings) {
      this.chargeRollovers(holding, nowMs);
      const { side, symbol, entry } = holding.held.opening.facts;
      const { quantity, cost } = entry.summary;
      const top = topOf(symbol, side);
      const worth =
        side === 'long' ? multiply(quantity, top.bid) : subtract(cost, multiply(quantity, top.ask));
      positions = add(positions, worth);
    }
    return { cash: this.#cash, positions, equity: add(this.#cash, positions) };
  }

  /** Why the exchange would refuse the order for want of money; null when it would not. */
  lacks(
    pair: Pair,
    price: Decimal,
    quantity: Decimal,
    leverage: number | null,
    equity: Decimal,
  ): string | null {
    if (leverage === null) {
      const needed = buyingCost(pair, price, quantity);
      return compare(needed, this.#cash) > 0 ? `${needed} are needed, ${this.#cash} are there` : null;
    }
    const needed = divide(multiply(quantity, price), String(leverage));
    const used = add('0', ...[...this.holdings].map(({ held }) => held.opening.margin));
    const free = subtract(equity, used);
    return compare(needed, free) > 0 ? `${needed} of margin are needed, ${free} are free` : null;
  }
}
