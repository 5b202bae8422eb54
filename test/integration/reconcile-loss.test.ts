import { rm } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ReconcileStack } from '../support/reconcile-stack.ts';

/** One of the three memories is lost as a whole, while positions are open. */
describe('a stack that has lost one of its memories', { timeout: 240_000 }, () => {
  let stack: ReconcileStack;
  let opened: { tradeId: string; positionId: string; workflowId: string }[];

  beforeAll(async () => {
    stack = await ReconcileStack.start();
    opened = [await stack.open(), await stack.open('--side', 'short'), await stack.open('--notional', '400')];
  }, 180_000);
  afterAll(() => stack.stop(), 60_000);

  const workflowIds = () => opened.map(({ workflowId }) => workflowId).sort();

  /** All positions are open, guarded and in the database, and nothing was ordered on the way there. */
  async function expectAllWatched(orders: number): Promise<void> {
    await expect
      .poll(async () => (await stack.running()).sort(), { timeout: 60_000, interval: 500 })
      .toEqual(workflowIds());
    for (const { tradeId } of opened) {
      await expect
        .poll(
          async () => {
            const { stage, persistence, guard, legInDoubtSinceMs } = await stack.state(tradeId);
            return [stage, persistence, guard !== null, legInDoubtSinceMs];
          },
          { timeout: 60_000, interval: 500 },
        )
        .toEqual(['open', 'confirmed', true, null]);
    }
    expect((await stack.positions()).map(({ tradeId }) => tradeId).sort()).toEqual(
      opened.map(({ tradeId }) => tradeId).sort(),
    );
    expect((await stack.paper.accepted()).length).toBe(orders);
    expect(await stack.reconcile()).toEqual([]);
  }

  it('has every position watched again by itself after Temporal started with empty storage', async () => {
    const before = await stack.positions();
    const orders = (await stack.paper.accepted()).length;
    await stack.restart((root) => rm(path.join(root, 'temporal'), { recursive: true }));
    await expectAllWatched(orders);
    const after = await stack.positions();
    const pinned = ({ positionId, quantity, entryPrice, openedAt }: (typeof after)[number]) => ({
      positionId,
      quantity,
      entryPrice,
      openedAt,
    });
    expect(after.map(pinned)).toEqual(before.map(pinned));
  });

  it('has every row again by itself after the database was emptied', async () => {
    const orders = (await stack.paper.accepted()).length;
    const [before] = await stack.sql('SELECT * FROM "ManagedPosition" WHERE "side" = \'short\'');
    await stack.restart((root) => rm(path.join(root, 'postgres'), { recursive: true }));
    await expect
      .poll(async () => (await stack.positions()).length, { timeout: 60_000, interval: 500 })
      .toBe(3);
    await expectAllWatched(orders);
    const [after] = await stack.sql('SELECT * FROM "ManagedPosition" WHERE "side" = \'short\'');
    const moving = {
      createdAt: expect.anything() as unknown,
      updatedAt: expect.anything() as unknown,
      unrealizedPnL: expect.anything() as unknown,
    };
    expect(after).toEqual({ ...before, ...moving });
  });

  it('closes them all by one order each', async () => {
    const orders = (await stack.paper.accepted()).length;
    await stack.cli('exit', '--all', '--wait', 'closed');
    expect((await stack.paper.accepted()).length).toBe(orders + 3);
    expect(Number(await stack.balance('BTC'))).toBe(0);
    expect(await stack.exchange.marginPositions('exit')).toEqual([]);
  });
});
