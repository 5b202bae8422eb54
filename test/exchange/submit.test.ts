import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createKrakenExchange, type KrakenExchange } from '../../src/exchange/kraken/kraken-exchange.ts';
import type { OrderRequest } from '../../src/exchange/port.ts';
import {
  recordedLog,
  SAMPLE_KEY,
  SAMPLE_SECRET,
  startScriptedKraken,
  type Answer,
  type RecordedLog,
  type ScriptedKraken,
} from './scripted-kraken.ts';

let kraken: ScriptedKraken;
let exchange: KrakenExchange;
let log: RecordedLog;

beforeEach(async () => {
  kraken = await startScriptedKraken();
  log = recordedLog();
  exchange = createKrakenExchange({
    restUrl: kraken.url,
    key: SAMPLE_KEY,
    secret: SAMPLE_SECRET,
    timeoutMs: 400,
    log,
  });
});

afterEach(async () => {
  exchange.close();
  await kraken.close();
});

function marketBuy(changes: Partial<OrderRequest> = {}): OrderRequest {
  return {
    clientOrderId: 'hfeABCDEFGHIJKLMNO',
    symbol: 'BTC/USD',
    side: 'buy',
    type: 'market',
    quantity: '0.01',
    deadlineMs: Date.now() + 10_000,
    ...changes,
  };
}

const ACCEPTED = { descr: { order: '' }, txid: ['OABCDE-FGHIJ-KLMNOP'] };

describe('submit', () => {
  it('sends one signed order with its id and its deadline on the exchange clock', async () => {
    kraken.on('Time', () => ({ result: { unixtime: Date.now() / 1000 + 3600, rfc1123: '' } }));
    kraken.on('AddOrder', () => ({ result: ACCEPTED }));
    await exchange.instruments();
    const order = marketBuy();
    expect(await exchange.submit(order, 'entry')).toEqual({
      kind: 'accepted',
      exchangeOrderId: 'OABCDE-FGHIJ-KLMNOP',
    });
    const [call, ...more] = kraken.sent('AddOrder');
    expect(more).toEqual([]);
    expect(call).toMatchObject({ httpMethod: 'POST', signatureHolds: true });
    expect(call?.params).toMatchObject({
      pair: 'XXBTZUSD',
      type: 'buy',
      ordertype: 'market',
      volume: '0.01',
      cl_ord_id: order.clientOrderId,
    });
    const deadline = Date.parse(call?.params.deadline ?? '');
    // Kraken's clock is an hour ahead here; the offset is known to half a round trip.
    expect(Math.abs(deadline - (order.deadlineMs + 3_600_000))).toBeLessThan(1000);
  });

  it('carries limit, trigger, leverage and reduce-only', async () => {
    kraken.on('AddOrder', () => ({ result: ACCEPTED }));
    await exchange.submit(marketBuy({ type: 'limit', limitPrice: '30000.1' }), 'entry');
    await exchange.submit(
      marketBuy({ side: 'sell', type: 'stop-loss', triggerPrice: '20000', leverage: 2, reduceOnly: true }),
      'exit',
    );
    const [limit, stop] = kraken.sent('AddOrder');
    expect(limit?.params).toMatchObject({ ordertype: 'limit', price: '30000.1' });
    expect(limit?.params).not.toHaveProperty('leverage');
    expect(stop?.params).toMatchObject({
      ordertype: 'stop-loss',
      price: '20000',
      leverage: '2',
      reduce_only: 'true',
    });
  });

  const failures: [what: string, answer: Answer, outcome: object][] = [
    [
      'too little money',
      { error: ['EOrder:Insufficient funds'] },
      { kind: 'refused', code: 'EOrder:Insufficient funds' },
    ],
    [
      'a price with too many decimals',
      { error: ['EOrder:Invalid price:XXBTZEUR price can only be specified up to 1 decimals.'] },
      {
        kind: 'refused',
        code: 'EOrder:Invalid price:XXBTZEUR price can only be specified up to 1 decimals.',
      },
    ],
    [
      'throttling',
      { error: ['EService: Throttled: 1700000000'] },
      { kind: 'refused', code: 'EService: Throttled: 1700000000' },
    ],
    ['a passed deadline', { error: ['EService:Deadline elapsed'] }, { kind: 'unknown' }],
    ['an engine that is away', { error: ['EService:Unavailable'] }, { kind: 'unknown' }],
    ['an unheard-of refusal', { error: ['EOrder:Duplicate cl_ord_id'] }, { kind: 'unknown' }],
    [
      'a refusal beside something unknown',
      { error: ['EOrder:Insufficient funds', 'EGeneral:Internal error'] },
      { kind: 'unknown' },
    ],
    ['a warning beside a result', { error: ['WOrder:Odd'], result: ACCEPTED }, { kind: 'unknown' }],
    ['a result without an order id', { result: { descr: {} } }, { kind: 'unknown' }],
    ['an answer without a result', (response) => response.end('{"error":[]}'), { kind: 'unknown' }],
    ['a page of HTML', (response) => response.end('<html>busy</html>'), { kind: 'unknown' }],
    ['null', (response) => response.end('null'), { kind: 'unknown' }],
    [
      'status 502',
      (response) => response.writeHead(502).end('<html/>'),
      { kind: 'unknown', why: 'HTTP status 502' },
    ],
    ['status 520', (response) => response.writeHead(520).end(), { kind: 'unknown', why: 'HTTP status 520' }],
    ['silence', () => undefined, { kind: 'unknown', why: 'no answer in time' }],
    ['a reset', (response) => response.socket?.resetAndDestroy(), { kind: 'unknown' }],
    [
      'half an answer',
      (response) => {
        response.writeHead(200, { 'content-length': 1000 });
        response.write('{"error":[],"result":');
        setImmediate(() => response.destroy());
      },
      { kind: 'unknown' },
    ],
  ];

  it.each(failures)('answers %s without sending again', async (_what, answer, outcome) => {
    kraken.on('AddOrder', () => answer);
    expect(await exchange.submit(marketBuy(), 'entry')).toMatchObject(outcome);
    expect(kraken.sent('AddOrder')).toHaveLength(1);
    expect(log.lines.join('\n')).not.toContain(SAMPLE_SECRET);
    expect(log.lines.join('\n')).not.toContain(SAMPLE_KEY);
  });

  it('sends nothing once the deadline has passed', async () => {
    const outcome = await exchange.submit(marketBuy({ deadlineMs: Date.now() - 1 }), 'exit');
    expect(outcome).toMatchObject({ kind: 'refused', code: 'deadline-passed' });
    expect(kraken.sent('AddOrder')).toEqual([]);
  });

  it('gets an exit out past a question that hangs', async () => {
    const patient = createKrakenExchange({
      restUrl: kraken.url,
      key: SAMPLE_KEY,
      secret: SAMPLE_SECRET,
      timeoutMs: 20_000,
      log,
    });
    kraken.on('AddOrder', () => ({ result: ACCEPTED }));
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    const arrived = new Promise<void>((resolve) => {
      kraken.on('BalanceEx', async () => {
        resolve();
        await held;
        return { result: {} };
      });
    });
    const balances = patient.balances();
    await arrived;
    expect(await patient.submit(marketBuy({ side: 'sell' }), 'exit')).toMatchObject({ kind: 'accepted' });
    release();
    expect(await balances).toEqual([]);
    patient.close();
  });

  it('sends nothing when the deadline passes behind a slow call', async () => {
    const slow = createKrakenExchange({
      restUrl: kraken.url,
      key: SAMPLE_KEY,
      secret: SAMPLE_SECRET,
      timeoutMs: 5_000,
      log,
    });
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    const arrived = new Promise<void>((resolve) => {
      kraken.on('BalanceEx', async () => {
        resolve();
        await held;
        return { result: {} };
      });
    });
    const balances = slow.balances();
    await arrived;
    const outcome = await slow.submit(marketBuy({ deadlineMs: Date.now() + 50 }), 'entry');
    release();
    await balances;
    slow.close();
    expect(outcome).toMatchObject({ kind: 'refused', code: 'deadline-passed' });
    expect(kraken.sent('AddOrder')).toEqual([]);
  });

  it('sends nothing without knowing the time there', async () => {
    kraken.on('Time', () => (response) => response.writeHead(502).end());
    expect(await exchange.submit(marketBuy(), 'exit')).toMatchObject({
      kind: 'refused',
      code: 'clock-unknown',
    });
    expect(kraken.sent('AddOrder')).toEqual([]);
  });

  it('does not need the list of pairs to get out', async () => {
    kraken.on('AssetPairs', () => (response) => response.writeHead(502).end());
    kraken.on('AddOrder', () => ({ result: ACCEPTED }));
    expect(await exchange.submit(marketBuy({ side: 'sell' }), 'exit')).toMatchObject({ kind: 'accepted' });
    expect(kraken.sent('AddOrder')[0]?.params.pair).toBe('XBTUSD');
  });
});

describe('cancel', () => {
  const id = 'OABCDE-FGHIJ-KLMNOP';
  const answers: [what: string, answer: Answer, outcome: object][] = [
    ['a count', { result: { count: 1 } }, { kind: 'cancelled' }],
    ['an order that is gone', { error: ['EOrder:Unknown order'] }, { kind: 'not-open' }],
    ['a pending cancel', { result: { count: 1, pending: true } }, { kind: 'unknown' }],
    ['a full counter', { error: ['EOrder:Rate limit exceeded'] }, { kind: 'unknown' }],
    ['a bad gateway', (response) => response.writeHead(504).end(), { kind: 'unknown' }],
  ];

  it.each(answers)('reads %s', async (_what, answer, outcome) => {
    kraken.on('CancelOrder', () => answer);
    expect(await exchange.cancel(id, 'exit')).toMatchObject(outcome);
    expect(kraken.sent('CancelOrder')[0]?.params.txid).toBe(id);
  });
});
