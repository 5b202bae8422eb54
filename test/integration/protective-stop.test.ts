import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Lane } from '../chaos/support/lane.ts';
import { until } from '../chaos/support/until.ts';
import { expectSoldOnce, legsOf, openProtected, stopOf } from '../support/protected-trades.ts';

/** One stop-loss order rests on the exchange from the first fill on, and never sells what an exit sells too. */
describe('a protective stop', { timeout: 180_000 }, () => {
  let lane: Lane;

  beforeAll(async () => {
    lane = await Lane.open();
    await lane.startWorker({ HOLDFAST_PROTECTIVE_STOP: 'on' });
  }, 180_000);
  afterAll(() => lane.close(), 60_000);

  it('rests at the emergency level for the whole position; an exit withdraws it and sells once', async () => {
    const { tradeId, price, stop } = await openProtected(lane);
    const [entry, resting] = await legsOf(lane, tradeId);
    expect(resting).toMatchObject({ leg: 'stop-1', type: 'stop-loss', status: 'open' });
    expect(Number(resting?.price) / price).toBeCloseTo(0.8, 3);
    expect(Number(resting?.volume)).toBe(Number(entry?.filled));
    expect(resting?.txid).toBe(stop.exchangeOrderId);
    await lane.client.requestExit(tradeId, 'test');
    expect(await lane.client.result(tradeId)).toMatchObject({ stage: 'closed', exitRule: 'forced' });
    await expectSoldOnce(lane, tradeId, ['entry', 'stop-1 unfilled', 'exit-1']);
  });

  it('is withdrawn by the guard that sells from memory', async () => {
    const { tradeId, move } = await openProtected(lane);
    await move(1.6);
    expect(await lane.client.result(tradeId)).toMatchObject({ exitRule: 'extraordinary-profit' });
    await expectSoldOnce(lane, tradeId, ['entry', 'stop-1 unfilled', 'exit-1']);
    expect(lane.story(tradeId)).toContain('exit order accepted');
  });

  it('of a short buys back above, and only reduces', async () => {
    const { tradeId, price, move } = await openProtected(lane, 'short');
    const [, resting] = await legsOf(lane, tradeId);
    expect(resting).toMatchObject({ leg: 'stop-1', reduceOnly: true });
    expect(Number(resting?.price) / price).toBeCloseTo(1.2, 3);
    await move(1.21);
    expect(await lane.client.result(tradeId)).toMatchObject({ exitRule: 'emergency-loss' });
    await expectSoldOnce(lane, tradeId, ['entry', 'stop-1']);
  });

  it('fires while nobody of ours is there, and is recorded when somebody is again', async () => {
    const { tradeId, move } = await openProtected(lane);
    process.kill(lane.worker.pid, 'SIGSTOP');
    try {
      await move(0.79);
      expect(await legsOf(lane, tradeId)).toMatchObject([
        { leg: 'entry' },
        { leg: 'stop-1', status: 'closed' },
      ]);
      await move(1);
    } finally {
      process.kill(lane.worker.pid, 'SIGCONT');
    }
    const result = await lane.client.result(tradeId);
    expect(result).toMatchObject({ stage: 'closed', exitRule: 'emergency-loss' });
    await expectSoldOnce(lane, tradeId, ['entry', 'stop-1']);
    expect(Number(result.realizedPnl)).toBeLessThan(-40);
  });

  it('grows with a position that fills on', async () => {
    const { symbol, price } = await lane.freshSymbol();
    const tradeId = randomUUID();
    await lane.paper.arm({ call: 'AddOrder', kind: 'partial-fill', times: 1, fraction: 0.5, pair: symbol });
    await lane.openTrade(tradeId, symbol, { limit: price });
    const stop = await stopOf(lane, tradeId);
    const whole = Number((await lane.client.state(tradeId)).plan?.quantity);
    expect(Number(stop.quantity) / whole).toBeCloseTo(0.5, 2);
    await lane.paper.disarm();
    await until('it is as large as the position', 60_000, async () => {
      const { openOrders } = await lane.paper.account();
      return Number(openOrders.find(({ txid }) => txid === stop.exchangeOrderId)?.vol) === whole;
    });
    await lane.client.requestExit(tradeId, 'test');
    await lane.client.result(tradeId);
    await expectSoldOnce(lane, tradeId, ['entry', 'stop-1 unfilled', 'exit-1']);
  });
});
