import {
  add,
  compare,
  divide,
  multiply,
  roundHalfUp,
  subtract,
  ZERO,
  type Decimal,
} from '../domain/money.ts';
import type { FillSummary, Side } from '../domain/position.ts';
import type { TradeFacts } from '../domain/records.ts';
import { TradedVolume } from '../exchange/paper/account-volume.ts';
import type { TopOfBook } from '../exchange/paper/book.ts';
import { MARGIN_FEE, ROLLOVER_MS } from '../exchange/paper/fees.ts';
import { buyingCost } from '../exchange/paper/holds.ts';
import type { Pair } from '../exchange/paper/pairs.ts';
import type { Sighting } from './equity-curve.ts';
import type { HeldPosition } from './held-position.ts';
import type { EquityPoint } from './result.ts';

/** An open position with what the account needs to value it. */
export interface Holding {
  readonly pair: Pair;
  readonly held: HeldPosition;
  rollovers: number;
  rolloverFees: Decimal;
}

const ACCOUNT = 'backtest';
/** A float64 of an amount is nearer to it than that. */
const CERTAINLY = 0.999999;

/** Cash and open positions: longs are bought with it, shorts are held on margin. All amounts in the quote currency. */
export class Account {
  readonly holdings = new Set<Holding>();
  readonly #volume = new TradedVolume();
  #cash: Decimal;
  #roughCash: number;
  #exposure: Decimal = ZERO;

  constructor(balance: Decimal) {
    this.#cash = balance;
    this.#roughCash = Number(balance);
  }

  get cash(): Decimal {
    return this.#cash;
  }

  /** The cash as float64. */
  get roughCash(): number {
    return this.#roughCash;
  }

  /** Σ entry cost of what is open. */
  get exposure(): Decimal {
    return this.#exposure;
  }

  volumeUsd(nowMs: number): Decimal {
    return this.#volume.total(ACCOUNT, nowMs);
  }

  /** Books an entry's fills. */
  open(pair: Pair, held: HeldPosition): Holding {
    const { facts } = held.opening;
    const { cost, fee, lastFillMs } = facts.entry.summary;
    this.#pay(facts.side === 'long' ? add(cost, fee) : fee);
    this.#exposure = add(this.#exposure, cost);
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
    this.#pay(subtract(exit.fee, gain));
    this.#exposure = subtract(this.#exposure, facts.entry.summary.cost);
    this.#volume.record(ACCOUNT, exit.lastFillMs, exit.cost);
    this.holdings.delete(holding);
  }

  #pay(amount: Decimal): void {
    this.#cash = subtract(this.#cash, amount);
    this.#roughCash = Number(this.#cash);
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
      this.#pay(fee);
    }
  }

  /** The account with every position at its mark. `positions` is what closing them would change of the cash. */
  see(timeMs: number, topOf: (symbol: string, side: Side) => TopOfBook): Sighting {
    const seen: Valued[] = [];
    for (const holding of this.holdings) {
      this.chargeRollovers(holding, timeMs);
      const { facts } = holding.held.opening;
      const top = topOf(facts.symbol, facts.side);
      seen.push({ facts, mark: facts.side === 'long' ? top.bid : top.ask });
    }
    return new SeenAccount(timeMs, this.#cash, this.#exposure, seen);
  }

  /** Whether the exchange would take the order for the money that is there. */
  affords(
    pair: Pair,
    price: Decimal,
    quantity: Decimal,
    leverage: number | null,
    sighting: Sighting,
  ): boolean {
    if (leverage === null) return compare(buyingCost(pair, price, quantity), this.#cash) <= 0;
    const margins = [...this.holdings].map(({ held }) => held.opening.margin);
    const roughlyFree = margins.reduce((free, margin) => free - Number(margin), sighting.rough);
    const roughlyNeeded = (Number(quantity) * Number(price)) / leverage;
    // Where float64 leaves no doubt, nothing has to be reckoned.
    if (roughlyNeeded < roughlyFree * CERTAINLY) return true;
    if (roughlyNeeded * CERTAINLY > roughlyFree) return false;
    const needed = divide(multiply(quantity, price), String(leverage));
    return compare(needed, subtract(sighting.exactly().equity, add(ZERO, ...margins))) <= 0;
  }
}

interface Valued {
  readonly facts: TradeFacts;
  readonly mark: Decimal;
}

class SeenAccount implements Sighting {
  readonly rough: number;
  readonly #timeMs: number;
  readonly #cash: Decimal;
  readonly #exposure: Decimal;
  readonly #seen: readonly Valued[];
  #exact: EquityPoint | null = null;

  constructor(timeMs: number, cash: Decimal, exposure: Decimal, seen: readonly Valued[]) {
    this.#timeMs = timeMs;
    this.#cash = cash;
    this.#exposure = exposure;
    this.#seen = seen;
    let rough = Number(cash);
    for (const { facts, mark } of seen) {
      const { quantity, cost } = facts.entry.summary;
      const atMark = Number(quantity) * Number(mark);
      rough += facts.side === 'long' ? atMark : Number(cost) - atMark;
    }
    this.rough = rough;
  }

  exactly(): EquityPoint {
    return (this.#exact ??= this.#reckon());
  }

  #reckon(): EquityPoint {
    let positions = ZERO;
    for (const { facts, mark } of this.#seen) {
      const { quantity, cost } = facts.entry.summary;
      const atMark = multiply(quantity, mark);
      positions = add(positions, facts.side === 'long' ? atMark : subtract(cost, atMark));
    }
    const cash = this.#cash;
    return { timeMs: this.#timeMs, cash, positions, equity: add(cash, positions), exposure: this.#exposure };
  }
}
