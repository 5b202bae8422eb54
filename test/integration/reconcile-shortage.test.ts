import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ReconcileStack, type Found } from '../support/reconcile-stack.ts';

const found = (findings: readonly Found[], kind: string) => findings.filter((each) => each.kind === kind);

/** A position that others sold is to be exited: what the exchange holds then belongs to another position. */
describe('exits of what the exchange does not hold', { timeout: 180_000 }, () => {
  let stack: ReconcileStack;

  beforeAll(async () => {
    stack = await ReconcileStack.start();
    await stack.pauseSchedule();
  }, 180_000);
  afterAll(() => stack.stop(), 60_000);
  afterEach(async () => {
    await stack.cli('exit', '--all', '--wait', 'closed');
  });

  it.each([
    { side: 'long', byHand: { side: 'sell' } },
    { side: 'short', byHand: { side: 'buy', leverage: 2 } },
  ] as const)(
    'exits nothing of others when an exit never arrived and the $side was closed by hand meanwhile',
    async ({ side, byHand }) => {
      const sold = await stack.open('--side', side);
      const kept = await stack.open('--side', side, '--notional', '400');
      const [, position] = await stack.positions();
      expect(position?.positionId).toBe(sold.positionId);
      await stack.place({ symbol: 'BTC/USD', quantity: position!.quantity, ...byHand });
      const orders = (await stack.paper.accepted()).length;

      await stack.paper.arm({ call: 'AddOrder', kind: 'drop-before', times: 1 });
      await stack.cli('exit', sold.positionId);
      await expect
        .poll(async () => (await stack.state(sold.tradeId)).shortage, { timeout: 60_000 })
        .toBe(position?.quantity);
      expect(await stack.state(sold.tradeId)).toMatchObject({ stage: 'exiting', exits: [] });
      const findings = await stack.reconcile();
      expect(found(findings, 'flat-on-exchange')).toMatchObject([
        { subject: sold.positionId, action: 'settled' },
      ]);
      await expect.poll(() => stack.positions(), { timeout: 60_000 }).toHaveLength(1);
      expect((await stack.paper.accepted()).length).toBe(orders);
      expect((await stack.positions())[0]?.positionId).toBe(kept.positionId);

      await stack.cli('exit', kept.positionId, '--wait', 'closed');
      expect((await stack.paper.accepted()).length).toBe(orders + 1);
      expect(Number(await stack.balance('BTC'))).toBe(0);
      expect(await stack.exchange.marginPositions('exit')).toEqual([]);
    },
  );

  it('leaves alone what is bought after an exit was refused for want of what was sold by hand', async () => {
    const sold = await stack.open();
    const [position] = await stack.positions();
    await stack.place({ symbol: 'BTC/USD', side: 'sell', quantity: position!.quantity });
    await stack.cli('exit', sold.positionId);
    await expect
      .poll(async () => (await stack.state(sold.tradeId)).shortage, { timeout: 60_000 })
      .toBe(position?.quantity);
    const later = await stack.open('--notional', '400');
    const noted = (await stack.state(sold.tradeId)).note;
    // It has looked again since, with the other's balance there.
    await expect
      .poll(async () => (await stack.state(sold.tradeId)).note, { timeout: 120_000 })
      .not.toBe(noted);
    expect(await stack.positions()).toHaveLength(2);
    expect(found(await stack.reconcile(), 'flat-on-exchange')).toMatchObject([{ action: 'settled' }]);
    await expect.poll(() => stack.positions(), { timeout: 60_000 }).toHaveLength(1);
    expect((await stack.positions())[0]?.positionId).toBe(later.positionId);
  });
});
