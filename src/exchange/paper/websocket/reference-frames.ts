import { compare, divide, type Decimal } from '../../../domain/money.ts';
import { candlesOf } from '../market/candles.ts';
import type { PairMarket } from '../market/pair-market.ts';
import { ASSETS, PAIRS } from '../pairs.ts';
import { fixed } from '../rest/views.ts';
import { isoTime, number } from './frames.ts';

const SNAPSHOT_CANDLES = 60;

/** The newest candles of an interval in minutes, oldest first; the last one is still running. */
export function candleData(
  market: PairMarket,
  interval: number,
  nowMs: number,
  count = SNAPSHOT_CANDLES,
): readonly Record<string, unknown>[] {
  const { pair } = market;
  const price = (value: Decimal) => number(fixed(value, pair.priceDecimals));
  const fromMs = (Math.floor(nowMs / (interval * 60_000)) - count) * interval * 60_000;
  const recent = market.candles().filter((candle) => candle.startMs >= fromMs);
  return candlesOf(recent, interval, nowMs, count).map((candle) => ({
    symbol: pair.symbol,
    open: price(candle.open),
    high: price(candle.high),
    low: price(candle.low),
    close: price(candle.close),
    trades: candle.count,
    volume: number(fixed(candle.volume, pair.lotDecimals)),
    vwap: price(compare(candle.volume, '0') > 0 ? divide(candle.cost, candle.volume) : candle.close),
    interval_begin: isoTime(candle.startMs),
    interval,
    timestamp: isoTime(candle.startMs + interval * 60_000),
  }));
}

/** All assets and pairs. */
export function instrumentData(): Record<string, unknown> {
  return {
    assets: ASSETS.map((asset) => ({
      id: asset.v2,
      status: 'enabled',
      precision: asset.decimals,
      precision_display: asset.displayDecimals,
      borrowable: false,
      collateral_value: number('1.0'),
      margin_rate: number('0.02'),
    })),
    pairs: PAIRS.map((pair) => ({
      symbol: pair.symbol,
      base: pair.base.v2,
      quote: pair.quote.v2,
      status: 'online',
      qty_precision: pair.lotDecimals,
      qty_increment: number(`0.${'0'.repeat(pair.lotDecimals - 1)}1`),
      qty_min: number(pair.orderMinimum),
      price_precision: pair.priceDecimals,
      price_increment: number(pair.tickSize),
      tick_size: number(pair.tickSize),
      cost_precision: pair.costDecimals,
      cost_min: number(pair.costMinimum),
      marginable: pair.leverages.length > 0,
      has_index: true,
      ...(pair.leverages.length > 0
        ? { margin_initial: number('0.2'), position_limit_long: 250, position_limit_short: 200 }
        : {}),
    })),
  };
}
