import { add, compare, divide, multiply, type Decimal } from '../../../domain/money.ts';
import type { OrderSide } from '../../../domain/position.ts';
import { buildBook, type Book, type TopOfBook } from '../book.ts';
import type { Pair } from '../pairs.ts';

/** A public trade. */
export interface MarketTrade {
  readonly id: number;
  readonly price: Decimal;
  readonly volume: Decimal;
  readonly timeMs: number;
  /** Of the taker. */
  readonly side: OrderSide;
  readonly type: 'market' | 'limit';
}

export interface MinuteCandle {
  readonly startMs: number;
  readonly open: Decimal;
  high: Decimal;
  low: Decimal;
  close: Decimal;
  volume: Decimal;
  /** Σ price × volume. */
  cost: Decimal;
  count: number;
}

export interface PeriodStats {
  readonly open: Decimal;
  readonly high: Decimal;
  readonly low: Decimal;
  readonly volume: Decimal;
  readonly vwap: Decimal;
  readonly count: number;
}

/** What a source knows about the time before the server ran. */
export interface History {
  readonly candles: readonly MinuteCandle[];
  readonly trades: readonly MarketTrade[];
}

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
const MOST_TRADES = 20_000;
const MOST_CANDLES = 20_000;

/** One pair's public market: best prices, last trade, recent trades, one-minute candles. */
export class PairMarket {
  readonly pair: Pair;
  readonly #seed: number;
  /** Quoted by hand from now on; the source leaves it alone. */
  manual = false;
  top: TopOfBook;
  last: Decimal;
  lastVolume: Decimal;
  #trades: MarketTrade[] = [];
  #candles: MinuteCandle[] = [];
  #backfill: (() => History) | null = null;

  constructor(pair: Pair, seed: number) {
    this.pair = pair;
    this.#seed = seed;
    this.last = pair.startPrice;
    this.lastVolume = pair.orderMinimum;
    this.top = { bid: pair.startPrice, ask: add(pair.startPrice, pair.tickSize) };
  }

  book(): Book {
    return buildBook(this.pair, this.top, this.#seed);
  }

  /** Forgets the past; `backfill` gives another when somebody asks for it. */
  restart(backfill: (() => History) | null): void {
    this.#trades = [];
    this.#candles = [];
    this.#backfill = backfill;
  }

  record(trade: MarketTrade): void {
    this.last = trade.price;
    this.lastVolume = trade.volume;
    this.#trades.push(trade);
    if (this.#trades.length > MOST_TRADES) this.#trades.splice(0, MOST_TRADES / 2);
    addToCandles(this.#candles, trade);
    if (this.#candles.length > MOST_CANDLES) this.#candles.splice(0, MOST_CANDLES / 2);
  }

  /** Oldest first. */
  trades(): readonly MarketTrade[] {
    this.#fillBack();
    return this.#trades;
  }

  /** One-minute candles, oldest first; minutes without a trade are left out. */
  candles(): readonly MinuteCandle[] {
    this.#fillBack();
    return this.#candles;
  }

  today(nowMs: number): PeriodStats {
    return this.#stats(Math.floor(nowMs / DAY_MS) * DAY_MS);
  }

  last24h(nowMs: number): PeriodStats {
    return this.#stats(nowMs - DAY_MS);
  }

  nextTradeId(): number {
    return (this.#trades.at(-1)?.id ?? 0) + 1;
  }

  #stats(sinceMs: number): PeriodStats {
    const candles = this.candles().filter((candle) => candle.startMs + MINUTE_MS > sinceMs);
    const first = candles[0];
    if (!first) return { open: this.last, high: this.last, low: this.last, volume: '0', vwap: '0', count: 0 };
    const whole = { ...first };
    for (const candle of candles.slice(1)) mergeCandle(whole, candle);
    const vwap = compare(whole.volume, '0') > 0 ? divide(whole.cost, whole.volume) : whole.close;
    return {
      open: whole.open,
      high: whole.high,
      low: whole.low,
      volume: whole.volume,
      vwap,
      count: whole.count,
    };
  }

  #fillBack(): void {
    if (!this.#backfill) return;
    const history = this.#backfill();
    this.#backfill = null;
    const live = this.#trades;
    this.#trades = [...history.trades];
    this.#candles = [...history.candles];
    for (const trade of live) {
      this.#trades.push(trade);
      addToCandles(this.#candles, trade);
    }
  }
}

/** Adds a trade to one-minute candles, oldest first. */
export function addToCandles(candles: MinuteCandle[], trade: MarketTrade): void {
  const startMs = Math.floor(trade.timeMs / MINUTE_MS) * MINUTE_MS;
  const single: MinuteCandle = {
    startMs,
    open: trade.price,
    high: trade.price,
    low: trade.price,
    close: trade.price,
    volume: trade.volume,
    cost: multiply(trade.price, trade.volume),
    count: 1,
  };
  const current = candles.at(-1);
  if (current && current.startMs >= startMs) mergeCandle(current, single);
  else candles.push(single);
}

/** Adds a later candle to an earlier one. */
export function mergeCandle(into: MinuteCandle, later: MinuteCandle): void {
  if (compare(later.high, into.high) > 0) into.high = later.high;
  if (compare(later.low, into.low) < 0) into.low = later.low;
  into.close = later.close;
  into.volume = add(into.volume, later.volume);
  into.cost = add(into.cost, later.cost);
  into.count += later.count;
}
