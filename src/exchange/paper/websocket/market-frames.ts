import { divide, isPositive, multiply, roundHalfUp, subtract, type Decimal } from '../../../domain/money.ts';
import { firstLevels } from '../book.ts';
import type { MarketTrade, PairMarket, PeriodStats } from '../market/pair-market.ts';
import { fixed } from '../rest/views.ts';
import { isoTime, number } from './frames.ts';

const STATS_FOR_MS = 1_000;
const stats = new WeakMap<PairMarket, { readonly atMs: number; readonly day: PeriodStats }>();

/** 24-hour figures, worked out at most once a second: they move slowly and cost a scan of the day's candles. */
function dayStats(market: PairMarket, nowMs: number): PeriodStats {
  const known = stats.get(market);
  if (known && nowMs - known.atMs < STATS_FOR_MS) return known.day;
  const day = market.last24h(nowMs);
  stats.set(market, { atMs: nowMs, day });
  return day;
}

export function tickerData(market: PairMarket, nowMs: number): Record<string, unknown> {
  const { pair, top, last } = market;
  const price = (value: Decimal) => number(fixed(value, pair.priceDecimals));
  const quantity = (value: Decimal) => number(fixed(value, pair.lotDecimals));
  const day = dayStats(market, nowMs);
  const book = market.book();
  const change = subtract(last, day.open);
  const percent = isPositive(day.open) ? roundHalfUp(divide(multiply(change, '100'), day.open), 2) : '0';
  return {
    symbol: pair.symbol,
    bid: price(top.bid),
    bid_qty: quantity(firstLevels(book.bids, 1)[0]?.quantity ?? '0'),
    ask: price(top.ask),
    ask_qty: quantity(firstLevels(book.asks, 1)[0]?.quantity ?? '0'),
    last: price(last),
    volume: quantity(day.volume),
    vwap: price(day.vwap),
    low: price(day.low),
    high: price(day.high),
    change: price(change),
    change_pct: number(percent),
    timestamp: isoTime(nowMs),
  };
}

export function tradeData(market: PairMarket, trade: MarketTrade): Record<string, unknown> {
  const { pair } = market;
  return {
    symbol: pair.symbol,
    side: trade.side,
    price: number(fixed(trade.price, pair.priceDecimals)),
    qty: number(fixed(trade.volume, pair.lotDecimals)),
    ord_type: trade.type,
    trade_id: trade.id,
    timestamp: isoTime(trade.timeMs),
  };
}
