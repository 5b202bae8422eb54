import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { WebSocketServer, type WebSocket } from 'ws';
import { createKrakenFeed } from '../../src/exchange/kraken/feed.ts';
import type { MarketFeed, Quote } from '../../src/exchange/port.ts';
import { recordedLog } from './scripted-kraken.ts';

interface Request {
  readonly method: string;
  readonly params?: {
    readonly channel?: string;
    readonly symbol?: string[];
    readonly event_trigger?: string;
  };
}

let server: WebSocketServer;
let feed: MarketFeed | null;
let requests: Request[];
let clients: WebSocket[];
/** What the server does with a request; replaced by tests. */
let answer: (client: WebSocket, request: Request) => void;
let quotes: Quote[];
let asked: (readonly string[])[];

beforeEach(async () => {
  requests = [];
  clients = [];
  quotes = [];
  asked = [];
  feed = null;
  answer = () => undefined;
  server = await startServer(0);
});

afterEach(async () => {
  await feed?.close();
  await stopServer();
});

async function startServer(port: number): Promise<WebSocketServer> {
  const started = new WebSocketServer({ host: '127.0.0.1', port });
  started.on('connection', (client) => {
    clients.push(client);
    client.on('message', (data: Buffer) => {
      const request = JSON.parse(data.toString()) as Request;
      requests.push(request);
      answer(client, request);
    });
  });
  await new Promise((resolve) => started.once('listening', resolve));
  return started;
}

async function stopServer(): Promise<void> {
  for (const client of clients) client.terminate();
  await new Promise((resolve) => server.close(resolve));
}

function port(): number {
  return (server.address() as AddressInfo).port;
}

function startFeed(staleAfterMs: number): MarketFeed {
  const started = createKrakenFeed({
    wsUrl: `ws://127.0.0.1:${port()}`,
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

const UNHURRIED_MS = 20_000;

function tickerFrame(symbol: string, bid: string, ask: string): string {
  return `{"channel":"ticker","type":"update","data":[{"symbol":"${symbol}","bid":${bid},"bid_qty":1.0,"ask":${ask},"ask_qty":1.0,"last":${bid},"volume":1.0,"vwap":1.0,"low":1.0,"high":1.0,"change":0.0,"change_pct":0.0,"timestamp":"2026-01-01T00:00:00Z"}]}`;
}

function answerWithPrices(client: WebSocket, request: Request): void {
  if (request.method !== 'subscribe') return;
  for (const symbol of request.params?.symbol ?? []) client.send(tickerFrame(symbol, '30000.9', '30001.0'));
}

async function until(condition: () => boolean): Promise<void> {
  await vi.waitFor(() => expect(condition()).toBe(true), { timeout: 10_000, interval: 10 });
}

describe('market stream', () => {
  it('pushes the best bid and ask as plain decimals', async () => {
    answer = (client, request) => {
      if (request.method === 'subscribe') client.send(tickerFrame('BTC/USD', '0.00000012', '105944.30'));
    };
    startFeed(UNHURRIED_MS).subscribe(['BTC/USD']);
    await until(() => quotes.length === 1);
    expect(requests[0]?.params).toEqual({ channel: 'ticker', symbol: ['BTC/USD'], event_trigger: 'bbo' });
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
    answer = answerWithPrices;
    const started = startFeed(UNHURRIED_MS);
    started.subscribe(['BTC/USD']);
    started.subscribe(['BTC/USD', 'ETH/USD']);
    await until(() => quotes.length >= 2);
    started.unsubscribe(['BTC/USD']);
    started.unsubscribe(['ETH/USD']);
    await until(() => requests.some((request) => request.method === 'unsubscribe'));
    const unsubscribed = requests.filter((request) => request.method === 'unsubscribe');
    expect(unsubscribed.flatMap((request) => request.params?.symbol)).toEqual(['ETH/USD']);
    started.unsubscribe(['BTC/USD']);
    await until(() => requests.filter((request) => request.method === 'unsubscribe').length === 2);
  });

  it('subscribes again after a loss and survives odd and repeated frames', async () => {
    answer = answerWithPrices;
    const started = startFeed(UNHURRIED_MS);
    started.subscribe(['BTC/USD', 'ETH/USD']);
    await until(() => quotes.length === 2);
    clients[0]?.send('not json');
    clients[0]?.send('{"channel":"ticker","data":[{"symbol":"BTC/USD","bid":"x"}]}');
    clients[0]?.send('{"method":"subscribe","success":false,"error":"Currency pair not supported XBT/USD"}');
    clients[0]?.send(tickerFrame('SOL/USD', '1.0', '2.0'));
    clients[0]?.send(tickerFrame('BTC/USD', '30000.9', '30001.0'));
    await until(() => quotes.length === 3);
    clients[0]?.close();
    await until(() => quotes.length === 5);
    expect(started.status()).toMatchObject({ connected: true, reconnects: 1 });
    expect(requests.filter((request) => request.method === 'subscribe').at(-1)?.params?.symbol).toEqual([
      'BTC/USD',
      'ETH/USD',
    ]);
  });

  it('comes back after a restart of the exchange, with quotes by request meanwhile', async () => {
    answer = answerWithPrices;
    startFeed(400).subscribe(['BTC/USD']);
    await until(() => quotes.some((quote) => quote.via === 'stream'));
    const before = port();
    await stopServer();
    await until(() => quotes.at(-1)?.via === 'request');
    expect(feed?.status().connected).toBe(false);
    clients = [];
    server = await startServer(before);
    const seen = quotes.length;
    await until(() => quotes.slice(seen).some((quote) => quote.via === 'stream'));
  });

  it('asks for quotes while the stream is silent, then replaces it', async () => {
    let silent = false;
    answer = (client, request) => {
      if (!silent) answerWithPrices(client, request);
    };
    startFeed(300).subscribe(['BTC/USD']);
    await until(() => quotes.some((quote) => quote.via === 'stream'));
    silent = true;
    await until(() => quotes.at(-1)?.via === 'request');
    silent = false;
    await until(() => clients.length >= 2 && quotes.at(-1)?.via === 'stream');
  });

  it('asks for nothing while heartbeats come and every symbol has its price', async () => {
    answer = answerWithPrices;
    startFeed(1_000).subscribe(['BTC/USD']);
    await until(() => quotes.some((quote) => quote.via === 'stream'));
    asked = [];
    const heartbeats = setInterval(() => clients[0]?.send('{"channel":"heartbeat"}'), 20);
    const beatsUntil = Date.now() + 2_500;
    await until(() => Date.now() > beatsUntil);
    clearInterval(heartbeats);
    expect(asked).toEqual([]);
    expect(clients).toHaveLength(1);
  });

  it('asks for a symbol that the stream has nothing for', async () => {
    answer = (client, request) => {
      if (request.params?.symbol?.includes('BTC/USD')) client.send(tickerFrame('BTC/USD', '1.0', '2.0'));
    };
    const started = startFeed(300);
    started.subscribe(['BTC/USD', 'ETH/USD']);
    await until(() => clients.length === 1);
    const heartbeats = setInterval(() => clients[0]?.send('{"channel":"heartbeat"}'), 20);
    await until(() => asked.some((symbols) => symbols.length === 1));
    clearInterval(heartbeats);
    expect(asked.find((symbols) => symbols.length === 1)).toEqual(['ETH/USD']);
  });
});
