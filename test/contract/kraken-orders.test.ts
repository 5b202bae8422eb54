import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { add } from '../../src/domain/money.ts';
import type { OrderRequest } from '../../src/exchange/port.ts';
import { AdapterOnPaper, aMinuteAgo } from './adapter-on-paper.ts';

let on: AdapterOnPaper;

beforeEach(async () => {
  on = new AdapterOnPaper();
  await on.start();
});

afterEach(() => on.stop());

describe('orders on the paper exchange', () => {
  it('fill, and are told with every fill', async () => {
    const order = on.request();
    const outcome = await on.exchange.submit(order, 'entry');
    expect(outcome.kind).toBe('accepted');
    if (outcome.kind !== 'accepted') return;
    const snapshot = await on.exchange.order(outcome.exchangeOrderId, 'entry');
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
    const since = aMinuteAgo();
    expect((await on.exchange.lookUp(order.clientOrderId, since, 'look-up')).order).toEqual(snapshot);
    expect((await on.exchange.closedOrders(since)).map((each) => each.exchangeOrderId)).toEqual([
      outcome.exchangeOrderId,
    ]);
    const fills = await on.exchange.fills(since);
    expect(fills.map((fill) => fill.exchangeOrderId)).toEqual(
      snapshot?.fills.map(() => outcome.exchangeOrderId),
    );
    const balances = await on.exchange.balances();
    expect(balances.find((balance) => balance.asset === 'BTC')?.total).toBe('0.01');
  });

  it('rest, hold money and can be cancelled once', async () => {
    const order = on.request({ type: 'limit', limitPrice: '20000' });
    const outcome = await on.exchange.submit(order, 'entry');
    if (outcome.kind !== 'accepted') throw new Error(`not accepted: ${outcome.kind}`);
    expect((await on.exchange.openOrders()).map((each) => each.clientOrderId)).toEqual([order.clientOrderId]);
    const usd = (await on.exchange.balances()).find((balance) => balance.asset === 'USD');
    expect(Number(usd?.held)).toBeGreaterThanOrEqual(200);
    expect(await on.exchange.cancel(outcome.exchangeOrderId, 'exit')).toEqual({ kind: 'cancelled' });
    expect(await on.exchange.cancel(outcome.exchangeOrderId, 'exit')).toEqual({ kind: 'not-open' });
    expect(await on.exchange.order(outcome.exchangeOrderId, 'exit')).toMatchObject({
      status: 'cancelled',
      filledQuantity: '0',
      fills: [],
    });
  });

  it('of the kind stop-loss rest, are amended in place, hold what they sell, and fire at their trigger', async () => {
    await on.exchange.submit(on.request(), 'entry');
    const order = on.request({ type: 'stop-loss', side: 'sell', quantity: '0.004', triggerPrice: '24000' });
    const outcome = await on.exchange.submit(order, 'exit');
    if (outcome.kind !== 'accepted') throw new Error(`not accepted: ${outcome.kind}`);
    const { exchangeOrderId } = outcome;
    const amend = (quantity: string) =>
      on.exchange.amend(
        exchangeOrderId,
        { quantity, triggerPrice: '24500', deadlineMs: Date.now() + 10_000 },
        'exit',
      );
    expect(await amend('0.01')).toEqual({ kind: 'amended' });
    expect(await amend('0.01')).toEqual({ kind: 'amended' });
    expect(await amend('0.02')).toEqual({ kind: 'refused', code: 'EOrder:Insufficient funds' });
    expect(await on.exchange.openOrders()).toMatchObject([
      { exchangeOrderId, clientOrderId: order.clientOrderId, quantity: '0.01', filledQuantity: '0' },
    ]);
    const sold = on.request({ side: 'sell' });
    expect(await on.exchange.submit(sold, 'exit')).toMatchObject({ code: 'EOrder:Insufficient funds' });
    await on.price('24500.2', '24500.4');
    expect(await on.exchange.order(exchangeOrderId, 'exit')).toMatchObject({ status: 'open' });
    await on.price('24499.9', '24500.1');
    expect(await on.exchange.order(exchangeOrderId, 'exit')).toMatchObject({
      status: 'filled',
      filledQuantity: '0.01',
    });
    expect(await amend('0.01')).toEqual({ kind: 'not-open' });
    await on.fault('drop-before', { call: 'AmendOrder' });
    expect(await amend('0.01')).toMatchObject({ kind: 'unknown' });
  });

  it('keep what a partial fill bought', async () => {
    await on.fault('partial-fill', { fraction: 0.4 });
    const order = on.request({ type: 'limit', limitPrice: '30001' });
    const outcome = await on.exchange.submit(order, 'entry');
    if (outcome.kind !== 'accepted') throw new Error(`not accepted: ${outcome.kind}`);
    await on.exchange.cancel(outcome.exchangeOrderId, 'exit');
    expect(await on.exchange.order(outcome.exchangeOrderId, 'exit')).toMatchObject({
      status: 'cancelled',
      filledQuantity: '0.004',
    });
  });

  it('open and close a short on margin', async () => {
    const opened = await on.exchange.submit(on.request({ side: 'sell', leverage: 2 }), 'entry');
    expect(opened.kind).toBe('accepted');
    expect(await on.exchange.marginPositions()).toMatchObject([
      { symbol: 'BTC/USD', side: 'sell', quantity: '0.01', closedQuantity: '0' },
    ]);
    const closed = await on.exchange.submit(on.request({ leverage: 2, reduceOnly: true }), 'exit');
    expect(closed.kind).toBe('accepted');
    expect(await on.exchange.marginPositions()).toEqual([]);
  });

  it.each<[what: string, changes: Partial<OrderRequest>, code: RegExp]>([
    ['too much for the money', { quantity: '100' }, /^EOrder:Insufficient funds$/],
    ['too small', { quantity: '0.00001' }, /minimum not met$/],
    ['of too fine a price', { type: 'limit', limitPrice: '20000.01' }, /^EOrder:Invalid price/],
    ['of an unknown pair', { symbol: 'NO/PAIR' }, /^EQuery:Unknown asset pair$/],
    ['due too soon', { deadlineMs: Date.now() }, /^(deadline-passed|EGeneral:Invalid arguments:deadline)$/],
  ])('are refused when %s', async (_what, changes, code) => {
    const order = on.request(changes);
    const outcome = await on.exchange.submit(order, 'entry');
    expect(outcome).toMatchObject({ kind: 'refused', code: expect.stringMatching(code) as string });
    const found = await on.exchange.lookUp(order.clientOrderId, aMinuteAgo(), 'look-up');
    expect(found.order).toBeNull();
  });

  it('are there after the exchange was restarted', async () => {
    const order = on.request();
    await on.exchange.submit(order, 'entry');
    await on.restartPaper(() =>
      expect(on.exchange.lookUp(order.clientOrderId, aMinuteAgo(), 'look-up')).rejects.toThrow(),
    );
    const found = await on.exchange.lookUp(order.clientOrderId, aMinuteAgo(), 'look-up');
    expect(found.order).toMatchObject({ status: 'filled', filledQuantity: '0.01' });
  });
});
