import { divide, compare, type Decimal } from '../../../domain/money.ts';
import type { OrderSide } from '../../../domain/position.ts';
import { firstLevels, type Level } from '../book.ts';
import type { PaperContext } from '../context.ts';
import { feeSchedule } from '../fees.ts';
import { KrakenError, invalidArguments } from '../kraken-error.ts';
import { INTERVALS, candlesOf } from '../market/candles.ts';
import type { PairMarket } from '../market/pair-market.ts';
import { ASSETS, PAIRS, findAsset, findPair, type Pair } from '../pairs.ts';
import { integer, list, type Params } from '../params.ts';
import { fixed, seconds } from './views.ts';

export type PublicHandler = (params: Params, context: PaperContext, nowMs: number) => unknown;

const NANOSECONDS = 1_000_000n;

export const PUBLIC: Readonly<Record<string, PublicHandler>> = {
  Time: (_params, _context, nowMs) => ({
    unixtime: Math.floor(nowMs / 1000),
    rfc1123: new Date(nowMs).toUTCString().replace('GMT', '+0000'),
  }),
  SystemStatus: (_params, _context, nowMs) => ({
    status: 'online',
    timestamp: new Date(nowMs).toISOString().replace(/\.\d+Z$/, 'Z'),
  }),
  Assets: (params) => {
    const wanted = list(params, 'asset').map((name) => {
      const asset = findAsset(name);
      if (!asset) throw new KrakenError('EQuery:Unknown asset');
      return asset;
    });
    const shown = wanted.length > 0 ? wanted : ASSETS;
    return Object.fromEntries(
      shown.map((asset) => [
        asset.id,
        {
          aclass: 'currency',
          altname: asset.altname,
          decimals: asset.decimals,
          display_decimals: asset.displayDecimals,
          status: 'enabled',
        },
      ]),
    );
  },
  AssetPairs: (params) => byPair(pairsOf(params, PAIRS), describePair),
  Ticker: (params, { markets }, nowMs) =>
    byPair(pairsOf(params, PAIRS), (pair) => ticker(markets.of(pair), nowMs)),
  Depth: (params, { markets }, nowMs) => {
    const count = integer(params, 'count', 100, 1, 500);
    return byPair([onePair(params)], (pair) => {
      const book = markets.of(pair).book();
      const row = (level: Level) => [
        fixed(level.price, Math.max(pair.priceDecimals, 5)),
        fixed(level.quantity, pair.lotDecimals),
        Math.floor(nowMs / 1000),
      ];
      return { asks: firstLevels(book.asks, count).map(row), bids: firstLevels(book.bids, count).map(row) };
    });
  },
  OHLC: (params, { markets }, nowMs) => ohlc(params, markets.of(onePair(params)), nowMs),
  Trades: (params, { markets }) => trades(params, markets.of(onePair(params))),
  Spread: (params, { markets }, nowMs) => {
    const { pair, top } = markets.of(onePair(params));
    const price = (value: Decimal) => fixed(value, Math.max(pair.priceDecimals, 5));
    const time = Math.floor(nowMs / 1000);
    return { [pair.id]: [[time, price(top.bid), price(top.ask)]], last: time };
  },
};

function pairsOf(params: Params, all: readonly Pair[]): readonly Pair[] {
  const names = list(params, 'pair');
  if (names.length === 0) return all;
  return names.map((name) => {
    const pair = findPair(name);
    if (!pair) throw new KrakenError('EQuery:Unknown asset pair');
    return pair;
  });
}

function onePair(params: Params): Pair {
  const pair = findPair(params.values.pair ?? '');
  if (!params.values.pair) throw invalidArguments('pair');
  if (!pair) throw new KrakenError('EQuery:Unknown asset pair');
  return pair;
}

function byPair<Value>(pairs: readonly Pair[], of: (pair: Pair) => Value): Record<string, Value> {
  return Object.fromEntries(pairs.map((pair) => [pair.id, of(pair)]));
}

function describePair(pair: Pair): Record<string, unknown> {
  const fees = feeSchedule(pair);
  return {
    altname: pair.altname,
    wsname: pair.wsname,
    aclass_base: 'currency',
    base: pair.base.id,
    aclass_quote: 'currency',
    quote: pair.quote.id,
    lot: 'unit',
    cost_decimals: pair.costDecimals,
    pair_decimals: pair.priceDecimals,
    lot_decimals: pair.lotDecimals,
    lot_multiplier: 1,
    leverage_buy: pair.leverages,
    leverage_sell: pair.leverages,
    fees: fees.map(([volume, taker]) => [volume, taker]),
    fees_maker: fees.map(([volume, , maker]) => [volume, maker]),
    fee_volume_currency: 'ZUSD',
    margin_call: 80,
    margin_stop: 40,
    ordermin: pair.orderMinimum,
    costmin: pair.costMinimum,
    tick_size: pair.tickSize,
    status: 'online',
    ...(pair.leverages.length > 0 ? { long_position_limit: 250, short_position_limit: 200 } : {}),
  };
}

function ticker(market: PairMarket, nowMs: number): Record<string, unknown> {
  const { pair, top } = market;
  const price = (value: Decimal) => fixed(value, Math.max(pair.priceDecimals, 5));
  const volume = (value: Decimal) => fixed(value, pair.lotDecimals);
  const [today, day] = [market.today(nowMs), market.last24h(nowMs)];
  const book = market.book();
  const best = (side: Iterable<Level>) => firstLevels(side, 1)[0]?.quantity ?? '0';
  const lots = (quantity: Decimal) => [String(Math.max(1, Math.floor(Number(quantity)))), fixed(quantity, 3)];
  return {
    a: [price(top.ask), ...lots(best(book.asks))],
    b: [price(top.bid), ...lots(best(book.bids))],
    c: [price(market.last), volume(market.lastVolume)],
    v: [volume(today.volume), volume(day.volume)],
    p: [price(today.vwap), price(day.vwap)],
    t: [today.count, day.count],
    l: [price(today.low), price(day.low)],
    h: [price(today.high), price(day.high)],
    o: price(today.open),
  };
}

function ohlc(params: Params, market: PairMarket, nowMs: number): Record<string, unknown> {
  const minutes = integer(params, 'interval', 1, 1, 21600);
  if (!INTERVALS.includes(minutes)) throw invalidArguments('interval');
  const since = integer(params, 'since', 0, 0, Number.MAX_SAFE_INTEGER);
  const { pair } = market;
  const price = (value: Decimal) => fixed(value, pair.priceDecimals);
  const candles = candlesOf(market.candles(), minutes, nowMs);
  const rows = candles
    .filter((candle) => candle.startMs / 1000 > since)
    .map((candle) => [
      candle.startMs / 1000,
      price(candle.open),
      price(candle.high),
      price(candle.low),
      price(candle.close),
      price(compare(candle.volume, '0') > 0 ? divide(candle.cost, candle.volume) : '0'),
      fixed(candle.volume, pair.lotDecimals),
      candle.count,
    ]);
  const committed = candles.at(-2);
  return { [pair.id]: rows, last: committed ? committed.startMs / 1000 : 0 };
}

const SIDE: Readonly<Record<OrderSide, string>> = { buy: 'b', sell: 's' };

function trades(params: Params, market: PairMarket): Record<string, unknown> {
  const count = integer(params, 'count', 1000, 1, 1000);
  const { pair } = market;
  const sinceText = params.values.since;
  const all = market.trades();
  const chosen = sinceText
    ? all.filter((trade) => nanoseconds(trade.timeMs) > sinceNs(sinceText)).slice(0, count)
    : all.slice(-count);
  const rows = chosen.map((trade) => [
    fixed(trade.price, Math.max(pair.priceDecimals, 5)),
    fixed(trade.volume, pair.lotDecimals),
    seconds(trade.timeMs),
    SIDE[trade.side],
    trade.type === 'market' ? 'm' : 'l',
    '',
    trade.id,
  ]);
  const last = chosen.at(-1);
  return { [pair.id]: rows, last: last ? String(nanoseconds(last.timeMs)) : (sinceText ?? '0') };
}

/** `since` comes as nanoseconds; smaller numbers are seconds, as older clients send them. */
function sinceNs(text: string): bigint {
  if (/^\d+$/.test(text)) {
    const value = BigInt(text);
    return value < 100_000_000_000n ? value * 1_000n * NANOSECONDS : value;
  }
  if (/^\d+\.\d+$/.test(text)) return BigInt(Math.round(Number(text) * 1000)) * NANOSECONDS;
  throw invalidArguments('since');
}

function nanoseconds(timeMs: number): bigint {
  return BigInt(Math.round(timeMs * 1000)) * 1_000n;
}
