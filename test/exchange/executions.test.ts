import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createKrakenExecutions, type KrakenExecutions } from '../../src/exchange/kraken/executions.ts';
import { recordedLog, type RecordedLog } from './scripted-kraken.ts';
import { ScriptedStream, until } from './scripted-stream.ts';

const ORDER_ID = 'OK4GJX-KSTLS-7DZZO5';
const CLIENT_ID = 'hfxABCDEFGHIJKLMNO';

let stream: ScriptedStream;
let executions: KrakenExecutions;
let moved: string[];
let named: [exchangeOrderId: string, clientOrderId: string][];
let catchUps: number;
let tokens: string[];
let log: RecordedLog;

beforeEach(async () => {
  stream = new ScriptedStream();
  await stream.start();
  moved = [];
  named = [];
  catchUps = 0;
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
    onMoved: (exchangeOrderId) => moved.push(exchangeOrderId),
    onNamed: (exchangeOrderId, clientOrderId) => named.push([exchangeOrderId, clientOrderId]),
    onCatchUp: () => (catchUps += 1),
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
  it('tell of each fill and of the end, once, and of nothing else', async () => {
    await until(() => executions.live());
    expect(stream.requests[0]?.params).toMatchObject({ channel: 'executions', token: 'token-0' });
    stream.send(frame(2, [PENDING]));
    stream.send(frame(3, [NEW]));
    stream.send(frame(4, [TRADE]));
    stream.send(frame(4, [TRADE]));
    stream.send(frame(5, [{ ...TRADE, order_id: 'OZZZZZ' }, FILLED]));
    await until(() => moved.length >= 3);
    expect(moved).toEqual([ORDER_ID, 'OZZZZZ', ORDER_ID]);
    expect(named).toContainEqual([ORDER_ID, CLIENT_ID]);
  });

  it('subscribes anew with a fresh token after a gap, and has it asked what it missed', async () => {
    await until(() => executions.live());
    expect(catchUps).toBe(1);
    stream.send(frame(2, [PENDING]));
    stream.send(frame(4, [TRADE]));
    await until(() => catchUps === 2);
    expect(stream.sent('subscribe').map((request) => request.params?.token)).toEqual(['token-0', 'token-1']);
    expect(moved).toEqual([]);
    expect(executions.live()).toBe(true);
  });

  it('has it asked again after every new connection, whatever its snapshot says', async () => {
    await until(() => executions.live());
    stream.answer = (client, { method }) => {
      if (method === 'subscribe') client.send(frame(1, [TRADE, { ...NEW, order_id: 'OZZZZZ' }], 'snapshot'));
    };
    stream.clients[0]?.close();
    await until(() => catchUps === 2);
    expect(moved).toEqual([]);
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
    await until(() => catchUps === 2);
    expect(log.lines.join()).not.toContain('token-');
  });

  it('does not spend the calls of a key on tokens that it may not have', async () => {
    await executions.close();
    let asked = 0;
    executions = createKrakenExecutions({
      wsUrl: stream.url,
      token: () => {
        asked += 1;
        return Promise.reject(new Error('EGeneral:Permission denied'));
      },
      onMoved: (exchangeOrderId) => moved.push(exchangeOrderId),
      onNamed: (exchangeOrderId, clientOrderId) => named.push([exchangeOrderId, clientOrderId]),
      onCatchUp: () => (catchUps += 1),
      log,
    });
    await until(() => asked === 1);
    const connections = stream.clients.length;
    stream.clients.at(-1)?.close();
    await until(() => stream.clients.length > connections);
    stream.send('{"channel":"heartbeat"}');
    expect(asked).toBe(1);
    expect(executions.live()).toBe(false);
  });
});
