import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { WebSocket } from 'ws';
import { createConnectionPace } from '../../src/exchange/kraken/connection-pace.ts';
import { createKrakenFeed } from '../../src/exchange/kraken/feed.ts';
import type { MarketFeed, Quote } from '../../src/exchange/port.ts';
import { recordedLog } from './scripted-kraken.ts';
import { ScriptedStream, until, type StreamRequest } from './scripted-stream.ts';

const UNHURRIED_MS = 20_000;

let stream: ScriptedStream;
let feed: MarketFeed | null;
let quotes: Quote[];
/** Symbols of each request for quotes that the feed made. */
let asked: (readonly string[])[];

beforeEach(async () => {
  quotes = [];
  asked = [];
  feed = null;
  stream = new ScriptedStream();
  await stream.start();
});

afterEach(async () => {
  await feed?.close();
  await stream.stop();
});

function startFeed(staleAfterMs: number): MarketFeed {
  const started = createKrakenFeed({
    wsUrl: stream.url,
    log: recordedLog(),
    staleAfterMs,
    restQuotes: async (symbols) => {
      asked.push(symbols);
      return symbols.map((symbol) => ({
        symbol,
        bid: '1',
        ask: '2',
        last: '1',
        receivedAtMs: Date.now(),
        via: 'request',
      }));
    },
  });
  started.onQuote((quote) => quotes.push(quote));
  feed = started;
  return started;
}

function tickerFrame(symbol: string, bid: string, ask: string): string {
  return `{"channel":"ticker","type":"update","data":[{"symbol":"${symbol}","bid":${bid},"bid_qty":1.0,"ask":${ask},"ask_qty":1.0,"last":${bid},"volume":1.0,"vwap":1.0,"low":1.0,"high":1.0,"change":0.0,"change_pct":0.0,"timestamp":"2026-01-01T00:00:00Z"}]}`;
}

function answerWithPrices(client: WebSocket, request: StreamRequest): void {
  if (request.method !== 'subscribe') return;
  for (const symbol of request.params?.symbol ?? []) client.send(tickerFrame(symbol, '30000.9', '30001.0'));
}

describe('market stream', () => {
  it('pushes the best bid and ask as plain decimals', async () => {
    stream.answer = (client, request) => {
      if (request.method === 'subscribe') client.send(tickerFrame('BTC/USD', '0.00000012', '105944.30'));
    };
    startFeed(UNHURRIED_MS).subscribe(['BTC/USD']);
    await until(() => quotes.length === 1);
    expect(stream.requests[0]?.params).toEqual({
      channel: 'ticker',
      symbol: ['BTC/USD'],
      event_trigger: 'bbo',
    });
    expect(quotes[0]).toMatchObject({
      symbol: 'BTC/USD',
      bid: '0.00000012',
      ask: '105944.3',
      last: '0.00000012',
      via: 'stream',
    });
    expect(feed?.status()).toMatchObject({ connected: true, reconnects: 0 });
  });

  it('counts the users of a symbol', async () => {
    stream.answer = answerWithPrices;
    const started = startFeed(UNHURRIED_MS);
    started.subscribe(['BTC/USD']);
    started.subscribe(['BTC/USD', 'ETH/USD']);
    await until(() => quotes.length >= 2);
    started.unsubscribe(['BTC/USD']);
    started.unsubscribe(['ETH/USD']);
    await until(() => stream.sent('unsubscribe').length > 0);
    expect(stream.sent('unsubscribe').flatMap((request) => request.params?.symbol)).toEqual(['ETH/USD']);
    started.unsubscribe(['BTC/USD']);
    await until(() => stream.sent('unsubscribe').length === 2);
  });

  it('subscribes again after a loss and survives odd and repeated frames', async () => {
    stream.answer = answerWithPrices;
    const started = startFeed(UNHURRIED_MS);
    started.subscribe(['BTC/USD', 'ETH/USD']);
    await until(() => quotes.length === 2);
    stream.send('not json');
    stream.send('{"channel":"ticker","data":[{"symbol":"BTC/USD","bid":"x"}]}');
    stream.send('{"method":"subscribe","success":false,"error":"Currency pair not supported XBT/USD"}');
    stream.send(tickerFrame('SOL/USD', '1.0', '2.0'));
    stream.send(tickerFrame('BTC/USD', '30000.9', '30001.0'));
    await until(() => quotes.length === 3);
    stream.clients[0]?.close();
    await until(() => quotes.length === 5);
    expect(started.status()).toMatchObject({ connected: true, reconnects: 1 });
    expect(stream.sent('subscribe').at(-1)?.params?.symbol).toEqual(['BTC/USD', 'ETH/USD']);
  });

  it('comes back after a restart of the exchange, with quotes by request meanwhile', async () => {
    stream.answer = answerWithPrices;
    startFeed(400).subscribe(['BTC/USD']);
    await until(() => quotes.some((quote) => quote.via === 'stream'));
    await stream.stop();
    await until(() => quotes.at(-1)?.via === 'request');
    expect(feed?.status().connected).toBe(false);
    await stream.start();
    const seen = quotes.length;
    await until(() => quotes.slice(seen).some((quote) => quote.via === 'stream'));
  });

  it('asks for quotes while the stream is silent, then replaces it', async () => {
    let silent = false;
    stream.answer = (client, request) => {
      if (!silent) answerWithPrices(client, request);
    };
    startFeed(300).subscribe(['BTC/USD']);
    await until(() => quotes.some((quote) => quote.via === 'stream'));
    silent = true;
    await until(() => quotes.at(-1)?.via === 'request');
    silent = false;
    await until(() => stream.clients.length >= 2 && quotes.at(-1)?.via === 'stream');
  });

  it('asks for nothing while heartbeats come and every symbol has its price', async () => {
    stream.answer = answerWithPrices;
    startFeed(1_000).subscribe(['BTC/USD']);
    await until(() => quotes.some((quote) => quote.via === 'stream'));
    asked = [];
    const heartbeats = setInterval(() => stream.send({ channel: 'heartbeat' }), 20);
    const beatsUntil = Date.now() + 2_500;
    await until(() => Date.now() > beatsUntil);
    clearInterval(heartbeats);
    expect(asked).toEqual([]);
    expect(stream.clients).toHaveLength(1);
  });

  it('keeps a price fresh that does not change while heartbeats come', async () => {
    stream.answer = answerWithPrices;
    startFeed(UNHURRIED_MS).subscribe(['BTC/USD']);
    await until(() => quotes.length === 1);
    const heartbeats = setInterval(() => stream.send({ channel: 'heartbeat' }), 100);
    await until(() => quotes.length >= 2);
    clearInterval(heartbeats);
    const [first, second] = quotes;
    expect(second).toMatchObject({ bid: first?.bid, ask: first?.ask, via: 'stream' });
    expect((second?.receivedAtMs ?? 0) - (first?.receivedAtMs ?? 0)).toBeGreaterThanOrEqual(1_000);
    expect(asked).toEqual([]);
  });

  it('asks for a symbol that the stream has nothing for', async () => {
    stream.answer = (client, request) => {
      if (request.params?.symbol?.includes('BTC/USD')) client.send(tickerFrame('BTC/USD', '1.0', '2.0'));
    };
    startFeed(300).subscribe(['BTC/USD', 'ETH/USD']);
    await until(() => stream.clients.length === 1);
    const heartbeats = setInterval(() => stream.send({ channel: 'heartbeat' }), 20);
    await until(() => asked.some((symbols) => symbols.length === 1));
    clearInterval(heartbeats);
    expect(asked.find((symbols) => symbols.length === 1)).toEqual(['ETH/USD']);
  });
});

describe('connection pace', () => {
  it('tries at once, then backs off', () => {
    const pace = createConnectionPace();
    const delays = [0, 0, 0, 0, 0, 0].map(() => pace.nextDelayMs(0));
    expect(delays).toEqual([0, 250, 1_000, 2_000, 5_000, 5_000]);
    pace.succeeded();
    expect(pace.nextDelayMs(0)).toBe(0);
  });

  it('stays below 150 connections in any 10 minutes, however often they are lost', () => {
    const pace = createConnectionPace();
    const tries: number[] = [];
    for (let now = 0; now < 3_600_000;) {
      now += pace.nextDelayMs(now) + 10;
      tries.push(now);
      pace.succeeded();
    }
    const busiest = Math.max(
      ...tries.map((start) => tries.filter((each) => each >= start && each < start + 600_000).length),
    );
    expect(busiest).toBeLessThan(150);
    expect(tries.length).toBeGreaterThan(600);
  });
});
