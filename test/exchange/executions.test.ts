import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  createKrakenExecutions,
  type KrakenExecutions,
  type OrderNews,
} from '../../src/exchange/kraken/executions.ts';
import { recordedLog, type RecordedLog } from './scripted-kraken.ts';
import { ScriptedStream, until } from './scripted-stream.ts';

const ORDER_ID = 'OK4GJX-KSTLS-7DZZO5';
const CLIENT_ID = 'hfxABCDEFGHIJKLMNO';

let stream: ScriptedStream;
let executions: KrakenExecutions;
let news: OrderNews[];
let catchUps: number[];
let tokens: string[];
let log: RecordedLog;

beforeEach(async () => {
  stream = new ScriptedStream();
  await stream.start();
  news = [];
  catchUps = [];
  tokens = [];
  log = recordedLog();
  stream.answer = (client, { method }) => {
    if (method === 'subscribe') client.send(frame(1, [], 'snapshot'));
  };
  executions = createKrakenExecutions({
    wsUrl: stream.url,
    token: async () => {
      tokens.push(`token-${tokens.length}`);
      return tokens.at(-1) ?? '';
    },
    onOrder: (each) => news.push(each),
    onCatchUp: (sinceMs) => catchUps.push(sinceMs),
    log,
    staleAfterMs: 10_000,
  });
});

afterEach(async () => {
  await executions.close();
  await stream.stop();
});

function frame(sequence: number, data: object[], type = 'update'): string {
  return JSON.stringify({ channel: 'executions', type, sequence, data });
}

const PENDING = {
  order_id: ORDER_ID,
  cl_ord_id: CLIENT_ID,
  symbol: 'BTC/USD',
  order_qty: 0.005,
  cum_cost: 0,
  exec_type: 'pending_new',
  side: 'sell',
  order_type: 'market',
  order_status: 'pending_new',
  timestamp: '2023-09-22T10:33:05.709950Z',
};
const NEW = {
  order_id: ORDER_ID,
  exec_type: 'new',
  order_status: 'new',
  timestamp: '2023-09-22T10:33:05.709982Z',
};
const TRADE = {
  order_id: ORDER_ID,
  exec_id: 'TGBB7L-HT5LX-J3BZ4A',
  exec_type: 'trade',
  trade_id: 62887576,
  symbol: 'BTC/USD',
  side: 'sell',
  last_qty: 0.005,
  last_price: 26599.9,
  liquidity_ind: 't',
  cost: 132.9995,
  order_status: 'partially_filled',
  cum_qty: 0.005,
  cum_cost: 132.9995,
  avg_price: 26599.9,
  fees: [{ asset: 'USD', qty: 0.3458 }],
  timestamp: '2023-09-22T10:33:05.709993Z',
};
const FILLED = { order_id: ORDER_ID, exec_type: 'filled', order_status: 'filled', cum_qty: 0.005 };

describe('private executions', () => {
  it('makes whole news of sparse events, each fill once', async () => {
    await until(() => executions.live());
    expect(stream.requests[0]?.params).toMatchObject({ channel: 'executions', token: 'token-0' });
    stream.send(frame(2, [PENDING]));
    stream.send(frame(3, [NEW]));
    stream.send(frame(4, [TRADE]));
    stream.send(frame(4, [TRADE]));
    stream.send(frame(5, [FILLED]));
    await until(() => news.length >= 4);
    expect(news.map(({ status }) => status)).toEqual(['pending', 'open', 'open', 'filled']);
    expect(news[2]).toEqual({
      exchangeOrderId: ORDER_ID,
      clientOrderId: CLIENT_ID,
      symbol: 'BTC/USD',
      side: 'sell',
      status: 'open',
      quantity: '0.005',
      filledQuantity: '0.005',
      reason: null,
      fill: {
        fillId: 'TGBB7L-HT5LX-J3BZ4A',
        quantity: '0.005',
        price: '26599.9',
        cost: '132.9995',
        fee: '0.3458',
        timeMs: Date.parse('2023-09-22T10:33:05.709Z'),
      },
    });
    expect(news[3]).toMatchObject({ clientOrderId: CLIENT_ID, filledQuantity: '0.005', fill: null });
  });

  it('subscribes anew with a fresh token after a gap, and asks for what it missed', async () => {
    await until(() => executions.live());
    expect(catchUps).toHaveLength(1);
    const before = Date.now();
    stream.send(frame(2, [PENDING]));
    await until(() => news.length === 1);
    stream.send(frame(4, [TRADE]));
    await until(() => catchUps.length === 2);
    expect(stream.sent('subscribe').map((request) => request.params?.token)).toEqual(['token-0', 'token-1']);
    expect(catchUps[1]).toBeGreaterThanOrEqual(before);
    expect(news).toHaveLength(1);
    expect(executions.live()).toBe(true);
  });

  it('tells a fill only once, even when a snapshot repeats it', async () => {
    await until(() => executions.live());
    stream.send(frame(2, [PENDING, TRADE]));
    await until(() => news.length === 2);
    stream.answer = (client, { method }) => {
      if (method === 'subscribe') client.send(frame(1, [TRADE, { ...NEW, order_id: 'OZZZZZ' }], 'snapshot'));
    };
    stream.clients[0]?.close();
    await until(() => news.length === 3);
    expect(news.filter((each) => each.fill !== null)).toHaveLength(1);
  });

  it('comes back after a refused subscription, without telling the token', async () => {
    await until(() => executions.live());
    let refusals = 0;
    stream.answer = (client, { method }) => {
      if (method !== 'subscribe') return;
      if (refusals++ === 0)
        client.send('{"method":"subscribe","success":false,"error":"ESession:Invalid session"}');
      else client.send(frame(1, [], 'snapshot'));
    };
    stream.clients[0]?.close();
    await until(() => catchUps.length === 2);
    expect(log.lines.join()).not.toContain('token-');
  });
});
