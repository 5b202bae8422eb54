import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { eventually, startPaper, type Paper, type PaperClient } from './paper-support.ts';

interface Frame {
  readonly channel?: string;
  readonly method?: string;
  readonly type?: string;
  readonly success?: boolean;
  readonly error?: string;
  readonly req_id?: number;
  readonly sequence?: number;
  readonly result?: Readonly<Record<string, unknown>>;
  readonly data?: readonly Readonly<Record<string, unknown>>[];
}

/** A connection that keeps every frame. */
class Stream {
  readonly frames: Frame[] = [];
  closed = false;
  readonly #socket: WebSocket;

  constructor(url: string) {
    this.#socket = new WebSocket(url);
    this.#socket.on('message', (data: Buffer) => this.frames.push(JSON.parse(data.toString()) as Frame));
    this.#socket.on('close', () => (this.closed = true));
    this.#socket.on('error', () => (this.closed = true));
  }

  async open(): Promise<this> {
    await this.next((frame) => frame.channel === 'status');
    return this;
  }

  send(method: string, params: object = {}, reqId = 1): void {
    this.#socket.send(JSON.stringify({ method, params, req_id: reqId }));
  }

  next(matches: (frame: Frame) => boolean): Promise<Frame> {
    return eventually('a frame', () => this.frames.find(matches));
  }

  data(channel: string, type = 'update'): Readonly<Record<string, unknown>>[] {
    return this.frames
      .filter((frame) => frame.channel === channel && frame.type === type)
      .flatMap((frame) => frame.data ?? []);
  }

  close(): void {
    this.#socket.terminate();
  }
}

let paper: Paper;
let client: PaperClient;
let streams: Stream[];

beforeEach(async () => {
  paper = await startPaper({ balances: { ZUSD: '10000', XXBT: '0.5' } });
  ({ client } = paper);
  streams = [];
  await client.price('BTC/USD', '30000.0', '30000.1');
});
afterEach(async () => {
  for (const stream of streams) stream.close();
  await paper.exchange.close();
});

async function connect(): Promise<Stream> {
  const stream = new Stream(paper.exchange.wsUrl);
  streams.push(stream);
  return stream.open();
}

async function token(): Promise<string> {
  return (await client.ok('GetWebSocketsToken')).token;
}

const BUY = { pair: 'XBTUSD', type: 'buy', ordertype: 'market', volume: '0.01' };

describe('public channels', () => {
  it('acknowledges each symbol by itself and refuses old names', async () => {
    const stream = await connect();
    stream.send('subscribe', { channel: 'ticker', symbol: ['BTC/USD', 'ETH/USD', 'XBT/USD'] });
    await stream.next((frame) => frame.success === false);
    const replies = stream.frames.filter((frame) => frame.method === 'subscribe');
    expect(replies.map((frame) => frame.result?.symbol ?? frame.error)).toEqual([
      'BTC/USD',
      'ETH/USD',
      'Currency pair not supported XBT/USD',
    ]);
    expect(stream.data('ticker', 'snapshot')[0]).toMatchObject({
      symbol: 'BTC/USD',
      bid: 30_000,
      ask: 30_000.1,
    });
  });

  it('pushes a ticker when the quote moves, and nothing after unsubscribing', async () => {
    const stream = await connect();
    stream.send('subscribe', {
      channel: 'ticker',
      symbol: ['BTC/USD'],
      event_trigger: 'bbo',
      snapshot: false,
    });
    await stream.next((frame) => frame.success === true);
    await client.price('BTC/USD', '30500.0', '30500.1');
    await stream.next((frame) => frame.channel === 'ticker');
    expect(stream.data('ticker')).toMatchObject([{ bid: 30_500, ask: 30_500.1, last: 30_500 }]);
    stream.send('unsubscribe', { channel: 'ticker', symbol: ['BTC/USD'] }, 2);
    await stream.next((frame) => frame.req_id === 2);
    await client.price('BTC/USD', '30600.0', '30600.1');
    stream.send('ping', {}, 3);
    await stream.next((frame) => frame.method === 'pong' && frame.req_id === 3);
    expect(stream.data('ticker')).toHaveLength(1);
  });

  it('beats about once a second while subscribed', async () => {
    const stream = await connect();
    stream.send('subscribe', { channel: 'trade', symbol: ['ADA/USD'] });
    await stream.next((frame) => frame.channel === 'heartbeat');
  });

  it('tells trades, candles and instruments', async () => {
    const stream = await connect();
    stream.send('subscribe', { channel: 'trade', symbol: ['BTC/USD'] });
    stream.send('subscribe', { channel: 'ohlc', symbol: ['BTC/USD'], interval: 1 });
    stream.send('subscribe', { channel: 'instrument' });
    await stream.next((frame) => frame.channel === 'instrument');
    await client.price('BTC/USD', '30100.0', '30100.1');
    await stream.next((frame) => frame.channel === 'ohlc' && frame.type === 'update');
    expect(stream.data('trade')).toMatchObject([{ symbol: 'BTC/USD', price: 30_100, side: 'buy' }]);
    expect(stream.data('ohlc')[0]).toMatchObject({ close: 30_100, interval: 1 });
    const [instruments] = stream.data('instrument', 'snapshot') as [
      { pairs: { symbol: string; qty_min: number }[] },
    ];
    expect(instruments.pairs.find(({ symbol }) => symbol === 'BTC/USD')).toMatchObject({ qty_min: 0.00005 });
  });
});

describe('own executions and balances', () => {
  it('numbers its messages from 1 and tells a fill in Kraken’s order of events', async () => {
    const stream = await connect();
    stream.send('subscribe', { channel: 'executions', token: await token(), snap_orders: true });
    await stream.next((frame) => frame.channel === 'executions');
    const txid = await client.order({ ...BUY, cl_ord_id: 'streamed' });
    await eventually('the fill', () =>
      stream.data('executions').some(({ exec_type }) => exec_type === 'filled'),
    );
    const events = stream.data('executions');
    expect(events.map(({ exec_type, order_status }) => [exec_type, order_status])).toEqual([
      ['pending_new', 'pending_new'],
      ['new', 'new'],
      ['trade', 'partially_filled'],
      ['filled', 'filled'],
    ]);
    expect(events.every(({ order_id, cl_ord_id }) => order_id === txid && cl_ord_id === 'streamed')).toBe(
      true,
    );
    expect(events[2]).toMatchObject({
      last_qty: 0.01,
      last_price: 30_000.1,
      cost: 300.001,
      liquidity_ind: 't',
    });
    const sequences = stream.frames
      .filter(({ channel }) => channel === 'executions')
      .map(({ sequence }) => sequence);
    expect(sequences).toEqual([1, 2, 3, 4, 5]);
  });

  it('shows open orders in the snapshot, past trades when asked, and refuses a wrong token', async () => {
    const open = await client.order({ ...BUY, ordertype: 'limit', price: '29000' });
    const filled = await client.order(BUY);
    const stream = await connect();
    stream.send('subscribe', { channel: 'executions', token: 'nonsense' });
    expect((await stream.next((frame) => frame.success === false)).error).toBe('ESession:Invalid session');
    stream.send('subscribe', { channel: 'executions', token: await token(), snap_trades: true }, 2);
    await stream.next((frame) => frame.channel === 'executions' && frame.sequence === 2);
    expect(stream.data('executions', 'snapshot').map(({ order_id }) => order_id)).toEqual([open, filled]);
  });

  it('tells balances as they change', async () => {
    const stream = await connect();
    stream.send('subscribe', { channel: 'balances', token: await token() });
    await stream.next((frame) => frame.channel === 'balances');
    expect(stream.data('balances', 'snapshot').find(({ asset }) => asset === 'USD')).toMatchObject({
      balance: 10_000,
    });
    await client.order(BUY);
    await eventually('both ledger entries', () => stream.data('balances').length === 2);
    expect(stream.data('balances')).toMatchObject([
      { asset: 'BTC', amount: 0.01, balance: 0.51 },
      { asset: 'USD', amount: -300.001, fee: 1.2 },
    ]);
  });
});

describe('trading', () => {
  it('adds, amends and cancels, one answer an order', async () => {
    const stream = await connect();
    const own = await token();
    const order = {
      order_type: 'limit',
      side: 'buy',
      order_qty: 0.01,
      symbol: 'BTC/USD',
      limit_price: 29_000,
      token: own,
    };
    stream.send('add_order', { ...order, cl_ord_id: 'by-socket' }, 11);
    const added = await stream.next((frame) => frame.req_id === 11);
    expect(added).toMatchObject({ success: true, result: { cl_ord_id: 'by-socket' } });
    stream.send('add_order', { ...order, order_qty: 10 }, 12);
    expect((await stream.next((frame) => frame.req_id === 12)).error).toBe('EOrder:Insufficient funds');
    stream.send(
      'amend_order',
      { cl_ord_id: 'by-socket', limit_price: 28_000, order_qty: 0.01, token: own },
      13,
    );
    expect(await stream.next((frame) => frame.req_id === 13)).toMatchObject({ success: true });
    const txid = String(added.result?.order_id);
    expect((await client.query(txid)).descr.price).toBe('28000.0');
    stream.send('cancel_order', { order_id: [txid, 'OAAAAA-AAAAA-AAAAAA'], token: own }, 14);
    await eventually('two answers', () => stream.frames.filter((frame) => frame.req_id === 14).length === 2);
    expect(stream.frames.filter((frame) => frame.req_id === 14).map(({ success }) => success)).toEqual([
      true,
      false,
    ]);
    expect((await client.orders()).map(({ accepted }) => accepted)).toEqual([true, false]);
  });

  it('refuses an order whose deadline has passed', async () => {
    const stream = await connect();
    const order = {
      order_type: 'market',
      side: 'buy',
      order_qty: 0.01,
      symbol: 'BTC/USD',
      token: await token(),
    };
    stream.send('add_order', { ...order, deadline: new Date(Date.now() - 1).toISOString() }, 21);
    expect((await stream.next((frame) => frame.req_id === 21)).error).toBe('EService:Deadline elapsed');
  });
});

describe('faults of the connection', () => {
  it('ws-close: cuts everyone off, and the next connection works', async () => {
    const stream = await connect();
    await client.fault('ws-close');
    await eventually('the connection is gone', () => stream.closed);
    await connect();
  });

  it('ws-stall: stays connected and silent; a new connection speaks', async () => {
    const stream = await connect();
    stream.send('subscribe', { channel: 'ticker', symbol: ['BTC/USD'] });
    await stream.next((frame) => frame.channel === 'ticker');
    await client.fault('ws-stall', { delayMs: 60_000 });
    const other = await connect();
    other.send('subscribe', { channel: 'ticker', symbol: ['BTC/USD'], snapshot: false });
    await other.next((frame) => frame.success === true);
    await client.price('BTC/USD', '31000.0', '31000.1');
    await other.next((frame) => frame.channel === 'ticker');
    expect([stream.closed, stream.data('ticker')]).toEqual([false, []]);
    await client.control('DELETE', 'faults');
    await client.price('BTC/USD', '32000.0', '32000.1');
    await eventually('it speaks again', () => stream.data('ticker').length === 1);
  });

  it('duplicate-frame: the same frame twice', async () => {
    const stream = await connect();
    stream.send('subscribe', { channel: 'executions', token: await token() });
    await stream.next((frame) => frame.channel === 'executions');
    await client.fault('duplicate-frame', { call: 'executions' });
    await client.order(BUY);
    await eventually('the fill', () =>
      stream.data('executions').some(({ exec_type }) => exec_type === 'filled'),
    );
    const sequences = stream.frames
      .filter(({ channel }) => channel === 'executions')
      .map(({ sequence }) => sequence);
    expect(sequences).toEqual([1, 2, 2, 3, 4, 5]);
  });
});
