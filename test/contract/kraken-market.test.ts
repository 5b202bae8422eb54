import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { add } from '../../src/domain/money.ts';
import { createKrakenExecutions, type OrderNews } from '../../src/exchange/kraken/executions.ts';
import { createKrakenFeed } from '../../src/exchange/kraken/feed.ts';
import type { Quote } from '../../src/exchange/port.ts';
import { recordedLog } from '../exchange/scripted-kraken.ts';
import { AdapterOnPaper, eventually } from './adapter-on-paper.ts';

let on: AdapterOnPaper;

beforeEach(async () => {
  on = new AdapterOnPaper();
  await on.start();
});

afterEach(() => on.stop());

describe('the market of the paper exchange', () => {
  it('is told by request', async () => {
    const instruments = await on.exchange.instruments();
    expect(instruments.find(({ symbol }) => symbol === 'BTC/USD')).toMatchObject({
      base: 'BTC',
      quote: 'USD',
    });
    expect(await on.exchange.quotes(['BTC/USD'])).toMatchObject([{ bid: '30000', ask: '30000.1' }]);
    expect(await on.exchange.clockOffsetMs()).toBe(0);
    expect(await on.exchange.keyInfo()).toMatchObject({ canWithdraw: false, nonceWindow: 0 });
    const candles = await on.exchange.candles('BTC/USD', 60_000, 5);
    for (const [index, candle] of candles.entries()) {
      expect(candle.startMs % 60_000).toBe(0);
      expect(candle.startMs - (candles[index - 1]?.startMs ?? candle.startMs - 60_000)).toBe(60_000);
      expect(candle.startMs + 60_000).toBeLessThanOrEqual(Date.now());
    }
    await on.exchange.candles('BTC/USD', 2_000, 5);
  });

  it('is fresh again after ws-close, ws-stall, a doubled frame and a restart', async () => {
    const quotes: Quote[] = [];
    const feed = createKrakenFeed({
      wsUrl: on.paper.wsUrl,
      log: recordedLog(),
      restQuotes: (symbols) => on.exchange.quotes(symbols),
      staleAfterMs: 1_500,
    });
    feed.onQuote((quote) => quotes.push(quote));
    feed.subscribe(['BTC/USD']);
    let bid = 30_000;
    /** Moves the price and waits until the feed tells it. */
    async function moves(via?: Quote['via']): Promise<void> {
      bid += 10;
      await on.price(`${bid}.0`, `${bid}.1`);
      await eventually(async () =>
        expect(quotes.findLast((quote) => via === undefined || quote.via === via)?.bid).toBe(String(bid)),
      );
    }
    try {
      await moves('stream');
      await on.fault('duplicate-frame', { call: 'ticker' });
      await moves('stream');
      await on.fault('ws-close', { call: '*' });
      await moves('stream');
      await on.fault('ws-stall', { call: '*', delayMs: 60_000 });
      await moves('request');
      await moves('stream');
      await on.restartPaper(() => eventually(async () => expect(feed.status().connected).toBe(false)));
      await moves('stream');
    } finally {
      await feed.close();
    }
  });

  it('tells of our orders at once and each fill once, and asks for what a lost connection hid', async () => {
    const news: OrderNews[] = [];
    const catchUps: number[] = [];
    const executions = createKrakenExecutions({
      wsUrl: on.paper.wsUrl,
      token: () => on.exchange.webSocketToken(),
      onOrder: (each) => news.push(each),
      onCatchUp: (sinceMs) => catchUps.push(sinceMs),
      log: recordedLog(),
    });
    try {
      await eventually(async () => expect(executions.live()).toBe(true));
      await on.fault('duplicate-frame', { call: 'executions', times: 2 });
      const order = on.request();
      await on.exchange.submit(order, 'entry');
      const own = () => news.filter((each) => each.clientOrderId === order.clientOrderId);
      await eventually(async () => expect(own().at(-1)?.status).toBe('filled'));
      expect(add('0', ...own().flatMap((each) => each.fill?.quantity ?? []))).toBe('0.01');
      await on.fault('ws-close', { call: '*' });
      await eventually(async () => expect(catchUps).toHaveLength(2));
      expect(add('0', ...own().flatMap((each) => each.fill?.quantity ?? []))).toBe('0.01');
    } finally {
      await executions.close();
    }
  });
});
