import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createKrakenExecutions } from '../../src/exchange/kraken/executions.ts';
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

  it('tells that an order moved, and after a lost connection that it is time to ask', async () => {
    const moved: string[] = [];
    let catchUps = 0;
    const executions = createKrakenExecutions({
      wsUrl: on.paper.wsUrl,
      token: () => on.exchange.webSocketToken(),
      onMoved: (exchangeOrderId) => moved.push(exchangeOrderId),
      onNamed: (exchangeOrderId, clientOrderId) => on.exchange.heardOf(exchangeOrderId, clientOrderId),
      onCatchUp: () => (catchUps += 1),
      log: recordedLog(),
    });
    try {
      await eventually(async () => expect(executions.live()).toBe(true));
      await on.fault('duplicate-frame', { call: 'executions', times: 9 });
      const limit = on.request({ type: 'limit', limitPrice: '29000' });
      const outcome = await on.exchange.submit(limit, 'entry');
      const id = outcome.kind === 'accepted' ? outcome.exchangeOrderId : '';
      expect(moved).toEqual([]);
      await on.price('28999.8', '28999.9');
      await eventually(async () => expect(moved).toEqual([id, id]));
      expect(await on.exchange.order(id, 'entry')).toMatchObject({ status: 'filled' });
      await on.fault('ws-close', { call: '*' });
      await eventually(async () => expect(catchUps).toBe(2));
      expect(moved).toEqual([id, id]);
    } finally {
      await executions.close();
    }
  });
});
