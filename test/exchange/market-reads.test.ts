import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createKrakenExchange, type KrakenExchange } from '../../src/exchange/kraken/kraken-exchange.ts';
import { ExchangeRefusal, ExchangeUnavailable } from '../../src/exchange/port.ts';
import {
  PAIRS,
  recordedLog,
  SAMPLE_KEY,
  SAMPLE_SECRET,
  startScriptedKraken,
  type Answer,
  type ScriptedKraken,
} from './scripted-kraken.ts';

/** A whole hour, so that every interval's grid starts there. */
const NOW_MS = 1_700_002_800_000;

let kraken: ScriptedKraken;
let exchange: KrakenExchange;

beforeEach(async () => {
  kraken = await startScriptedKraken();
  kraken.on('Time', () => ({ result: { unixtime: NOW_MS / 1000, rfc1123: '' } }));
  exchange = createKrakenExchange({
    restUrl: kraken.url,
    key: SAMPLE_KEY,
    secret: SAMPLE_SECRET,
    timeoutMs: 1_000,
    now: () => NOW_MS,
    log: recordedLog(),
  });
});

afterEach(async () => {
  exchange.close();
  await kraken.close();
});

const side = (price: string) => [price, '1', '1.000'];

describe('public questions', () => {
  it('go by GET with a user agent', async () => {
    await exchange.instruments();
    const [call] = kraken.calls;
    expect(call?.httpMethod).toBe('GET');
    expect(call?.headers['user-agent']).toMatch(/holdfast/i);
    expect(call?.headers).not.toHaveProperty('api-key');
  });

  it('tell instruments by their modern names and drop what they cannot read', async () => {
    kraken.on('AssetPairs', () => ({ result: { ...PAIRS, ODD: { altname: 1 } } }));
    const instruments = await exchange.instruments();
    expect(instruments.map(({ symbol }) => symbol)).toEqual(['BTC/USD', 'ETH/USD', 'SOL/USD']);
    expect(instruments[0]).toEqual({
      symbol: 'BTC/USD',
      base: 'BTC',
      quote: 'USD',
      priceDecimals: 1,
      quantityDecimals: 8,
      tickSize: '0.1',
      minQuantity: '0.00005',
      minCost: '0.5',
      takerFee: 0.004,
      shortLeverages: [2, 3],
      tradable: true,
    });
  });

  it('tell quotes by symbol, whatever the order of the answer', async () => {
    kraken.on('Ticker', () => ({
      result: {
        XETHZUSD: { a: side('2000.10'), b: side('2000.00'), c: ['2000.05', '1'] },
        XXBTZUSD: { a: side('30001.00000'), b: side('30000.90000'), c: ['30001.00000', '0.01'] },
      },
    }));
    const quotes = await exchange.quotes(['BTC/USD', 'ETH/USD']);
    expect(kraken.sent('Ticker')[0]?.params.pair).toBe('XXBTZUSD,XETHZUSD');
    expect(quotes.find(({ symbol }) => symbol === 'BTC/USD')).toEqual({
      symbol: 'BTC/USD',
      bid: '30000.9',
      ask: '30001',
      last: '30001',
      receivedAtMs: NOW_MS,
      via: 'request',
    });
    await expect(exchange.quotes(['NO/PAIR'])).rejects.toBeInstanceOf(ExchangeRefusal);
  });

  it('take a warning beside a result for a result', async () => {
    kraken.on('Ticker', () => ({
      error: ['WGeneral:Odd'],
      result: { XXBTZUSD: { a: side('2'), b: side('1'), c: ['1', '1'] } },
    }));
    expect(await exchange.quotes(['BTC/USD'])).toHaveLength(1);
  });

  it.each<[what: string, answer: Answer]>([
    ['status 502', (response) => response.writeHead(502).end('<html/>')],
    ['HTML', (response) => response.end('<html/>')],
    ['silence', () => undefined],
    ['a reset', (response) => response.socket?.resetAndDestroy()],
    ['an engine that is away', { error: ['EService:Unavailable'] }],
    ['too many requests', { error: ['EGeneral:Too many requests'] }],
    ['a price that is no decimal', { result: { XXBTZUSD: { a: side('x'), b: side('1'), c: ['1', '1'] } } }],
    ['a price as a float', { result: { XXBTZUSD: { a: [1.5], b: side('1'), c: ['1', '1'] } } }],
  ])('are unavailable after %s', async (_what, answer) => {
    kraken.on('Ticker', () => answer);
    await expect(exchange.quotes(['BTC/USD'])).rejects.toBeInstanceOf(ExchangeUnavailable);
  });
});

describe('the exchange clock', () => {
  it('is ours when the answers allow it', async () => {
    expect(await exchange.clockOffsetMs()).toBe(0);
  });

  it('is measured when it is not, within the second that the answer is cut to', async () => {
    kraken.on('Time', () => ({ result: { unixtime: NOW_MS / 1000 + 100, rfc1123: '' } }));
    const offset = await exchange.clockOffsetMs();
    expect(Math.abs(offset - 100_500)).toBeLessThanOrEqual(500);
  });
});

describe('candles', () => {
  const minute = (number: number) => NOW_MS / 1000 - 3600 + number * 60;
  const row = (time: number, price: string) => [time, price, price, price, price, price, '1.5', 3];

  it('leave out the one that is running', async () => {
    kraken.on('OHLC', () => ({
      result: { XXBTZUSD: [0, 1, 2, 3].map((n) => row(minute(n), `100.${n}`)), last: minute(2) },
    }));
    const candles = await exchange.candles('BTC/USD', 60_000, 2);
    expect(candles.map(({ startMs, close }) => [startMs, close])).toEqual([
      [minute(1) * 1000, '100.1'],
      [minute(2) * 1000, '100.2'],
    ]);
    expect(kraken.sent('OHLC')[0]?.params).toEqual({ pair: 'XXBTZUSD', interval: '1' });
  });

  it('are put together from smaller ones where the interval is not served', async () => {
    const rows = Array.from({ length: 9 }, (_, n) => row(minute(n), String(100 + n)));
    kraken.on('OHLC', () => ({ result: { XXBTZUSD: rows, last: minute(7) } }));
    const candles = await exchange.candles('BTC/USD', 180_000, 5);
    expect(candles.slice(-2)).toEqual([
      { startMs: minute(0) * 1000, open: '100', high: '102', low: '100', close: '102', volume: '4.5' },
      { startMs: minute(3) * 1000, open: '103', high: '105', low: '103', close: '105', volume: '4.5' },
    ]);
  });

  it('are built from trades for short intervals, page by page, silent ones flat', async () => {
    const from = NOW_MS / 1000 - 8;
    const trades: [string, string, number][] = [
      ['99.0', '1.0', from - 3],
      ['100.0', '1.0', from + 2.1],
      ['103.0', '0.5', from + 2.5],
      ['101.0', '0.25', from + 3.9],
      ['105.0', '1.0', from + 6],
      ['200.0', '1.0', from + 8],
    ];
    const filler = Array.from({ length: 1000 }, (_, n): [string, string, number] => [
      '98.0',
      '1.0',
      from - 50 + n / 1000,
    ]);
    kraken.on('Trades', ({ params }) => {
      const rows = params.since === '7' ? trades : filler;
      return { result: { XXBTZUSD: rows.map((each) => [...each, 'b', 'm', '', 1]), last: '7' } };
    });
    const candles = await exchange.candles('BTC/USD', 2_000, 4);
    const flat = (startMs: number, price: string) => ({
      startMs,
      open: price,
      high: price,
      low: price,
      close: price,
      volume: '0',
    });
    expect(candles).toEqual([
      flat(from * 1000, '99'),
      {
        startMs: (from + 2) * 1000,
        open: '100',
        high: '103',
        low: '100',
        close: '101',
        volume: '1.75',
      },
      flat((from + 4) * 1000, '101'),
      { ...flat((from + 6) * 1000, '105'), volume: '1' },
    ]);
    expect(kraken.sent('Trades')).toHaveLength(2);
  });

  it('refuse what makes no sense', async () => {
    await expect(exchange.candles('BTC/USD', 500, 1)).rejects.toThrow(/intervalMs is 500/);
    await expect(exchange.candles('BTC/USD', 60_000, 0)).rejects.toThrow(/count is 0/);
  });
});
