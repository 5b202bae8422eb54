import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createKrakenExchange, type KrakenExchange } from '../../src/exchange/kraken/kraken-exchange.ts';
import { ExchangeRefusal, ExchangeUnavailable } from '../../src/exchange/port.ts';
import {
  recordedLog,
  SAMPLE_KEY,
  SAMPLE_SECRET,
  startScriptedKraken,
  type Answer,
  type RecordedLog,
  type ScriptedKraken,
} from './scripted-kraken.ts';

const CLIENT_ID = 'hfxABCDEFGHIJKLMNO';
const OTHER_CLIENT_ID = 'hfeZZZZZZZZZZZZZZZ';
const ORDER_ID = 'OABCDE-FGHIJ-KLMNOP';
const SINCE_MS = 1_700_000_000_000;

let kraken: ScriptedKraken;
let exchange: KrakenExchange;
let log: RecordedLog;
/** What the scripted account holds. */
let open: Record<string, object>;
let closed: Record<string, object>;
let trades: Record<string, { ordertxid: string }>;

beforeEach(async () => {
  kraken = await startScriptedKraken();
  log = recordedLog();
  exchange = createKrakenExchange({
    restUrl: kraken.url,
    key: SAMPLE_KEY,
    secret: SAMPLE_SECRET,
    tier: 'pro',
    timeoutMs: 2_000,
    log,
  });
  open = {};
  closed = {};
  trades = {};
  const filtered = (orders: Record<string, object>, id: string | undefined) =>
    Object.fromEntries(
      Object.entries(orders).filter(([, each]) => !id || (each as { cl_ord_id: string }).cl_ord_id === id),
    );
  kraken.on('OpenOrders', ({ params }) => ({ result: { open: filtered(open, params.cl_ord_id) } }));
  kraken.on('ClosedOrders', ({ params }) => {
    const all = Object.entries(filtered(closed, params.cl_ord_id));
    const from = Number(params.ofs);
    return { result: { closed: Object.fromEntries(all.slice(from, from + 50)), count: all.length } };
  });
  kraken.on('TradesHistory', ({ params }) => {
    const all = Object.entries(trades);
    const from = Number(params.ofs);
    return { result: { trades: Object.fromEntries(all.slice(from, from + 50)), count: all.length } };
  });
  kraken.on('QueryOrders', ({ params }) => pick({ ...open, ...closed, ...hidden }, params.txid));
  kraken.on('QueryTrades', ({ params }) => pick(trades, params.txid));
  hidden = {};
});

/** Orders that Kraken knows, but whose lists lag behind. */
let hidden: Record<string, object>;

afterEach(async () => {
  exchange.close();
  await kraken.close();
});

function pick(known: Record<string, object>, txids: string | undefined): Answer {
  const ids = (txids ?? '').split(',');
  if (ids.some((id) => !(id in known))) return { error: ['EOrder:Invalid order'] };
  return { result: Object.fromEntries(ids.map((id) => [id, known[id]])) };
}

function order(clientOrderId: string | undefined, changes: object = {}): object {
  return {
    refid: null,
    userref: 0,
    ...(clientOrderId !== undefined && { cl_ord_id: clientOrderId }),
    status: 'closed',
    opentm: 1_700_000_001.1234,
    starttm: 0,
    expiretm: 0,
    closetm: 1_700_000_001.5,
    reason: null,
    descr: { pair: 'XBTUSD', type: 'sell', ordertype: 'market', price: '0', price2: '0', leverage: 'none' },
    vol: '0.10000000',
    vol_exec: '0.10000000',
    cost: '3000.00000',
    fee: '12.00000',
    price: '30000.0',
    misc: '',
    oflags: 'fciq',
    trades: ['TAAAAA-AAAAA-AAAAAA', 'TBBBBB-BBBBB-BBBBBB'],
    ...changes,
  };
}

function trade(orderId: string, volume: string, time: number) {
  return {
    ordertxid: orderId,
    pair: 'XXBTZUSD',
    time,
    type: 'sell',
    ordertype: 'market',
    price: '30000.00000',
    cost: '1500.00000',
    fee: '6.00000',
    vol: volume,
    margin: '0.00000',
    misc: '',
  };
}

function twoTrades(orderId = ORDER_ID): void {
  trades = {
    'TBBBBB-BBBBB-BBBBBB': trade(orderId, '0.04000000', 1_700_000_001.4),
    'TAAAAA-AAAAA-AAAAAA': trade(orderId, '0.06000000', 1_700_000_001.3),
  };
}

function askedMethods(): string[] {
  return kraken.calls.map((call) => call.method).filter((method) => !['Time', 'AssetPairs'].includes(method));
}

describe('lookUp', () => {
  it('asks for nothing but the order where its own id is known already', async () => {
    closed = { [ORDER_ID]: order(CLIENT_ID) };
    twoTrades();
    exchange.heardOf(ORDER_ID, CLIENT_ID);
    const { order: found } = await exchange.lookUp(CLIENT_ID, SINCE_MS, 'exit');
    expect(found).toMatchObject({ exchangeOrderId: ORDER_ID, clientOrderId: CLIENT_ID });
    expect(kraken.calls.map(({ method }) => method).filter((method) => /Orders|Trades/.test(method))).toEqual(
      ['QueryOrders', 'QueryTrades'],
    );
  });

  it('believes the lists where the order that it heard of is unknown', async () => {
    closed = { [ORDER_ID]: order(CLIENT_ID) };
    twoTrades();
    exchange.heardOf('OZZZZZ-ZZZZZ-ZZZZZZ', CLIENT_ID);
    const { order: found } = await exchange.lookUp(CLIENT_ID, SINCE_MS, 'exit');
    expect(found).toMatchObject({ exchangeOrderId: ORDER_ID });
  });

  it('finds a closed order with its fills, in the words of the port', async () => {
    closed = { [ORDER_ID]: order(CLIENT_ID) };
    twoTrades();
    const before = Date.now();
    const found = await exchange.lookUp(CLIENT_ID, SINCE_MS, 'exit');
    expect(found.askedAtMs).toBeGreaterThanOrEqual(before);
    expect(found.order).toMatchObject({
      exchangeOrderId: ORDER_ID,
      clientOrderId: CLIENT_ID,
      symbol: 'BTC/USD',
      side: 'sell',
      status: 'filled',
      quantity: '0.1',
      filledQuantity: '0.1',
      cost: '3000',
      fee: '12',
      openedAtMs: 1_700_000_001_123,
      closedAtMs: 1_700_000_001_500,
    });
    expect(found.order?.fills.map(({ fillId, quantity, timeMs }) => [fillId, quantity, timeMs])).toEqual([
      ['TAAAAA-AAAAA-AAAAAA', '0.06', 1_700_000_001_300],
      ['TBBBBB-BBBBB-BBBBBB', '0.04', 1_700_000_001_400],
    ]);
    expect(askedMethods()).toEqual(['OpenOrders', 'ClosedOrders', 'QueryOrders', 'QueryTrades']);
    expect(kraken.sent('OpenOrders')[0]?.params.cl_ord_id).toBe(CLIENT_ID);
    expect(Number(kraken.sent('ClosedOrders')[0]?.params.start)).toBeLessThan(SINCE_MS / 1000);
  });

  it('finds an open order', async () => {
    open = {
      [ORDER_ID]: order(CLIENT_ID, {
        status: 'open',
        vol_exec: '0.00000000',
        trades: [],
        closetm: undefined,
      }),
    };
    const found = await exchange.lookUp(CLIENT_ID, SINCE_MS, 'look-up');
    expect(found.order).toMatchObject({ status: 'open', filledQuantity: '0', closedAtMs: null, fills: [] });
  });

  it('finds by its trades an order that no list shows yet', async () => {
    hidden = { [ORDER_ID]: order(CLIENT_ID), 'OZZZZZ-ZZZZZ-ZZZZZZ': order(OTHER_CLIENT_ID) };
    twoTrades();
    trades['TCCCCC-CCCCC-CCCCCC'] = trade('OZZZZZ-ZZZZZ-ZZZZZZ', '0.1', 1_700_000_002);
    const found = await exchange.lookUp(CLIENT_ID, SINCE_MS, 'exit');
    expect(found.order?.exchangeOrderId).toBe(ORDER_ID);
    expect(askedMethods().slice(0, 3)).toEqual(['OpenOrders', 'ClosedOrders', 'TradesHistory']);
  });

  it('says that there is none only after all three answered', async () => {
    closed = { 'OZZZZZ-ZZZZZ-ZZZZZZ': order(OTHER_CLIENT_ID) };
    expect((await exchange.lookUp(CLIENT_ID, SINCE_MS, 'exit')).order).toBeNull();
    expect(askedMethods()).toEqual(['OpenOrders', 'ClosedOrders', 'TradesHistory']);
  });

  it('does not take the word of an exchange that ignores the filter', async () => {
    kraken.on('OpenOrders', () => ({ result: { open: { 'OZZZZZ-ZZZZZ-ZZZZZZ': order(OTHER_CLIENT_ID) } } }));
    expect((await exchange.lookUp(CLIENT_ID, SINCE_MS, 'exit')).order).toBeNull();
  });

  it.each(['OpenOrders', 'ClosedOrders', 'TradesHistory'])('is no answer when %s fails', async (method) => {
    const failures: Answer[] = [
      { error: ['EService:Unavailable'] },
      { error: ['EGeneral:Internal error'] },
      (response) => response.writeHead(502).end(),
      (response) => response.end('<html/>'),
      { result: { unexpected: true } },
    ];
    for (const failure of failures) {
      kraken.on(method, () => failure);
      await expect(exchange.lookUp(CLIENT_ID, SINCE_MS, 'exit')).rejects.toBeInstanceOf(ExchangeUnavailable);
    }
  });

  it('is no answer when an order behind a trade is left out', async () => {
    twoTrades();
    kraken.on('QueryOrders', () => ({ result: {} }));
    await expect(exchange.lookUp(CLIENT_ID, SINCE_MS, 'exit')).rejects.toBeInstanceOf(ExchangeUnavailable);
  });

  it('reads every page', async () => {
    for (let number = 0; number < 120; number += 1) {
      closed[`O${String(number).padStart(5, '0')}-AAAAA-AAAAAA`] = order(OTHER_CLIENT_ID);
    }
    closed[ORDER_ID] = order(CLIENT_ID);
    twoTrades();
    const [first, second] = await Promise.all([
      exchange.lookUp(CLIENT_ID, SINCE_MS, 'exit'),
      exchange.lookUp(CLIENT_ID, SINCE_MS, 'look-up'),
    ]);
    expect(first.order?.exchangeOrderId).toBe(ORDER_ID);
    expect(second.order?.exchangeOrderId).toBe(ORDER_ID);
    expect(await exchange.closedOrders(SINCE_MS)).toHaveLength(121);
  });

  it('cries out when one id was used twice', async () => {
    closed = {
      [ORDER_ID]: order(CLIENT_ID),
      'OZZZZZ-ZZZZZ-ZZZZZZ': order(CLIENT_ID, { opentm: 1_700_000_009, trades: [] }),
    };
    twoTrades();
    expect((await exchange.lookUp(CLIENT_ID, SINCE_MS, 'exit')).order?.exchangeOrderId).toBe(ORDER_ID);
    expect(log.lines.join()).toContain('several orders carry one client order id');
  });

  it('shares one pass among many who ask at once', async () => {
    const ids = Array.from({ length: 40 }, (_, number) => `hfx${String(number).padStart(15, 'A')}`);
    for (const [number, id] of ids.entries()) {
      closed[`O${String(number).padStart(5, '0')}-AAAAA-AAAAAA`] = order(id, {
        vol_exec: '0.00000000',
        status: 'canceled',
        trades: [],
      });
    }
    const found = await Promise.all(ids.map((id) => exchange.lookUp(id, SINCE_MS, 'exit')));
    expect(found.map((each) => each.order?.clientOrderId)).toEqual(ids);
    expect(kraken.sent('OpenOrders')).toHaveLength(2);
    expect(askedMethods().length).toBeLessThan(10);
  });

  it('is joined by who asks the same again while it is under way, and asked anew afterwards', async () => {
    const again = () => exchange.lookUp(CLIENT_ID, SINCE_MS, 'exit');
    const [first, second] = await Promise.all([again(), again()]);
    expect(second).toBe(first);
    const calls = kraken.calls.length;
    expect((await again()).askedAtMs).toBeGreaterThanOrEqual(first.askedAtMs);
    expect(kraken.calls.length).toBeGreaterThan(calls);
  });

  it('asks once more when its nonce was overtaken', async () => {
    let refusals = 0;
    kraken.on('OpenOrders', () =>
      refusals++ === 0 ? { error: ['EAPI:Invalid nonce'] } : { result: { open: {} } },
    );
    expect((await exchange.lookUp(CLIENT_ID, SINCE_MS, 'exit')).order).toBeNull();
    kraken.on('OpenOrders', () => ({ error: ['EAPI:Invalid nonce'] }));
    await expect(exchange.lookUp(CLIENT_ID, SINCE_MS, 'exit')).rejects.toBeInstanceOf(ExchangeUnavailable);
    const nonces = kraken.calls.flatMap((call) => call.params.nonce ?? []);
    expect(new Set(nonces).size).toBe(nonces.length);
  });
});

describe('order', () => {
  it('is null only when the exchange says that it does not know it', async () => {
    expect(await exchange.order(ORDER_ID, 'exit')).toBeNull();
    kraken.on('QueryOrders', () => ({ result: {} }));
    await expect(exchange.order(ORDER_ID, 'exit')).rejects.toBeInstanceOf(ExchangeUnavailable);
    kraken.on('QueryOrders', () => ({ error: ['EGeneral:Permission denied'] }));
    await expect(exchange.order(ORDER_ID, 'exit')).rejects.toBeInstanceOf(ExchangeRefusal);
  });

  it('waits for fills that add up', async () => {
    closed = { [ORDER_ID]: order(CLIENT_ID, { trades: ['TAAAAA-AAAAA-AAAAAA'] }) };
    twoTrades();
    await expect(exchange.order(ORDER_ID, 'exit')).rejects.toThrow(/filled 0.1.*add up to 0.06/);
  });

  it('asks for many at once, and an unknown one does not spoil the rest', async () => {
    const ids = Array.from({ length: 30 }, (_, number) => `O${String(number).padStart(5, '0')}-AAAAA-AAAAAA`);
    for (const id of ids) closed[id] = order(CLIENT_ID, { vol_exec: '0.00000000', trades: [] });
    const found = await Promise.all(ids.map((id) => exchange.order(id, 'exit')));
    expect(found.map((each) => each?.exchangeOrderId)).toEqual(ids);
    expect(kraken.sent('QueryOrders').length).toBeLessThanOrEqual(2);

    const [known, unknown] = await Promise.all([
      exchange.order(ids[1] ?? '', 'exit'),
      exchange.order(ORDER_ID, 'exit'),
      exchange.order(ids[2] ?? '', 'exit'),
    ]);
    expect(known?.exchangeOrderId).toBe(ids[1]);
    expect(unknown).toBeNull();
  });
});

describe('balances', () => {
  it('are asked for once by all who want them before the call goes out, and anew afterwards', async () => {
    let answers = 0;
    kraken.on('BalanceEx', () => {
      answers += 1;
      return {
        result: { ZUSD: { balance: `${answers}.0000`, hold_trade: '0.5000' }, 'XBT.F': { balance: '2' } },
      };
    });
    const early = await Promise.all([exchange.balances('exit'), exchange.balances('exit')]);
    expect(early[0]).toEqual([
      { asset: 'USD', total: '1', held: '0.5' },
      { asset: 'BTC.F', total: '2', held: '0' },
    ]);
    expect(early[1]).toEqual(early[0]);
    expect((await exchange.balances())[0]?.total).toBe('2');
    expect(answers).toBe(2);
  });
});
