import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ReconcileStack } from '../support/reconcile-stack.ts';

describe('an order that no record knows of, with HOLDFAST_ADOPT=flatten', { timeout: 180_000 }, () => {
  let stack: ReconcileStack;

  beforeAll(async () => {
    stack = await ReconcileStack.start({ HOLDFAST_ADOPT: 'flatten' });
  }, 180_000);
  afterAll(() => stack.stop(), 60_000);

  it('is sold at once by one order, and recorded; show tells why', async () => {
    const orderId = await stack.place({
      symbol: 'BTC/USD',
      side: 'buy',
      quantity: '0.02',
      workflowId: 'trade-dead',
    });
    const findings = await stack.reconcile();
    expect(findings).toMatchObject([{ kind: 'orphan-order', subject: orderId, done: 'flattened' }]);
    await expect
      .poll(() => stack.positions('closed'), { timeout: 60_000 })
      .toMatchObject([{ positionId: `kraken-${orderId}`, exitRule: 'forced' }]);
    expect(await stack.paper.accepted()).toHaveLength(2);
    expect(Number(await stack.balance('BTC'))).toBe(0);
    const story = await stack.words('show', `kraken-${orderId}`);
    expect(story).toContain('HOLDFAST_ADOPT is flatten');
    expect(story).toContain('settled: flattened');
  });
});
