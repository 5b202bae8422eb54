import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AdapterOnPaper, aMinuteAgo, eventually } from './adapter-on-paper.ts';

let on: AdapterOnPaper;

beforeEach(async () => {
  on = new AdapterOnPaper();
  await on.start();
});

afterEach(() => on.stop());

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
      await on.fault(kind);
      const order = on.request({ type, ...(type === 'limit' && { limitPrice: '29000' }) });
      expect(await on.exchange.submit(order, 'entry')).toMatchObject({ kind: 'unknown' });
      const { order: found } = await on.exchange.lookUp(order.clientOrderId, aMinuteAgo(), 'look-up');
      expect(found).toMatchObject({
        clientOrderId: order.clientOrderId,
        status: type === 'market' ? 'filled' : 'open',
      });
      expect(await on.arrivals(order.clientOrderId)).toMatchObject([{ accepted: true }]);
    },
  );

  it.each(['drop-before'])('%s: unknown, and not there', async (kind) => {
    await on.fault(kind);
    const order = on.request();
    expect(await on.exchange.submit(order, 'entry')).toMatchObject({ kind: 'unknown' });
    const found = await on.exchange.lookUp(order.clientOrderId, aMinuteAgo(), 'look-up');
    expect(found.order).toBeNull();
    expect((await on.arrivals(order.clientOrderId)).filter((arrival) => arrival.accepted)).toEqual([]);
  });

  it.each([
    ['EService:Timeout', true],
    ['EService:Busy', false],
    ['EService:Deadline elapsed', true],
    ['EGeneral:Internal error', false],
  ])('error %s, carried out %s: unknown, and the truth is found', async (error, executed) => {
    await on.fault('error', { error, executed });
    const order = on.request();
    expect(await on.exchange.submit(order, 'entry')).toMatchObject({ kind: 'unknown', why: error });
    const found = await on.exchange.lookUp(order.clientOrderId, aMinuteAgo(), 'look-up');
    expect(found.order !== null).toBe(executed);
  });

  it('delay: an order that lands after the answer was given up is found in the end', async () => {
    await on.fault('delay', { delayMs: 4_000 });
    const order = on.request();
    expect(await on.exchange.submit(order, 'entry')).toMatchObject({ kind: 'unknown' });
    const early = await on.exchange.lookUp(order.clientOrderId, aMinuteAgo(), 'look-up');
    expect(early.order).toBeNull();
    const late = await eventually(async () => {
      const { order: found } = await on.exchange.lookUp(order.clientOrderId, aMinuteAgo(), 'look-up');
      expect(found).not.toBeNull();
      return found;
    });
    expect(late).toMatchObject({ status: 'filled' });
  });

  it('delay: an order that lands after its deadline is refused by the exchange', async () => {
    await on.fault('delay', { delayMs: 3_500 });
    const order = on.request({ deadlineMs: Date.now() + 3_000 });
    expect(await on.exchange.submit(order, 'entry')).toMatchObject({ kind: 'unknown' });
    await eventually(async () => {
      expect(await on.arrivals(order.clientOrderId)).toMatchObject([
        { accepted: false, error: 'EService:Deadline elapsed' },
      ]);
    });
    const found = await on.exchange.lookUp(order.clientOrderId, aMinuteAgo(), 'look-up');
    expect(found.order).toBeNull();
  });

  it('listing-lag: an order that no list shows yet is found in the end', async () => {
    await on.fault('listing-lag', { delayMs: 1_500 });
    await on.fault('drop-after');
    const order = on.request();
    expect(await on.exchange.submit(order, 'entry')).toMatchObject({ kind: 'unknown' });
    const found = await eventually(async () => {
      const { order: seen } = await on.exchange.lookUp(order.clientOrderId, aMinuteAgo(), 'look-up');
      expect(seen).not.toBeNull();
      return seen;
    });
    expect(found).toMatchObject({ status: 'filled', filledQuantity: '0.01' });
  });

  it.each(['OpenOrders', 'ClosedOrders', 'TradesHistory', 'QueryOrders', 'QueryTrades'])(
    'a %s that fails in any way is no answer to a look-up',
    async (call) => {
      const order = on.request();
      await on.exchange.submit(order, 'entry');
      // What was accepted is asked for by its own id; the lists are for orders that nobody knows.
      const id = call.startsWith('Query') ? order.clientOrderId : 'hfeNEVERNEVERNEVER';
      for (const kind of [
        'http-502-after',
        'html-200-after',
        'reset-after',
        'warning-after',
        'drop-before',
      ]) {
        await on.fault(kind, { call });
        await expect(on.exchange.lookUp(id, aMinuteAgo(), 'look-up'), kind).rejects.toMatchObject({
          name: 'ExchangeUnavailable',
        });
      }
      const after = await on.exchange.lookUp(order.clientOrderId, aMinuteAgo(), 'look-up');
      expect(after.order).toMatchObject({ status: 'filled' });
    },
  );

  it.each(['drop-after', 'reset-after', 'http-502-after'])(
    '%s of exits that left together: each is unknown, sent once, and found',
    async (kind) => {
      await on.fault(kind, { call: 'AddOrderBatch' });
      // The first leaves at once; the others wait for it.
      const orders = Array.from({ length: 4 }, () => on.request());
      const outcomes = await Promise.all(orders.map((order) => on.exchange.submit(order, 'exit')));
      expect(outcomes.map((outcome) => outcome.kind)).toEqual(['accepted', 'unknown', 'unknown', 'unknown']);
      for (const { clientOrderId } of orders) {
        const { order: found } = await on.exchange.lookUp(clientOrderId, aMinuteAgo(), 'look-up');
        expect(found).toMatchObject({ clientOrderId, status: 'filled' });
        expect(await on.arrivals(clientOrderId)).toMatchObject([{ accepted: true }]);
      }
    },
  );

  it('one that can not be keeps no other exit from leaving', async () => {
    const orders = [on.request(), on.request(), on.request({ quantity: '0.00000001' }), on.request()];
    const outcomes = await Promise.all(orders.map((order) => on.exchange.submit(order, 'exit')));
    expect(outcomes.map((outcome) => outcome.kind)).toEqual(['accepted', 'accepted', 'refused', 'accepted']);
    for (const [index, { clientOrderId }] of orders.entries()) {
      const accepted = (await on.arrivals(clientOrderId)).filter((arrival) => arrival.accepted);
      expect(accepted).toHaveLength(index === 2 ? 0 : 1);
    }
  });
});
