import { ExchangeRefusal, type Candle, type Quote } from '../port.ts';
import { candlesFromTrades, mergeCandles, servedMinutes, SERVED_COUNT, type PriceVolume } from './candles.ts';
import type { ExchangeClock } from './clock.ts';
import type { PairBook } from './pair-book.ts';
import { ohlcRows, parse, publicTrades, rowsWithCursor, tickers } from './parse.ts';
import type { PublicApi } from './public-api.ts';

const TRADES_PER_PAGE = 1000;
/** A public call a second is what Kraken likes; this many pages is as far back as trades are read. */
const MAX_TRADE_PAGES = 20;
/** Trades are read from this much earlier, to know the price at which the first candle opens. */
const LEAD_MS = 60_000;

export interface MarketReadParts {
  readonly api: PublicApi;
  readonly pairs: PairBook;
  readonly clock: ExchangeClock;
  readonly now: () => number;
}

/** The public questions about prices. Throw `ExchangeUnavailable` or `ExchangeRefusal`. */
export function createMarketReads({ api, pairs, clock, now }: MarketReadParts) {
  async function pairId(symbol: string): Promise<string> {
    const id = (await pairs.names()).pairId(symbol);
    if (id === null) throw new ExchangeRefusal('EQuery:Unknown asset pair', `${symbol} is not listed`);
    return id;
  }

  async function quotes(symbols: readonly string[]): Promise<readonly Quote[]> {
    if (symbols.length === 0) return [];
    const ids = await Promise.all(symbols.map(pairId));
    const answer = parse(tickers, await api.get('Ticker', { pair: ids.join(',') }), 'Ticker');
    const names = pairs.lastNames();
    const receivedAtMs = now();
    return Object.entries(answer).map(([id, { a, b, c }]) => ({
      symbol: names.symbolOf(id),
      bid: b[0],
      ask: a[0],
      last: c[0],
      receivedAtMs,
      via: 'request',
    }));
  }

  /** `startMs` is on the exchange's clock, whose grid the candles are on. */
  async function candles(symbol: string, intervalMs: number, count: number): Promise<readonly Candle[]> {
    if (!Number.isInteger(intervalMs) || intervalMs < 1000) {
      throw new RangeError(`intervalMs is ${intervalMs}, expected a whole number of at least 1000`);
    }
    if (!Number.isInteger(count) || count < 1) {
      throw new RangeError(`count is ${count}, expected a whole number of at least 1`);
    }
    const minutes = servedMinutes(intervalMs, count);
    if (minutes === null) return candlesByTrades(symbol, intervalMs, count);
    const served = await servedCandles(symbol, minutes);
    if (minutes * 60_000 === intervalMs) return served.slice(-count);
    const untilMs = gridStart(endOf(served, minutes), intervalMs);
    return mergeCandles(served, intervalMs, untilMs - count * intervalMs, untilMs);
  }

  async function servedCandles(symbol: string, minutes: number): Promise<Candle[]> {
    const params = { pair: await pairId(symbol), interval: String(minutes) };
    const { rows, last } = parse(rowsWithCursor, await api.get('OHLC', params), 'OHLC');
    return (
      parse(ohlcRows, rows, 'OHLC')
        // `last` is the newest finished candle; the one after it is still running.
        .filter(([time]) => time <= Number(last))
        .map(([time, open, high, low, close, , volume]) => ({
          startMs: time * 1000,
          open,
          high,
          low,
          close,
          volume,
        }))
        .slice(-SERVED_COUNT)
    );
  }

  async function candlesByTrades(symbol: string, intervalMs: number, count: number): Promise<Candle[]> {
    const untilMs = gridStart(now() + (await clock.offsetMs()), intervalMs);
    const fromMs = untilMs - count * intervalMs;
    const trades = await tradesSince(symbol, fromMs - LEAD_MS);
    return candlesFromTrades(trades, intervalMs, fromMs, untilMs);
  }

  async function tradesSince(symbol: string, sinceMs: number): Promise<PriceVolume[]> {
    const pair = await pairId(symbol);
    const trades: PriceVolume[] = [];
    let since = `${sinceMs}000000`;
    for (let page = 0; page < MAX_TRADE_PAGES; page += 1) {
      const answer = await api.get('Trades', { pair, since, count: String(TRADES_PER_PAGE) });
      const { rows, last } = parse(rowsWithCursor, answer, 'Trades');
      const read = parse(publicTrades, rows, 'Trades');
      for (const [price, volume, time] of read) {
        trades.push({ price, volume, timeMs: Math.floor(time * 1000) });
      }
      if (read.length < TRADES_PER_PAGE || last === since) return trades;
      since = last;
    }
    throw new ExchangeRefusal(
      'candles-too-far-back',
      `${symbol} had more than ${MAX_TRADE_PAGES * TRADES_PER_PAGE} trades in the time asked for: ask for fewer candles, or for an interval of 1, 5, 15, 30, 60, 240 or 1440 minutes`,
    );
  }

  return { quotes, candles };
}

function gridStart(timeMs: number, intervalMs: number): number {
  return Math.floor(timeMs / intervalMs) * intervalMs;
}

function endOf(candles: readonly Candle[], minutes: number): number {
  return (candles.at(-1)?.startMs ?? 0) + minutes * 60_000;
}
