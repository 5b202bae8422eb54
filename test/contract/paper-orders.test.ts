import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { add } from '../../src/domain/money.ts';
import { eventually, startPaper, type Paper, type PaperClient } from './paper-support.ts';

let paper: Paper;
let client: PaperClient;

beforeEach(async () => {
  paper = await startPaper({ balances: { ZUSD: '10000', XXBT: '0.5' } });
  ({ client } = paper);
  await client.price('BTC/USD', '30000.0', '30000.1');
});
afterEach(() => paper.exchange.close());

const LIMIT = { pair: 'XBTUSD', type: 'buy', ordertype: 'limit', price: '29000', volume: '0.01' };
const MARKET = { pair: 'XBTUSD', type: 'buy', ordertype: 'market', volume: '0.01' };

function inMs(ms: number): string {
  return new Date(Date.now() + ms).toISOString();
}

describe('what is refused, in its own words', () => {
  it.each([
    ['an unknown pair', { pair: 'NOPEUSD' }, 'EQuery:Unknown asset pair'],
    ['too little volume', { volume: '0.00004' }, 'EOrder:Order minimum not met'],
    ['too little cost', { volume: '0.0001', price: '100' }, 'EOrder:Cost minimum not met'],
    [
      'a price with too many decimals',
      { price: '29000.01' },
      'EOrder:Invalid price:XXBTZUSD price can only be specified up to 1 decimals.',
    ],
    ['no price', { price: '' }, 'EGeneral:Invalid arguments:price'],
    ['a price that is none', { price: 'cheap' }, 'EOrder:Invalid price argument'],
    ['a volume with too many decimals', { volume: '0.010000001' }, 'EGeneral:Invalid arguments:volume'],
    ['a negative volume', { volume: '-1' }, 'EGeneral:Invalid arguments:volume'],
    ['an unknown type', { ordertype: 'guess' }, 'EGeneral:Invalid arguments:ordertype'],
    ['more than there is', { volume: '1' }, 'EOrder:Insufficient funds'],
    [
      'selling what is not there',
      { type: 'sell', price: '31000', volume: '0.6' },
      'EOrder:Insufficient funds',
    ],
    [
      'a client id of 19 characters',
      { cl_ord_id: 'hfeABCDEFGHIJKLMNOP' },
      'EGeneral:Invalid arguments:cl_ord_id',
    ],
    ['client id and userref', { cl_ord_id: 'a', userref: '1' }, 'EGeneral:Invalid arguments:cl_ord_id'],
    ['an unlisted leverage', { leverage: '11' }, 'EGeneral:Invalid arguments:leverage'],
    ['reducing without margin', { reduce_only: 'true' }, 'EGeneral:Invalid arguments:reduce_only'],
    ['reducing nothing', { reduce_only: 'true', leverage: '2' }, 'EOrder:Reduce only:No position exists'],
    ['margin beyond the account', { leverage: '2', volume: '5' }, 'EOrder:Insufficient initial margin'],
    ['a post-only that would trade', { oflags: 'post', price: '30000.1' }, 'EOrder:Post only order'],
  ])('%s', async (_what, change, refusal) => {
    expect(await client.refusal('AddOrder', { ...LIMIT, ...change })).toBe(refusal);
    expect(await client.orders()).toMatchObject([{ accepted: false, txid: null, error: refusal, fills: [] }]);
    expect((await client.ok('OpenOrders')).open).toEqual({});
  });

  it('a time in force on a market order', async () => {
    expect(await client.refusal('AddOrder', { ...MARKET, timeinforce: 'IOC' })).toBe(
      'EGeneral:Invalid arguments:timeinforce',
    );
  });

  it('a second order with the client id of an open one, but not of a finished one', async () => {
    const txid = await client.order({ ...LIMIT, cl_ord_id: 'same' });
    expect(await client.refusal('AddOrder', { ...LIMIT, cl_ord_id: 'same' })).toBe(
      'EOrder:Duplicate cl_ord_id',
    );
    await client.ok('CancelOrder', { txid });
    await client.order({ ...MARKET, cl_ord_id: 'same' });
    await client.order({ ...MARKET, cl_ord_id: 'same' });
    const { closed } = await client.ok('ClosedOrders', { cl_ord_id: 'same' });
    expect(
      Object.values(closed)
        .map(({ status }) => status)
        .sort(),
    ).toEqual(['canceled', 'closed', 'closed']);
  });

  it('deadlines that passed, and ones outside 2 to 60 seconds', async () => {
    const range = 'EGeneral:Invalid arguments:deadline';
    expect(await client.refusal('AddOrder', { ...MARKET, deadline: inMs(-1) })).toBe(
      'EService:Deadline elapsed',
    );
    expect(await client.refusal('AddOrder', { ...MARKET, deadline: inMs(1_500) })).toBe(range);
    expect(await client.refusal('AddOrder', { ...MARKET, deadline: inMs(62_000) })).toBe(range);
    expect(await client.refusal('AddOrder', { ...MARKET, deadline: 'soon' })).toBe(range);
    expect(await client.refusal('AddOrder', { ...MARKET, deadline: inMs(10_000) })).toBeUndefined();
  });

  it('changes nothing when only validating', async () => {
    const { txid, descr } = await client.ok('AddOrder', { ...MARKET, validate: 'true' });
    expect([txid, descr.order]).toEqual([undefined, 'buy 0.01000000 XBTUSD @ market']);
    expect(await client.ok('Balance')).toEqual({ ZUSD: '10000.0000', XXBT: '0.5000000000' });
  });
});

describe('spot fills', () => {
  it('walks the book: cost, average, fee and balances add up to the last decimal', async () => {
    const depth = (await client.public('Depth?pair=XBTUSD&count=5')).result as {
      XXBTZUSD: { bids: [string, string, number][] };
    };
    const txid = await client.order({ ...MARKET, type: 'sell', volume: '0.5' });
    const [arrived] = await client.orders();
    const fills = arrived!.fills;
    expect(fills.length).toBeGreaterThan(1);
    const { bids } = depth.XXBTZUSD;
    expect(fills.map(({ price }) => Number(price))).toEqual(
      bids.slice(0, fills.length).map(([price]) => Number(price)),
    );
    const order = await client.query(txid);
    const [cost, fee, volume] = (['cost', 'fee', 'volume'] as const).map((field) =>
      add(...fills.map((fill) => fill[field])),
    );
    expect(volume).toBe('0.5');
    expect([Number(order.cost), Number(order.fee)]).toEqual([Number(cost), Number(fee)]);
    expect(Number(order.price)).toBeCloseTo(Number(cost) / 0.5, 5);
    expect((await client.ok('Balance')).ZUSD).toBe(add('10000', cost!, `-${fee!}`));
    expect(Object.keys(await client.ok('QueryTrades', { txid: order.trades!.join(',') }))).toHaveLength(
      fills.length,
    );
  });

  it('holds what open orders may cost, and gives it back', async () => {
    const txid = await client.order(LIMIT);
    expect(await client.ok('BalanceEx')).toMatchObject({
      ZUSD: { balance: '10000.0000', hold_trade: '291.1600' },
    });
    await client.ok('CancelOrder', { txid });
    expect((await client.ok('BalanceEx')).ZUSD).toMatchObject({ hold_trade: '0.0000' });
    expect(await client.query(txid)).toMatchObject({
      status: 'canceled',
      reason: 'User requested',
      vol_exec: '0.00000000',
    });
    expect(await client.refusal('CancelOrder', { txid })).toBe('EOrder:Unknown order');
  });

  it('fills a resting order at its own price, as maker, when the market comes to it', async () => {
    const txid = await client.order(LIMIT);
    await client.price('BTC/USD', '28990.0', '28990.1');
    expect(await client.query(txid)).toMatchObject({ status: 'closed', cost: '290.00000', fee: '0.72500' });
    const { trades } = await client.ok('TradesHistory');
    expect(Object.values(trades)).toMatchObject([{ ordertxid: txid, price: '29000.00000', maker: true }]);
  });

  it('cancels what an immediate order cannot get, and all of one that must fill whole', async () => {
    const deep = { ...LIMIT, type: 'sell', volume: '0.5', price: '30000' };
    const fok = await client.query(await client.order({ ...deep, timeinforce: 'FOK' }));
    expect(fok).toMatchObject({ status: 'canceled', reason: 'Fill or kill', vol_exec: '0.00000000' });
    const ioc = await client.query(await client.order({ ...deep, timeinforce: 'IOC' }));
    expect(ioc).toMatchObject({ status: 'canceled', reason: 'Immediate or cancel' });
    expect(Number(ioc.vol_exec)).toBeGreaterThan(0);
    expect(Number(ioc.vol_exec)).toBeLessThan(0.5);
  });

  it('spends an amount of quote currency', async () => {
    const order = await client.query(await client.order({ ...MARKET, volume: '300', oflags: 'viqc' }));
    expect(order).toMatchObject({ status: 'closed', vol: '0.00999996' });
  });

  it('lowers the fee as the account trades', async () => {
    for (let round = 0; round < 4; round += 1) {
      await client.order({ ...MARKET, volume: '0.1' });
      await client.order({ ...MARKET, type: 'sell', volume: '0.1' });
    }
    const { volume, fees } = await client.ok('TradeVolume', { pair: 'XBTUSD' });
    expect(Number(volume)).toBeGreaterThan(10_000);
    expect(fees.XXBTZUSD?.fee).toBe('0.3500');
  });
});

describe('margin', () => {
  const short = { ...MARKET, type: 'sell', volume: '0.02', leverage: '3' };

  it('opens a short and closes it by reduce-only, never past flat', async () => {
    await client.order(short);
    expect(Object.values(await client.ok('OpenPositions'))).toMatchObject([
      { type: 'sell', vol: '0.02000000' },
    ]);
    expect((await client.ok('Balance')).XXBT).toBe('0.5000000000');
    await client.price('BTC/USD', '29000.0', '29000.1');
    const cover = await client.query(
      await client.order({ ...MARKET, volume: '0.05', leverage: '3', reduce_only: 'true' }),
    );
    expect(cover).toMatchObject({
      status: 'canceled',
      reason: 'Reduce only:Position is closed',
      vol_exec: '0.02000000',
    });
    expect(await client.ok('OpenPositions')).toEqual({});
    // Sold 0.02 at 30000.0, bought at 29000.1: 19.998 less fees of 2.52 (0.42 % with opening) and 2.32001.
    expect((await client.ok('Balance')).ZUSD).toBe('10015.15799');
  });

  it('closes part of a position, oldest first', async () => {
    await client.order(short);
    await client.order({ ...short, volume: '0.01' });
    await client.order({ ...MARKET, volume: '0.025', leverage: '3', reduce_only: 'true' });
    const positions = Object.values(await client.ok('OpenPositions'));
    expect(positions).toMatchObject([{ vol: '0.01000000', vol_closed: '0.00500000' }]);
    expect(await client.ok('TradeBalance')).toMatchObject({ m: '50.0000' });
  });
});

describe('triggers', () => {
  it('sells at market when the last price falls to a stop, and not before', async () => {
    const txid = await client.order({ ...MARKET, type: 'sell', ordertype: 'stop-loss', price: '29500' });
    await client.price('BTC/USD', '29500.0', '29501.0', '29500.1');
    expect((await client.query(txid)).status).toBe('open');
    await client.price('BTC/USD', '29490.0', '29500.0', '29500.0');
    expect(await client.query(txid)).toMatchObject({ status: 'closed', misc: 'stopped', cost: '294.90000' });
  });

  it('places the limit of a take-profit-limit', async () => {
    const order = {
      ...MARKET,
      type: 'sell',
      ordertype: 'take-profit-limit',
      price: '31000',
      price2: '31500',
    };
    const txid = await client.order(order);
    await client.price('BTC/USD', '31000.0', '31001.0');
    expect(await client.query(txid)).toMatchObject({ status: 'open', misc: 'touched' });
    await client.price('BTC/USD', '31500.0', '31501.0');
    expect(await client.query(txid)).toMatchObject({ status: 'closed', price: '31500.00000' });
  });

  it('follows the best price with a trailing stop', async () => {
    const txid = await client.order({ ...MARKET, type: 'sell', ordertype: 'trailing-stop', price: '+1%' });
    await client.price('BTC/USD', '31000.0', '31000.0');
    expect(await client.query(txid)).toMatchObject({ status: 'open', stopprice: '30690.00000' });
    await client.price('BTC/USD', '30700.0', '30700.0');
    expect((await client.query(txid)).status).toBe('open');
    await client.price('BTC/USD', '30690.0', '30690.0');
    expect((await client.query(txid)).status).toBe('closed');
  });

  it('places the conditional close of a fill', async () => {
    const close = {
      'close[ordertype]': 'stop-loss-limit',
      'close[price]': '29000',
      'close[price2]': '28900',
    };
    const reply = await client.ok('AddOrder', { ...MARKET, ...close });
    expect(reply.descr.close).toBe('close position @ stop loss 29000 -> limit 28900');
    const [child] = Object.values((await client.ok('OpenOrders')).open);
    expect(child?.descr.order).toBe('sell 0.01000000 XBTUSD @ stop loss 29000.0 -> limit 28900.0');
  });
});

describe('changes', () => {
  it('amends in place: id, client id and fills stay', async () => {
    const txid = await client.order({ ...LIMIT, cl_ord_id: 'amended' });
    await client.ok('AmendOrder', { cl_ord_id: 'amended', limit_price: '29500', order_qty: '0.02' });
    expect(await client.query(txid)).toMatchObject({
      status: 'open',
      vol: '0.02000000',
      misc: 'amended',
      cl_ord_id: 'amended',
    });
    expect((await client.query(txid)).descr.price).toBe('29500.0');
  });

  it('edits into another order, and leaves the first when the other is not allowed', async () => {
    const txid = await client.order({ ...LIMIT, cl_ord_id: 'edited' });
    expect(await client.refusal('EditOrder', { txid, pair: 'XBTUSD', volume: '9' })).toBe(
      'EOrder:Insufficient funds',
    );
    expect((await client.query(txid)).status).toBe('open');
    const edited = await client.ok('EditOrder', { txid, pair: 'XBTUSD', price: '28000' });
    expect(edited.originaltxid).toBe(txid);
    expect((await client.query(txid)).status).toBe('canceled');
    const second = await client.query(edited.txid);
    expect([second.status, second.descr.price, second.cl_ord_id]).toEqual(['open', '28000.0', undefined]);
  });

  it('takes a batch as a whole or not at all, and cancels by list, by userref and altogether', async () => {
    const item = { type: 'buy', ordertype: 'limit', volume: '0.01', price: '20000' };
    const bad = await client.json('AddOrderBatch', {
      pair: 'XBTUSD',
      orders: [item, { ...item, volume: '0' }],
    });
    expect(bad.error).toEqual(['EGeneral:Invalid arguments:volume']);
    expect((await client.orders()).map(({ accepted }) => accepted)).toEqual([false, false]);
    const items = [1, 2, 3, 4].map((userref) => ({ ...item, userref: userref > 2 ? 7 : userref }));
    const good = (await client.json('AddOrderBatch', { pair: 'XBTUSD', orders: items })) as {
      result: { orders: { txid: string }[] };
    };
    const ids = good.result.orders.map(({ txid }) => txid);
    expect(ids).toHaveLength(4);
    const some = await client.json('CancelOrderBatch', { orders: [ids[0], 'OAAAAA-AAAAA-AAAAAA'] });
    expect(some.result).toEqual({ count: 1 });
    expect(await client.ok('CancelOrder', { txid: '7' })).toEqual({ count: 2 });
    expect(await client.ok('CancelAll')).toEqual({ count: 1 });
  });

  it('cancels everything when the dead man’s switch is not renewed', async () => {
    const txid = await client.order(LIMIT);
    await client.ok('CancelAllOrdersAfter', { timeout: '1' });
    await eventually('the switch fires', async () => (await client.query(txid)).status === 'canceled');
  });

  it('expires an order in time, and starts one not before its time', async () => {
    const expiring = await client.order({ ...LIMIT, expiretm: '+5' });
    const starting = await client.order({ ...LIMIT, price: '31000', starttm: '+2' });
    expect((await client.query(starting)).status).toBe('pending');
    await eventually('the later order fills', async () => (await client.query(starting)).status === 'closed');
    await eventually('the other expires', async () => (await client.query(expiring)).status === 'expired');
  });
});

describe('lists', () => {
  it('pages closed orders and trades, newest first, and filters by client id', async () => {
    const ids: string[] = [];
    for (let count = 0; count < 55; count += 1)
      ids.push(await client.order({ ...MARKET, volume: '0.0001', cl_ord_id: `n${count}` }));
    const first = await client.ok('ClosedOrders');
    expect([first.count, Object.keys(first.closed).length]).toEqual([55, 50]);
    expect(Object.keys((await client.ok('ClosedOrders', { ofs: '50' })).closed)).toHaveLength(5);
    expect(Object.keys((await client.ok('ClosedOrders', { cl_ord_id: 'n7' })).closed)).toEqual([ids[7]]);
    expect(Object.keys((await client.ok('TradesHistory', { ofs: '50' })).trades)).toHaveLength(5);
    expect(await client.refusal('QueryOrders', { txid: 'OAAAAA-AAAAA-AAAAAA' })).toBe('EOrder:Invalid order');
  });

  it('keeps a ledger that adds up to the balance', async () => {
    await client.order(MARKET);
    await client.order({ ...MARKET, type: 'sell', leverage: '2' });
    const { ledger } = await client.ok('Ledgers', { asset: 'ZUSD' });
    const sum = add(...Object.values(ledger).flatMap(({ amount, fee }) => [amount, `-${fee}`]));
    expect(Number(sum)).toBe(Number((await client.ok('Balance')).ZUSD));
  });
});
