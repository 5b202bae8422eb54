import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { add } from '../../src/domain/money.ts';
import { clientOrderId } from '../../src/exchange/client-order-id.ts';
import { createKrakenExecutions, type OrderNews } from '../../src/exchange/kraken/executions.ts';
import { createKrakenFeed } from '../../src/exchange/kraken/feed.ts';
import { createKrakenExchange, type KrakenExchange } from '../../src/exchange/kraken/kraken-exchange.ts';
import { startPaperExchange, type PaperExchange } from '../../src/exchange/paper/server.ts';
import type { OrderRequest, Quote } from '../../src/exchange/port.ts';
import { recordedLog } from '../exchange/scripted-kraken.ts';

/** The adapter against the paper exchange, over real HTTP and WebSocket. */

interface Arrival {
  readonly clOrdId: string | null;
  readonly accepted: boolean;
  readonly txid: string | null;
  readonly error: string | null;
}

let directory: string;
let paper: PaperExchange;
let exchange: KrakenExchange;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'kraken-adapter-'));
  paper = await startPaper(0);
  exchange = createKrakenExchange({
    restUrl: paper.url,
    key: paper.key,
    secret: paper.secret,
    tier: 'unlimited',
    timeoutMs: 1_000,
    log: recordedLog(),
  });
  await control('POST', 'price', { pair: 'BTC/USD', bid: '30000.0', ask: '30000.1' });
});

afterEach(async () => {
  exchange.close();
  await paper.close();
  await rm(directory, { recursive: true, force: true });
});

function startPaper(port: number): Promise<PaperExchange> {
  return startPaperExchange({
    port,
    journalFile: join(directory, 'journal'),
    market: { source: 'manual' },
    tier: 'unlimited',
  });
}

async function control(method: string, path: string, body?: object): Promise<unknown> {
  const response = await fetch(`${paper.url}/control/${path}`, {
    method,
    ...(body && { body: JSON.stringify(body) }),
  });
  expect(response.status, `${method} ${path}`).toBe(200);
  return response.json();
}

function fault(kind: string, changes: object = {}): Promise<unknown> {
  return control('POST', 'faults', { call: 'AddOrder', kind, times: 1, ...changes });
}

async function arrivals(id: string): Promise<Arrival[]> {
  const all = (await control('GET', 'orders')) as Arrival[];
  return all.filter((arrival) => arrival.clOrdId === id);
}

let requests = 0;
function request(changes: Partial<OrderRequest> = {}): OrderRequest {
  requests += 1;
  return {
    clientOrderId: clientOrderId(`trade-${requests}`, 'entry'),
    symbol: 'BTC/USD',
    side: 'buy',
    type: 'market',
    quantity: '0.01',
    deadlineMs: Date.now() + 10_000,
    ...changes,
  };
}

/** Asks until the order shows up; the exchange's lists may lag. */
async function eventually<T>(ask: () => Promise<T>): Promise<T> {
  return vi.waitFor(ask, { timeout: 20_000, interval: 100 });
}

describe('orders on the paper exchange', () => {
  it('fill, and are told with every fill', async () => {
    const order = request();
    const outcome = await exchange.submit(order, 'entry');
    expect(outcome.kind).toBe('accepted');
    if (outcome.kind !== 'accepted') return;
    const snapshot = await exchange.order(outcome.exchangeOrderId, 'entry');
    expect(snapshot).toMatchObject({
      clientOrderId: order.clientOrderId,
      symbol: 'BTC/USD',
      side: 'buy',
      status: 'filled',
      filledQuantity: '0.01',
    });
    expect(add(...(snapshot?.fills ?? []).map((fill) => fill.cost))).toBe(snapshot?.cost);
    expect(add(...(snapshot?.fills ?? []).map((fill) => fill.fee))).toBe(snapshot?.fee);
    expect(Math.abs((snapshot?.openedAtMs ?? 0) - Date.now())).toBeLessThan(60_000);
    const since = Date.now() - 60_000;
    expect((await exchange.lookUp(order.clientOrderId, since, 'look-up')).order).toEqual(snapshot);
    expect((await exchange.closedOrders(since)).map((each) => each.exchangeOrderId)).toEqual([
      outcome.exchangeOrderId,
    ]);
    const fills = await exchange.fills(since);
    expect(fills.map((fill) => fill.exchangeOrderId)).toEqual(
      snapshot?.fills.map(() => outcome.exchangeOrderId),
    );
    const balances = await exchange.balances();
    expect(balances.find((balance) => balance.asset === 'BTC')?.total).toBe('0.01');
  });

  it('rest, hold money and can be cancelled once', async () => {
    const order = request({ type: 'limit', limitPrice: '20000' });
    const outcome = await exchange.submit(order, 'entry');
    if (outcome.kind !== 'accepted') throw new Error(`not accepted: ${outcome.kind}`);
    expect((await exchange.openOrders()).map((each) => each.clientOrderId)).toEqual([order.clientOrderId]);
    const usd = (await exchange.balances()).find((balance) => balance.asset === 'USD');
    expect(Number(usd?.held)).toBeGreaterThanOrEqual(200);
    expect(await exchange.cancel(outcome.exchangeOrderId, 'exit')).toEqual({ kind: 'cancelled' });
    expect(await exchange.cancel(outcome.exchangeOrderId, 'exit')).toEqual({ kind: 'not-open' });
    expect(await exchange.order(outcome.exchangeOrderId, 'exit')).toMatchObject({
      status: 'cancelled',
      filledQuantity: '0',
      fills: [],
    });
  });

  it('keep what a partial fill bought', async () => {
    await fault('partial-fill', { fraction: 0.4 });
    const order = request({ type: 'limit', limitPrice: '30001' });
    const outcome = await exchange.submit(order, 'entry');
    if (outcome.kind !== 'accepted') throw new Error(`not accepted: ${outcome.kind}`);
    await exchange.cancel(outcome.exchangeOrderId, 'exit');
    expect(await exchange.order(outcome.exchangeOrderId, 'exit')).toMatchObject({
      status: 'cancelled',
      filledQuantity: '0.004',
    });
  });

  it('open and close a short on margin', async () => {
    const opened = await exchange.submit(request({ side: 'sell', leverage: 2 }), 'entry');
    expect(opened.kind).toBe('accepted');
    expect(await exchange.marginPositions()).toMatchObject([
      { symbol: 'BTC/USD', side: 'sell', quantity: '0.01', closedQuantity: '0' },
    ]);
    const closed = await exchange.submit(request({ leverage: 2, reduceOnly: true }), 'exit');
    expect(closed.kind).toBe('accepted');
    expect(await exchange.marginPositions()).toEqual([]);
  });

  it.each<[what: string, changes: Partial<OrderRequest>, code: RegExp]>([
    ['too much for the money', { quantity: '100' }, /^EOrder:Insufficient funds$/],
    ['too small', { quantity: '0.00001' }, /minimum not met$/],
    ['of too fine a price', { type: 'limit', limitPrice: '20000.01' }, /^EOrder:Invalid price/],
    ['of an unknown pair', { symbol: 'NO/PAIR' }, /^EQuery:Unknown asset pair$/],
    ['due too soon', { deadlineMs: Date.now() }, /^(deadline-passed|EGeneral:Invalid arguments:deadline)$/],
  ])('are refused when %s', async (_what, changes, code) => {
    const order = request(changes);
    const outcome = await exchange.submit(order, 'entry');
    expect(outcome).toMatchObject({ kind: 'refused', code: expect.stringMatching(code) as string });
    const found = await exchange.lookUp(order.clientOrderId, Date.now() - 60_000, 'look-up');
    expect(found.order).toBeNull();
  });

  it('are there after the exchange was restarted', async () => {
    const order = request();
    await exchange.submit(order, 'entry');
    const port = Number(new URL(paper.url).port);
    await paper.close();
    await expect(exchange.lookUp(order.clientOrderId, Date.now() - 60_000, 'look-up')).rejects.toThrow();
    paper = await startPaper(port);
    const found = await exchange.lookUp(order.clientOrderId, Date.now() - 60_000, 'look-up');
    expect(found.order).toMatchObject({ status: 'filled', filledQuantity: '0.01' });
  });
});

describe('faults of the paper exchange', () => {
  const lost = [
    'drop-after',
    'reset-after',
    'http-502-after',
    'http-520-after',
    'html-200-after',
    'warning-after',
  ];

  it.each(lost.flatMap((kind) => (['market', 'limit'] as const).map((type) => [kind, type] as const)))(
    '%s of a %s order: unknown, sent once, and found',
    async (kind, type) => {
      await fault(kind);
      const order = request({ type, ...(type === 'limit' && { limitPrice: '29000' }) });
      expect(await exchange.submit(order, 'entry')).toMatchObject({ kind: 'unknown' });
      const { order: found } = await exchange.lookUp(order.clientOrderId, Date.now() - 60_000, 'look-up');
      expect(found).toMatchObject({
        clientOrderId: order.clientOrderId,
        status: type === 'market' ? 'filled' : 'open',
      });
      expect(await arrivals(order.clientOrderId)).toMatchObject([{ accepted: true }]);
    },
  );

  it.each(['drop-before'])('%s: unknown, and not there', async (kind) => {
    await fault(kind);
    const order = request();
    expect(await exchange.submit(order, 'entry')).toMatchObject({ kind: 'unknown' });
    const found = await exchange.lookUp(order.clientOrderId, Date.now() - 60_000, 'look-up');
    expect(found.order).toBeNull();
    expect((await arrivals(order.clientOrderId)).filter((arrival) => arrival.accepted)).toEqual([]);
  });

  it.each([
    ['EService:Timeout', true],
    ['EService:Busy', false],
    ['EService:Deadline elapsed', true],
    ['EGeneral:Internal error', false],
  ])('error %s, carried out %s: unknown, and the truth is found', async (error, executed) => {
    await fault('error', { error, executed });
    const order = request();
    expect(await exchange.submit(order, 'entry')).toMatchObject({ kind: 'unknown', why: error });
    const found = await exchange.lookUp(order.clientOrderId, Date.now() - 60_000, 'look-up');
    expect(found.order !== null).toBe(executed);
  });

  it('delay: an order that lands after the answer was given up is found in the end', async () => {
    await fault('delay', { delayMs: 4_000 });
    const order = request();
    expect(await exchange.submit(order, 'entry')).toMatchObject({ kind: 'unknown' });
    const early = await exchange.lookUp(order.clientOrderId, Date.now() - 60_000, 'look-up');
    expect(early.order).toBeNull();
    const late = await eventually(async () => {
      const { order: found } = await exchange.lookUp(order.clientOrderId, Date.now() - 60_000, 'look-up');
      expect(found).not.toBeNull();
      return found;
    });
    expect(late).toMatchObject({ status: 'filled' });
  });

  it('delay: an order that lands after its deadline is refused by the exchange', async () => {
    await fault('delay', { delayMs: 3_500 });
    const order = request({ deadlineMs: Date.now() + 3_000 });
    expect(await exchange.submit(order, 'entry')).toMatchObject({ kind: 'unknown' });
    await eventually(async () => {
      expect(await arrivals(order.clientOrderId)).toMatchObject([
        { accepted: false, error: 'EService:Deadline elapsed' },
      ]);
    });
    const found = await exchange.lookUp(order.clientOrderId, Date.now() - 60_000, 'look-up');
    expect(found.order).toBeNull();
  });

  it('listing-lag: an order that no list shows yet is found in the end', async () => {
    await fault('listing-lag', { delayMs: 1_500 });
    await fault('drop-after');
    const order = request();
    expect(await exchange.submit(order, 'entry')).toMatchObject({ kind: 'unknown' });
    const found = await eventually(async () => {
      const { order: seen } = await exchange.lookUp(order.clientOrderId, Date.now() - 60_000, 'look-up');
      expect(seen).not.toBeNull();
      return seen;
    });
    expect(found).toMatchObject({ status: 'filled', filledQuantity: '0.01' });
  });

  it.each(['OpenOrders', 'ClosedOrders', 'TradesHistory', 'QueryOrders', 'QueryTrades'])(
    'a %s that fails in any way is no answer to a look-up',
    async (call) => {
      const order = request();
      await exchange.submit(order, 'entry');
      const id = call === 'TradesHistory' ? 'hfeNEVERNEVERNEVER' : order.clientOrderId;
      for (const kind of [
        'http-502-after',
        'html-200-after',
        'reset-after',
        'warning-after',
        'drop-before',
      ]) {
        await fault(kind, { call });
        await expect(exchange.lookUp(id, Date.now() - 60_000, 'look-up'), kind).rejects.toMatchObject({
          name: 'ExchangeUnavailable',
        });
      }
      const after = await exchange.lookUp(order.clientOrderId, Date.now() - 60_000, 'look-up');
      expect(after.order).toMatchObject({ status: 'filled' });
    },
  );
});

describe('the market of the paper exchange', () => {
  it('is told by request', async () => {
    const instruments = await exchange.instruments();
    expect(instruments.find(({ symbol }) => symbol === 'BTC/USD')).toMatchObject({
      base: 'BTC',
      quote: 'USD',
    });
    expect(await exchange.quotes(['BTC/USD'])).toMatchObject([{ bid: '30000', ask: '30000.1' }]);
    expect(await exchange.clockOffsetMs()).toBe(0);
    expect(await exchange.keyInfo()).toMatchObject({ canWithdraw: false, nonceWindow: 0 });
    const candles = await exchange.candles('BTC/USD', 60_000, 5);
    for (const [index, candle] of candles.entries()) {
      expect(candle.startMs % 60_000).toBe(0);
      expect(candle.startMs - (candles[index - 1]?.startMs ?? candle.startMs - 60_000)).toBe(60_000);
      expect(candle.startMs + 60_000).toBeLessThanOrEqual(Date.now());
    }
    await exchange.candles('BTC/USD', 2_000, 5);
  });

  it('is fresh again after ws-close, ws-stall, a doubled frame and a restart', async () => {
    const quotes: Quote[] = [];
    const feed = createKrakenFeed({
      wsUrl: paper.wsUrl,
      log: recordedLog(),
      restQuotes: (symbols) => exchange.quotes(symbols),
      staleAfterMs: 1_500,
    });
    feed.onQuote((quote) => quotes.push(quote));
    feed.subscribe(['BTC/USD']);
    let bid = 30_000;
    /** Moves the price and waits until the feed tells it. */
    async function moves(via?: Quote['via']): Promise<void> {
      bid += 10;
      await control('POST', 'price', { pair: 'BTC/USD', bid: `${bid}.0`, ask: `${bid}.1` });
      await eventually(async () =>
        expect(quotes.findLast((quote) => via === undefined || quote.via === via)?.bid).toBe(String(bid)),
      );
    }
    try {
      await moves('stream');
      await fault('duplicate-frame', { call: 'ticker' });
      await moves('stream');
      await fault('ws-close', { call: '*' });
      await moves('stream');
      await fault('ws-stall', { call: '*', delayMs: 60_000 });
      await moves('request');
      await moves('stream');
      const port = Number(new URL(paper.url).port);
      await paper.close();
      await eventually(async () => expect(feed.status().connected).toBe(false));
      paper = await startPaper(port);
      await moves('stream');
    } finally {
      await feed.close();
    }
  });

  it('tells of our orders at once and each fill once, and asks for what a lost connection hid', async () => {
    const news: OrderNews[] = [];
    const catchUps: number[] = [];
    const executions = createKrakenExecutions({
      wsUrl: paper.wsUrl,
      token: () => exchange.webSocketToken(),
      onOrder: (each) => news.push(each),
      onCatchUp: (sinceMs) => catchUps.push(sinceMs),
      log: recordedLog(),
    });
    try {
      await eventually(async () => expect(executions.live()).toBe(true));
      await fault('duplicate-frame', { call: 'executions', times: 2 });
      const order = request();
      await exchange.submit(order, 'entry');
      const own = () => news.filter((each) => each.clientOrderId === order.clientOrderId);
      await eventually(async () => expect(own().at(-1)?.status).toBe('filled'));
      expect(add('0', ...own().flatMap((each) => each.fill?.quantity ?? []))).toBe('0.01');
      await fault('ws-close', { call: '*' });
      await eventually(async () => expect(catchUps).toHaveLength(2));
      expect(add('0', ...own().flatMap((each) => each.fill?.quantity ?? []))).toBe('0.01');
    } finally {
      await executions.close();
    }
  });
});
