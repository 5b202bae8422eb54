import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { eventually, startPaper, type Paper, type PaperClient } from './paper-support.ts';

let paper: Paper;
let client: PaperClient;

beforeEach(async () => {
  paper = await startPaper();
  ({ client } = paper);
  await client.price('BTC/USD', '30000.0', '30000.1');
});
afterEach(() => paper.exchange.close());

const BUY = { pair: 'XBTUSD', type: 'buy', ordertype: 'market', volume: '0.01' };

/** Sends an order whose answer is expected to be lost or late, and gives up after `ms`. */
async function sendAndGiveUp(ms: number, params: Record<string, string> = BUY): Promise<unknown> {
  return client.send('AddOrder', params, AbortSignal.timeout(ms)).catch((error: unknown) => error);
}

function inMs(ms: number): string {
  return new Date(Date.now() + ms).toISOString();
}

async function accepted(): Promise<number> {
  return (await client.orders()).filter((order) => order.accepted).length;
}

describe('answers that get lost after the order was taken', () => {
  it('drop-after: no answer, one order', async () => {
    await client.fault('drop-after');
    const sending = sendAndGiveUp(2_000);
    await eventually('the order is taken', async () => (await accepted()) === 1);
    expect(await sending).toBeInstanceOf(Error);
    expect(await accepted()).toBe(1);
  });

  it('reset-after: the connection breaks, one order', async () => {
    await client.fault('reset-after');
    await expect(client.send('AddOrder', BUY)).rejects.toThrow();
    expect(await accepted()).toBe(1);
  });

  it.each([
    ['http-502-after', 502],
    ['http-520-after', 520],
    ['html-200-after', 200],
  ])('%s: a page instead of an answer, one order', async (kind, status) => {
    await client.fault(kind);
    const response = await client.send('AddOrder', BUY);
    expect([response.status, response.headers.get('content-type')]).toEqual([
      status,
      'text/html; charset=UTF-8',
    ]);
    expect(await response.text()).toMatch(/^<!DOCTYPE html>/);
    expect(await accepted()).toBe(1);
  });

  it('warning-after: a warning beside the txid', async () => {
    await client.fault('warning-after');
    const { error, result } = await client.private('AddOrder', BUY);
    expect(error).toEqual([expect.stringMatching(/^W/)]);
    expect(result?.txid).toHaveLength(1);
  });

  it('strikes only the call it names, as often as it was told', async () => {
    await client.fault('http-502-after', { times: 2 });
    expect((await client.send('Balance')).status).toBe(200);
    const statuses: number[] = [];
    for (let count = 0; count < 3; count += 1) statuses.push((await client.send('AddOrder', BUY)).status);
    expect(statuses).toEqual([502, 502, 200]);
    expect(await accepted()).toBe(3);
  });
});

describe('orders that never were, or come late', () => {
  it.each(['reset-after', 'error'])(
    '%s strikes only the pair it names, by any of its names',
    async (kind) => {
      await client.price('ETH/USD', '2000.00', '2000.01');
      await client.fault(kind, { pair: 'ETH/USD' });
      await client.order(BUY);
      const eth = { ...BUY, pair: 'XETHZUSD' };
      if (kind === 'error') expect(await client.refusal('AddOrder', eth)).toBe('EService:Timeout');
      else await expect(client.send('AddOrder', eth)).rejects.toThrow();
      await client.order(eth);
    },
  );

  it('drop-before: no answer, nothing arrived, the nonce is still good', async () => {
    await client.fault('drop-before');
    expect(await sendAndGiveUp(300)).toBeInstanceOf(Error);
    expect(await client.orders()).toEqual([]);
  });

  it('error: refused without being carried out', async () => {
    await client.fault('error', { error: 'EService:Busy' });
    expect(await client.refusal('AddOrder', BUY)).toBe('EService:Busy');
    expect(await client.orders()).toMatchObject([{ accepted: false, error: 'EService:Busy' }]);
  });

  it('error with executed: refused in words, taken all the same', async () => {
    await client.fault('error', { error: 'EService:Timeout', executed: true });
    expect(await client.refusal('AddOrder', BUY)).toBe('EService:Timeout');
    expect(await accepted()).toBe(1);
  });

  it('strikes cancels as well: lost answers, errors, and delays', async () => {
    const resting = { ...BUY, ordertype: 'limit', price: '29000' };
    const [first, second] = [await client.order(resting), await client.order(resting)];
    await client.fault('reset-after', { call: 'CancelOrder' });
    await expect(client.send('CancelOrder', { txid: first })).rejects.toThrow();
    expect((await client.query(first)).status).toBe('canceled');
    await client.fault('error', { call: 'CancelOrder', error: 'EService:Busy' });
    expect(await client.refusal('CancelOrder', { txid: second })).toBe('EService:Busy');
    expect((await client.query(second)).status).toBe('open');
    await client.fault('error', { call: 'CancelOrder', error: 'EService:Timeout', executed: true });
    expect(await client.refusal('CancelOrder', { txid: second })).toBe('EService:Timeout');
    expect((await client.query(second)).status).toBe('canceled');
  });

  it('delay: taken after the client has given up, if its deadline allows', async () => {
    await client.fault('delay', { delayMs: 600 });
    expect(await sendAndGiveUp(200)).toBeInstanceOf(Error);
    expect(await accepted()).toBe(0);
    const [order] = await eventually('the late order is taken', async () => {
      const orders = await client.orders();
      return orders[0]?.accepted ? orders : null;
    });
    expect(order!.processedAtMs! - order!.receivedAtMs).toBeGreaterThanOrEqual(590);
  });

  it('delay: refused when its deadline passed in the queue', async () => {
    await client.fault('delay', { delayMs: 2_600 });
    expect(await client.refusal('AddOrder', { ...BUY, deadline: inMs(2_400) })).toBe(
      'EService:Deadline elapsed',
    );
    expect(await client.orders()).toMatchObject([{ accepted: false, error: 'EService:Deadline elapsed' }]);
  });
});

describe('what is shown late', () => {
  it('listing-lag: an order is in no list until the lag is over', async () => {
    await client.fault('listing-lag', { delayMs: 700 });
    const txid = await client.order({ ...BUY, cl_ord_id: 'lagging' });
    const lists = async () => [
      Object.keys((await client.ok('OpenOrders', { cl_ord_id: 'lagging' })).open),
      Object.keys((await client.ok('ClosedOrders', { cl_ord_id: 'lagging' })).closed),
      Object.keys((await client.ok('TradesHistory')).trades),
      Object.keys(await client.ok('QueryOrders', { txid })),
    ];
    expect(await lists()).toEqual([[], [], [], []]);
    expect((await client.ok('Balance')).XXBT).toBe('0.0100000000');
    await eventually('the order is listed', async () => (await lists())[1]?.length === 1);
  });
});

describe('partial fills', () => {
  it('ends a market order with what it got', async () => {
    await client.fault('partial-fill', { fraction: 0.4 });
    const order = await client.query(await client.order(BUY));
    expect(order).toMatchObject({ status: 'canceled', vol_exec: '0.00400000', misc: 'partial' });
    expect((await client.ok('Balance')).XXBT).toBe('0.0040000000');
  });

  it('leaves a limit order open, until it is cancelled or the fault is lifted', async () => {
    await client.fault('partial-fill', { fraction: 0.4, times: 2 });
    const limit = { ...BUY, ordertype: 'limit', price: '30000.1' };
    const [first, second] = [await client.order(limit), await client.order(limit)];
    expect(await client.query(first)).toMatchObject({ status: 'open', vol_exec: '0.00400000' });
    await client.ok('CancelOrder', { txid: first });
    expect(await client.query(first)).toMatchObject({ status: 'canceled', vol_exec: '0.00400000' });
    await client.control('DELETE', 'faults');
    expect(await client.query(second)).toMatchObject({ status: 'closed', vol_exec: '0.01000000' });
  });
});

it('says what is wrong with a fault it cannot arm', async () => {
  expect(await client.fault('explode')).toMatchObject({
    error: expect.stringContaining('drop-before') as string,
  });
  expect(await client.fault('delay', { delayMs: -1 })).toMatchObject({
    error: 'delayMs must be a whole number of 0 or more; got -1',
  });
});
