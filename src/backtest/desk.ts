import type { Outcome } from '../domain/learning/study.ts';
import { add, divide, multiply, ZERO, type Decimal } from '../domain/money.ts';
import { entryOrderSide, exitOrderSide, returnFraction, type Side } from '../domain/position.ts';
import { positionId, realizedPnl, unrealizedPnl, type TradeFacts } from '../domain/records.ts';
import { volatilityRatio, volatilityScale } from '../domain/sizing.ts';
import type { Level, TopOfBook } from '../exchange/paper/book.ts';
import type { Pair } from '../exchange/paper/pairs.ts';
import { Account, type Holding } from './account.ts';
import { Closes } from './closes.ts';
import { EquityCurve, type Sighting } from './equity-curve.ts';
import { fillMarketOrder, levelsFor, takerFee } from './fills.ts';
import type { Grid } from './grid.ts';
import { HeldPosition, type DecidedExit } from './held-position.ts';
import { WalkForward } from './learner.ts';
import { isBeyondMeans, leastLeverage, type Asking, type Means } from './reach.ts';
import { reserve, type Reserved } from './reserve.ts';
import type { ClosedTrade, OpenTrade } from './result.ts';
import type { BacktestSettings } from './settings.ts';

export interface Signal {
  readonly side: Side;
  /** Quote currency. */
  readonly notional: Decimal;
  readonly confidence: number;
  readonly sigma: number;
  readonly source: string;
}

/** Where a signal wants to trade. */
export interface Venue {
  readonly pair: Pair;
  readonly grid: Grid;
  /** The float64 price of the file that stands. */
  readonly price: (side: Side) => number;
  readonly top: (side: Side) => TopOfBook;
  /** Exits the position at the mark that stands: a better signal needs its capital. */
  readonly giveWay: (holding: Holding, nowMs: number) => void;
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
  readonly #closes: Closes;
  readonly #means: Means;
  readonly #venues = new Map<string, Venue>();
  #orders = 0;
  #rolloverFees: Decimal = ZERO;
  #today = { day: NaN, realized: ZERO };

  constructor(settings: BacktestSettings, fromMs: number, toMs: number) {
    this.#settings = settings;
    this.#closes = new Closes(settings.protections);
    this.account = new Account(settings.balance);
    const { limits, protections } = settings;
    this.#means = { account: this.account, limits, protections, priceOf: this.#priceOf };
    this.curve = new EquityCurve(settings.balance, fromMs, toMs, {
      observe: settings.observe,
      keepsDays: settings.limits.maxDailyLoss !== null,
    });
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

  /** The account as it stands. */
  see(nowMs: number): Sighting {
    return this.account.see(nowMs, this.#topOf);
  }

  /** The position that the signal opens; null when a limit, the exchange's minimums or the funds forbid it. */
  open(symbol: string, venue: Venue, signal: Signal, nowMs: number): Holding | null {
    const { pair } = venue;
    const { side } = signal;
    const about = { symbol, pair, side, confidence: signal.confidence, nowMs };
    if (this.isBeyondMeans(about, Number(signal.notional), Number(venue.top(side).ask)))
      return this.#refuse('insufficient-funds');
    const { account } = this;
    let answer = this.#reserve(about, venue, signal);
    while ('givesWay' in answer) {
      const { givesWay } = answer;
      this.#venueOf(givesWay.held.opening.facts.symbol).giveWay(givesWay, nowMs);
      answer = this.#reserve(about, venue, signal);
    }
    if ('refusal' in answer) return this.#refuse(answer.refusal);
    const top = venue.top(side);
    const sighting = this.see(nowMs);
    const { quantity } = answer;
    const leverage = side === 'long' ? null : leastLeverage(pair);
    const levels = levelsFor(pair, this.#settings.seed, entryOrderSide(side), quantity, top);
    if (levels === null) return this.#refuse('book-too-thin');
    if (!account.affords(pair, averagePrice(levels, quantity), quantity, leverage, sighting))
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
    const scale = volatilityScale(volatilityRatio(signal.sigma), thresholds.volatilityAdjustmentFactor);
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
      equity: this.#settings.learn ? sighting.exactly().equity : null,
      margin: leverage === null ? ZERO : divide(entry.summary.cost, String(leverage)),
      leverage,
    });
    const holding = this.account.open(pair, held);
    this.curve.add(nowMs, this.see(nowMs));
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
    const netPnl = realizedPnl(facts, exit.summary, quantity);
    const exitPrice = exit.summary.averagePrice;
    const day = Math.floor(timeMs / DAY_MS);
    this.#today = { day, realized: add(this.#realizedToday(timeMs), netPnl) };
    const trade: ClosedTrade = {
      positionId: positionId(entry.exchangeOrderId),
      symbol,
      side,
      quantity,
      entryTimeMs: entry.summary.firstFillMs,
      entryPrice: entry.summary.averagePrice,
      entryCost: entry.summary.cost,
      entryFee: entry.summary.fee,
      exitTimeMs: timeMs,
      exitPrice,
      exitCost: exit.summary.cost,
      exitFee: exit.summary.fee,
      exitRule: rule,
      rolloverFees: holding.rolloverFees,
      netPnl,
      returnFraction: returnFraction(side, entry.summary.averagePrice, exitPrice),
      bestReturn: holding.held.bestReturn,
      heldMs: timeMs - entry.summary.firstFillMs,
      confidence: facts.confidence,
      volatilityScale: position.volatilityScale,
      thresholdsVersion: policy.version,
    };
    this.trades.push(trade);
    this.#closes.note(trade);
    if (equity !== null)
      this.learner.closed(outcomeOf(trade, holding, equity), policy.thresholds, venue.grid);
    this.curve.add(timeMs, this.see(timeMs));
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

  isBeyondMeans(signal: Asking, roughNotional: number, price: number): boolean {
    return isBeyondMeans(signal, roughNotional, price, this.#means);
  }

  #reserve(about: Asking, venue: Venue, { notional }: Signal): Reserved {
    const top = venue.top(about.side);
    return reserve({
      ...about,
      notional,
      quotePrice: about.side === 'long' ? top.ask : top.bid,
      realizedToday: this.#realizedToday(about.nowMs),
      settings: this.#settings,
      account: this.account,
      curve: this.curve,
      sighting: this.see(about.nowMs),
      history: this.#closes.historyOf(about.symbol),
    });
  }

  #refuse(reason: string): null {
    this.skip(reason);
    return null;
  }

  #realizedToday(nowMs: number): Decimal {
    return this.#today.day === Math.floor(nowMs / DAY_MS) ? this.#today.realized : ZERO;
  }

  #venueOf(symbol: string): Venue {
    const venue = this.#venues.get(symbol);
    if (!venue) throw new RangeError(`${symbol} is not part of this backtest`);
    return venue;
  }

  readonly #priceOf = (symbol: string, side: Side): number => this.#venueOf(symbol).price(side);

  readonly #topOf = (symbol: string, side: Side): TopOfBook => this.#venueOf(symbol).top(side);
}

function outcomeOf(trade: ClosedTrade, { held }: Holding, equityAtEntry: Decimal): Outcome {
  const { facts, policy } = held.opening;
  return { ...trade, tradeId: facts.tradeId, equityAtEntry, timeScale: policy.timeScale };
}

/** What the order pays on average. */
function averagePrice(levels: readonly Level[], quantity: Decimal): Decimal {
  return divide(add(...levels.map((level) => multiply(level.price, level.quantity))), quantity);
}
