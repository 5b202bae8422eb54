import { REFERENCE_VOLATILITY, type JudgedEntry } from '../domain/entry.ts';
import { fitSize, mostOfOneTrade, mostOfWhatIsLeft } from '../domain/entry-size.ts';
import type { Outcome } from '../domain/learning/study.ts';
import { add, compare, divide, multiply, ZERO, type Decimal } from '../domain/money.ts';
import { entryOrderSide, exitOrderSide, returnFraction, type Side } from '../domain/position.ts';
import { NO_PROTECTIONS } from '../domain/protections.ts';
import { positionId, realizedPnl, unrealizedPnl, type TradeFacts } from '../domain/records.ts';
import { checkEntry } from '../domain/risk.ts';
import { sizeOrder, volatilityScale } from '../domain/sizing.ts';
import type { Level, TopOfBook } from '../exchange/paper/book.ts';
import type { Pair } from '../exchange/paper/pairs.ts';
import { Account, type Holding } from './account.ts';
import { EquityCurve } from './equity-curve.ts';
import { fillMarketOrder, levelsFor, minimumsOf, takerFee } from './fills.ts';
import type { Grid } from './grid.ts';
import { HeldPosition, type DecidedExit } from './held-position.ts';
import { WalkForward } from './learner.ts';
import type { ClosedTrade, EquityPoint, OpenTrade } from './result.ts';
import type { BacktestSettings } from './settings.ts';

export interface Signal {
  readonly judged: Extract<JudgedEntry, { take: true }>;
  readonly confidence: number;
  readonly sigma: number;
  readonly source: string;
}

/** Where a signal wants to trade. */
export interface Venue {
  readonly pair: Pair;
  readonly grid: Grid;
  readonly top: (side: Side) => TopOfBook;
}

const DAY_MS = 86_400_000;

/** Opens and closes positions with the live stack's rules, and keeps the books of the whole account. */
export class Desk {
  readonly account: Account;
  readonly curve: EquityCurve;
  readonly learner: WalkForward;
  readonly trades: ClosedTrade[] = [];
  readonly skipped: Record<string, number> = {};
  readonly #settings: BacktestSettings;
  readonly #venues = new Map<string, Venue>();
  #orders = 0;
  #exposure: Decimal = ZERO;
  #rolloverFees: Decimal = ZERO;
  #today = { day: NaN, realized: ZERO };

  constructor(settings: BacktestSettings, fromMs: number, toMs: number) {
    this.#settings = settings;
    this.account = new Account(settings.balance);
    this.curve = new EquityCurve(settings.balance, fromMs, toMs, settings.observe);
    this.learner = new WalkForward(settings.thresholds, String(settings.seed));
  }

  join(symbol: string, venue: Venue): void {
    this.#venues.set(symbol, venue);
  }

  get rolloverFees(): Decimal {
    return add(this.#rolloverFees, ...[...this.account.holdings].map(({ rolloverFees }) => rolloverFees));
  }

  skip(reason: string): void {
    this.skipped[reason] = (this.skipped[reason] ?? 0) + 1;
  }

  sample(nowMs: number): void {
    this.curve.add(this.point(nowMs));
  }

  point(nowMs: number): EquityPoint {
    return { timeMs: nowMs, ...this.account.value(nowMs, this.#topOf), exposure: this.#exposure };
  }

  /** The position that the signal opens; null when a limit, the exchange's minimums or the funds forbid it. */
  open(symbol: string, venue: Venue, signal: Signal, ofSymbol: number, nowMs: number): Holding | null {
    const { pair } = venue;
    const { side, notional } = signal.judged;
    const top = venue.top(side);
    const quotePrice = side === 'long' ? top.ask : top.bid;
    const minimums = minimumsOf(pair);
    if (this.#isBeyondMeans(pair, side, notional, quotePrice)) return this.#refuse('insufficient-funds');
    const wanted = sizeOrder(minimums, notional, quotePrice);
    if ('refusal' in wanted) return this.#refuse('order-minimum');
    const { equity } = this.account.value(nowMs, this.#topOf);
    const { limits } = this.#settings;
    const snapshot = {
      nowMs,
      halt: null,
      openPositions: this.account.holdings.size,
      openPositionsOfSymbol: ofSymbol,
      exposure: this.#exposure,
      freeCash: side === 'long' ? this.account.cash : null,
      realizedToday: this.#realizedToday(nowMs),
      equity,
      dayStartEquity: this.curve.dayStart(nowMs),
      peakEquity: compare(this.curve.peak, equity) > 0 ? this.curve.peak : equity,
      ended: null,
    };
    const shrink = { price: quotePrice, minimums, costReserve: 2 * takerFee(pair) };
    const ofOne = fitSize(wanted, mostOfOneTrade(limits, NO_PROTECTIONS, equity), shrink);
    const sized = fitSize(ofOne, mostOfWhatIsLeft(limits, snapshot, shrink), shrink);
    const asked = { tradeId: symbol, symbol, notional: sized.notional, signalExpiresAtMs: null };
    const refusal = checkEntry(limits, snapshot, asked);
    if (refusal) return this.#refuse(refusal.limit === 'funds' ? 'insufficient-funds' : refusal.limit);
    const leverage = side === 'long' ? null : Math.min(...pair.leverages);
    const levels = levelsFor(pair, this.#settings.seed, entryOrderSide(side), sized.quantity, top);
    if (levels === null) return this.#refuse('book-too-thin');
    const price = averagePrice(levels, sized.quantity);
    if (this.account.lacks(pair, price, sized.quantity, leverage, equity))
      return this.#refuse('insufficient-funds');

    this.#orders += 1;
    const entry = fillMarketOrder(pair, {
      id: `BT${String(this.#orders).padStart(6, '0')}`,
      side: entryOrderSide(side),
      levels,
      top,
      timeMs: nowMs,
      opensMargin: leverage !== null,
      volumeUsd: this.account.volumeUsd(nowMs),
    });
    const { thresholds, version } = this.learner;
    const scale = volatilityScale(signal.sigma, REFERENCE_VOLATILITY, thresholds.volatilityAdjustmentFactor);
    const facts: TradeFacts = {
      tradeId: entry.exchangeOrderId,
      strategy: signal.source,
      symbol,
      side,
      confidence: signal.confidence,
      thresholdsVersion: version,
      marketConditions: { bid: top.bid, ask: top.ask, sigma: signal.sigma, volatilityScale: scale },
      entry,
    };
    const held = new HeldPosition({
      facts,
      policy: { version, thresholds, timeScale: 1 },
      position: {
        side,
        entryPrice: entry.summary.averagePrice,
        openedAtMs: nowMs,
        bestPrice: entry.summary.averagePrice,
        volatilityScale: scale,
        roundTripFee: 2 * takerFee(pair),
        tickSize: pair.tickSize,
      },
      equity,
      margin: leverage === null ? ZERO : divide(entry.summary.cost, String(leverage)),
      leverage,
    });
    const holding = this.account.open(pair, held);
    this.#exposure = add(this.#exposure, entry.summary.cost);
    this.sample(nowMs);
    return holding;
  }

  close(holding: Holding, decided: DecidedExit, venue: Venue): void {
    const { facts, policy, position, equity } = holding.held.opening;
    const { entry, side, symbol } = facts;
    const { rule, mark, timeMs } = decided;
    const { quantity } = entry.summary;
    const top = { bid: mark, ask: mark };
    const levels = levelsFor(holding.pair, this.#settings.seed, exitOrderSide(side), quantity, top);
    if (!levels) throw new RangeError(`the book of ${symbol} is too thin to sell or cover ${quantity}`);
    const exit = fillMarketOrder(holding.pair, {
      id: `${entry.exchangeOrderId}X`,
      side: exitOrderSide(side),
      levels,
      top,
      timeMs,
      opensMargin: false,
      volumeUsd: this.account.volumeUsd(timeMs),
    });
    this.account.close(holding, exit.summary);
    this.#rolloverFees = add(this.#rolloverFees, holding.rolloverFees);
    this.#exposure = add(this.#exposure, multiply(entry.summary.cost, '-1'));
    const netPnl = realizedPnl(facts, exit.summary, quantity);
    const exitPrice = exit.summary.averagePrice;
    const day = Math.floor(timeMs / DAY_MS);
    this.#today = { day, realized: add(this.#realizedToday(timeMs), netPnl) };
    const common = {
      positionId: positionId(entry.exchangeOrderId),
      symbol,
      side,
      quantity,
      entryPrice: entry.summary.averagePrice,
      exitPrice,
      entryTimeMs: entry.summary.firstFillMs,
      exitTimeMs: timeMs,
      entryFee: entry.summary.fee,
      exitFee: exit.summary.fee,
      netPnl,
      returnFraction: returnFraction(side, entry.summary.averagePrice, exitPrice),
      confidence: facts.confidence,
      volatilityScale: position.volatilityScale,
      thresholdsVersion: policy.version,
      exitRule: rule,
    };
    this.trades.push({
      ...common,
      entryCost: entry.summary.cost,
      exitCost: exit.summary.cost,
      rolloverFees: holding.rolloverFees,
      bestReturn: holding.held.bestReturn,
      heldMs: timeMs - entry.summary.firstFillMs,
    });
    if (this.#settings.learn) {
      const outcome: Outcome = {
        ...common,
        tradeId: facts.tradeId,
        equityAtEntry: equity,
        timeScale: policy.timeScale,
      };
      this.learner.closed(outcome, policy.thresholds, venue.grid);
    }
    this.sample(timeMs);
  }

  stillOpen(): OpenTrade[] {
    return [...this.account.holdings].map(({ held }) => {
      const { symbol, side, entry } = held.opening.facts;
      const { quantity, averagePrice, fee, firstFillMs } = entry.summary;
      const top = this.#topOf(symbol, side);
      const markPrice = side === 'long' ? top.bid : top.ask;
      return {
        positionId: positionId(entry.exchangeOrderId),
        symbol,
        side,
        quantity,
        entryTimeMs: firstFillMs,
        entryPrice: averagePrice,
        entryFee: fee,
        markPrice,
        unrealizedPnl: unrealizedPnl(side, quantity, averagePrice, markPrice),
      };
    });
  }

  /** A used-up account is asked for money every interval: what is clearly out of reach costs no bookkeeping. */
  #isBeyondMeans(pair: Pair, side: Side, notional: Decimal, price: Decimal): boolean {
    const cash = Number(this.account.cash);
    if (side === 'long') return cash < 0.999 * Number(pair.orderMinimum) * Number(price);
    if (this.account.holdings.size > 0) return false;
    return Number(notional) / Math.min(...pair.leverages) > 1.001 * cash;
  }

  #refuse(reason: string): null {
    this.skip(reason);
    return null;
  }

  #realizedToday(nowMs: number): Decimal {
    return this.#today.day === Math.floor(nowMs / DAY_MS) ? this.#today.realized : ZERO;
  }

  readonly #topOf = (symbol: string, side: Side): TopOfBook => {
    const venue = this.#venues.get(symbol);
    if (!venue) throw new RangeError(`${symbol} is not part of this backtest`);
    return venue.top(side);
  };
}

/** What the order pays on average. */
function averagePrice(levels: readonly Level[], quantity: Decimal): Decimal {
  return divide(add(...levels.map((level) => multiply(level.price, level.quantity))), quantity);
}
