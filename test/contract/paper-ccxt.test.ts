import ccxt, { type kraken } from 'ccxt';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startPaper, type Paper } from './paper-support.ts';

function idOf(order: { readonly id?: string | undefined }): string {
  if (order.id === undefined) throw new Error('ccxt gave an order without id');
  return order.id;
}

/** Unmodified ccxt trades on the paper exchange. */
describe('ccxt on the paper exchange', () => {
  let paper: Paper;
  let rest: kraken;
  let stream: InstanceType<typeof ccxt.pro.kraken>;

  beforeAll(async () => {
    paper = await startPaper({ balances: { ZUSD: '50000', XXBT: '1' } });
    await paper.client.price('BTC/USD', '30000.0', '30000.1');
    const { url, key, secret } = paper.exchange;
    const ws = url.replace('http', 'ws');
    const options = {
      apiKey: key,
      secret,
      enableRateLimit: false,
      urls: {
        api: {
          public: url,
          private: url,
          ws: {
            public: ws,
            private: ws,
            publicV2: `${ws}/v2`,
            privateV2: `${ws}/v2`,
            beta: ws,
            betaV2: `${ws}/v2`,
          },
        },
      },
    };
    rest = new ccxt.kraken(options);
    stream = new ccxt.pro.kraken(options);
    // One key serves both: microseconds keep their nonces apart and rising.
    const base = Date.now() * 1000;
    let count = 0;
    for (const client of [rest, stream]) client.nonce = () => base + (count += 1);
    await stream.loadHttpProxyAgent();
  });

  afterAll(async () => {
    await stream.close();
    await paper.exchange.close();
  });

  it('loads the markets with their precisions and minimums', async () => {
    const markets = await rest.loadMarkets();
    expect(Object.keys(markets).length).toBeGreaterThanOrEqual(50);
    expect(markets['BTC/USD']).toMatchObject({
      id: 'XXBTZUSD',
      base: 'BTC',
      quote: 'USD',
      taker: 0.004,
      maker: 0.0025,
      precision: { price: 0.1, amount: 1e-8 },
      limits: { amount: { min: 0.00005 }, cost: { min: 0.5 } },
    });
  });

  it('reads balance, ticker, book, trades and candles', async () => {
    const balance = await rest.fetchBalance();
    expect(balance.USD).toMatchObject({ total: 50_000, free: 50_000 });
    const ticker = await rest.fetchTicker('BTC/USD');
    expect([ticker.bid, ticker.ask]).toEqual([30_000, 30_000.1]);
    const book = await rest.fetchOrderBook('BTC/USD', 20);
    expect([book.bids.length, book.asks.length]).toEqual([20, 20]);
    expect(book.asks[0]?.[0]).toBe(30_000.1);
    expect((await rest.fetchTrades('BTC/USD')).length).toBeGreaterThan(0);
    expect((await rest.fetchOHLCV('BTC/USD', '1m')).at(-1)?.[4]).toBe(30_000);
  });

  it('buys at market and finds the order with its fill', async () => {
    const placed = await rest.createOrder('BTC/USD', 'market', 'buy', 0.01, undefined, {
      clientOrderId: 'hfeCCXTMARKETBUY22',
    });
    const order = await rest.fetchOrder(idOf(placed), 'BTC/USD');
    expect(order).toMatchObject({ status: 'closed', filled: 0.01, cost: 300.001, average: 30_000.1 });
    expect(order.fee).toMatchObject({ currency: 'USD', cost: '1.20000' });
    const trades = await rest.fetchMyTrades('BTC/USD');
    expect(trades.find((trade) => trade.order === placed.id)).toMatchObject({
      amount: 0.01,
      price: 30_000.1,
    });
  });

  it('rests a limit order, amends, and cancels it', async () => {
    const placed = await rest.createOrder('BTC/USD', 'limit', 'buy', 0.01, 29_000);
    const open = await rest.fetchOpenOrders('BTC/USD');
    expect(open.map((order) => order.id)).toContain(placed.id);
    await rest.editOrder(idOf(placed), 'BTC/USD', 'limit', 'buy', 0.02, 28_500);
    expect(await rest.fetchOrder(idOf(placed))).toMatchObject({
      status: 'open',
      amount: 0.02,
      price: 28_500,
    });
    await rest.cancelOrder(idOf(placed), 'BTC/USD');
    expect((await rest.fetchOrder(idOf(placed))).status).toBe('canceled');
    const closed = await rest.fetchClosedOrders('BTC/USD');
    expect(closed.map((order) => order.id)).toContain(placed.id);
  });

  it('places a batch, and is told in its own words why an order is refused', async () => {
    const batch = await rest.createOrders([
      { symbol: 'BTC/USD', type: 'limit', side: 'buy', amount: 0.001, price: 20_000 },
      { symbol: 'BTC/USD', type: 'limit', side: 'buy', amount: 0.001, price: 20_001 },
    ]);
    expect(batch).toHaveLength(2);
    await rest.cancelAllOrders();
    expect(await rest.fetchOpenOrders('BTC/USD')).toHaveLength(0);
    await expect(rest.createOrder('BTC/USD', 'limit', 'buy', 10, 29_000)).rejects.toThrow(
      ccxt.InsufficientFunds,
    );
    await expect(rest.createOrder('BTC/USD', 'limit', 'buy', 0.00001, 29_000)).rejects.toThrow(
      ccxt.InvalidOrder,
    );
  });

  it('watches ticker and book by WebSocket', async () => {
    expect(await stream.watchTicker('BTC/USD')).toMatchObject({ bid: 30_000, ask: 30_000.1 });
    const next = stream.watchTicker('BTC/USD');
    await paper.client.price('BTC/USD', '30010.0', '30010.1');
    expect(await next).toMatchObject({ bid: 30_010, ask: 30_010.1 });
    // ccxt checks the checksum of every book it is sent.
    const book = await stream.watchOrderBook('BTC/USD', 10);
    expect(book.asks[0]?.[0]).toBe(30_010.1);
    const moved = stream.watchOrderBook('BTC/USD', 10);
    await paper.client.price('BTC/USD', '30020.0', '30020.2');
    expect((await moved).asks[0]?.[0]).toBe(30_020.2);
  });

  it('watches its own orders and trades by WebSocket', async () => {
    const limit = await rest.createOrder('BTC/USD', 'limit', 'sell', 0.01, 31_000);
    const snapshot = await stream.watchOrders('BTC/USD');
    expect(snapshot.map((order) => order.id)).toContain(limit.id);
    const update = stream.watchMyTrades('BTC/USD');
    const pricing = paper.client.price('BTC/USD', '31000.0', '31000.1');
    const [fill] = await update;
    await pricing;
    expect(fill).toMatchObject({ order: limit.id, amount: 0.01, price: 31_000, takerOrMaker: 'maker' });
  });

  it('places and cancels by WebSocket', async () => {
    const placed = await stream.createOrderWs('BTC/USD', 'limit', 'buy', 0.01, 25_000);
    expect((await rest.fetchOpenOrders('BTC/USD')).map((order) => order.id)).toContain(placed.id);
    await stream.cancelOrderWs(idOf(placed));
    expect(await rest.fetchOpenOrders('BTC/USD')).toHaveLength(0);
  });
});
