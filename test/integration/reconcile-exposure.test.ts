import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { subtract, add } from '../../src/domain/money.ts';
import { ReconcileStack, type Found } from '../support/reconcile-stack.ts';

const found = (findings: readonly Found[], kind: string) => findings.filter((each) => each.kind === kind);

/** What people and dead workers do on the exchange behind Holdfast's back. */
describe('reconciliation of what the exchange holds', { timeout: 180_000 }, () => {
  let stack: ReconcileStack;

  beforeAll(async () => {
    stack = await ReconcileStack.start();
  }, 180_000);
  afterAll(() => stack.stop(), 60_000);
  afterEach(async () => {
    await stack.cli('exit', '--all', '--wait', 'closed');
  });

  it('closes a position that somebody sold by hand, with the real fills and no order of its own', async () => {
    const sold = await stack.open();
    const kept = await stack.open('--notional', '400');
    const position = (await stack.positions()).find(({ positionId }) => positionId === sold.positionId);
    await stack.paper.price('BTC/USD', '10050.0', '10050.1');
    await stack.place({ symbol: 'BTC/USD', side: 'sell', quantity: position!.quantity });
    const orders = (await stack.paper.accepted()).length;

    const findings = await stack.reconcile();
    expect(found(findings, 'flat-on-exchange')).toMatchObject([
      { subject: sold.positionId, action: 'settled' },
    ]);
    await expect.poll(async () => (await stack.positions()).length, { timeout: 30_000 }).toBe(1);
    const closed = (await stack.positions('closed')).find(({ positionId }) => positionId === sold.positionId);
    expect(closed).toMatchObject({ exitRule: 'reconciliation', exitPrice: '10050' });
    expect((await stack.positions())[0]?.positionId).toBe(kept.positionId);
    expect((await stack.paper.accepted()).length).toBe(orders);
    expect(await stack.reconcile()).toEqual([]);
    const learned = await stack.sql(
      `SELECT count(*) FROM "OrderIntent" WHERE "tradeId" = $1 AND "leg" <> 'entry'`,
      [sold.tradeId],
    );
    expect(learned).toEqual([{ count: '0' }]);
    await stack.paper.price('BTC/USD', '10000.0', '10000.1');
  });

  it('goes on with what is left after a partial close by hand, and sells only that', async () => {
    const { positionId, tradeId } = await stack.open();
    const [position] = await stack.positions();
    const quantity = position!.quantity;
    await stack.place({ symbol: 'BTC/USD', side: 'sell', quantity: '0.01' });
    const orders = (await stack.paper.accepted()).length;

    const findings = await stack.reconcile();
    expect(found(findings, 'quantity-differs')).toMatchObject([{ subject: positionId, action: 'settled' }]);
    expect((await stack.state(tradeId)).exits).toMatchObject([
      { leg: 'outside', summary: { quantity: '0.01' } },
    ]);
    expect(await stack.reconcile()).toEqual([]);

    await stack.cli('exit', positionId, '--wait', 'closed');
    expect((await stack.paper.accepted()).length).toBe(orders + 1);
    expect(Number(await stack.balance('BTC'))).toBe(0);
    const exits = await stack.sql(
      `SELECT "quantity" FROM "ManagedTrade" WHERE "positionId" = $1 AND NOT "isEntry" ORDER BY "executedAt"`,
      [positionId],
    );
    expect(exits.map((row) => Number(row.quantity))).toEqual([0.01, Number(subtract(quantity, '0.01'))]);
  });

  it('buys back only what is left of a short that was covered in part by hand', async () => {
    const { positionId } = await stack.open('--side', 'short');
    const [position] = await stack.positions();
    await stack.place({ symbol: 'BTC/USD', side: 'buy', quantity: '0.01', leverage: 2 });
    const orders = (await stack.paper.accepted()).length;
    const findings = await stack.reconcile();
    expect(found(findings, 'quantity-differs')).toMatchObject([{ subject: positionId, action: 'settled' }]);
    await stack.cli('exit', positionId, '--wait', 'closed');
    expect((await stack.paper.accepted()).length).toBe(orders + 1);
    const [sums] = await stack.sql(
      `SELECT sum("quantity") AS bought FROM "ManagedTrade" WHERE "positionId" = $1 AND NOT "isEntry"`,
      [positionId],
    );
    expect(Number(sums?.bought)).toBe(Number(position?.quantity));
    expect(await stack.exchange.marginPositions('exit')).toEqual([]);
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

  it('asks a person where no fills explain the difference, and goes on protecting', async () => {
    const [first, second] = [await stack.open(), await stack.open()];
    const held = await stack.balance('BTC');
    await stack.place({ symbol: 'BTC/USD', side: 'sell', quantity: '0.011' });
    // Bought back in part by the same person: neither order alone is what is missing.
    await stack.place({ symbol: 'BTC/USD', side: 'buy', quantity: '0.004' });
    const orders = (await stack.paper.accepted()).length;

    const findings = await stack.reconcile();
    expect(found(findings, 'quantity-differs')).toMatchObject([
      { subject: 'BTC', action: 'human', looks: 2 },
    ]);
    const words = await stack.words('reconcile');
    expect(words).toMatch(/quantity-differs\s+seen {2}BTC: the exchange holds .* where .* should be/);
    expect(words).toContain('needs you: find out who moved the difference');
    expect((await stack.paper.accepted()).length).toBe(orders);
    expect((await stack.positions()).map(({ positionId }) => positionId).sort()).toEqual(
      [first.positionId, second.positionId].sort(),
    );
    const [finding] = await stack.sql(`SELECT "status" FROM "Finding" WHERE "id" = 'quantity-differs:BTC'`);
    expect(finding).toEqual({ status: 'human' });

    await stack.place({ symbol: 'BTC/USD', side: 'buy', quantity: '0.007' });
    expect(await stack.balance('BTC')).toBe(held);
    expect(await stack.reconcile()).toEqual([]);
    const [after] = await stack.sql(
      `SELECT "status", "action" FROM "Finding" WHERE "id" = 'quantity-differs:BTC'`,
    );
    expect(after).toEqual({ status: 'settled', action: 'gone by itself' });
  });

  it('reports orders and balances of others and never touches them', async () => {
    const resting = await stack.place({
      symbol: 'BTC/USD',
      side: 'buy',
      quantity: '0.01',
      limitPrice: '5000.0',
    });
    await stack.place({ symbol: 'ETH/USD', side: 'buy', quantity: '0.5' });
    const ours = await stack.open();
    const before = { eth: await stack.balance('ETH'), btc: await stack.balance('BTC') };

    const findings = await stack.reconcile();
    expect(found(findings, 'foreign-order')).toMatchObject([{ subject: resting, action: 'report' }]);
    expect(found(findings, 'foreign-balance')).toMatchObject([
      { subject: 'ETH', action: 'report', seen: { surplus: '0.5' } },
    ]);
    expect(findings).toHaveLength(2);
    expect(await stack.words('reconcile')).toContain('not ours: reported, never touched');
    await stack.cli('exit', ours.positionId, '--wait', 'closed');
    expect(await stack.balance('ETH')).toBe(before.eth);
    expect((await stack.exchange.order(resting, 'exit'))?.status).toBe('open');
    await stack.exchange.cancel(resting, 'exit');
    await stack.place({ symbol: 'ETH/USD', side: 'sell', quantity: '0.5' });
  });

  it('cancels an entry of a dead worker that still rests, and adopts what it had bought', async () => {
    const resting = await stack.place({
      symbol: 'BTC/USD',
      side: 'buy',
      quantity: '0.02',
      limitPrice: '9000.0',
      workflowId: 'trade-dead-resting',
    });
    await stack.place({
      symbol: 'BTC/USD',
      side: 'buy',
      quantity: '0.03',
      workflowId: 'trade-dead-filled',
    });
    const findings = await stack.reconcile();
    expect(found(findings, 'orphan-order')).toHaveLength(2);
    expect((await stack.exchange.order(resting, 'exit'))?.status).toBe('cancelled');
    const positions = await stack.positions();
    expect(positions.map(({ quantity }) => Number(quantity))).toEqual([0.03]);
    expect(add(await stack.balance('BTC'))).toBe('0.03');
  });

  it('adopts nothing where exits of the same unknown trades sold it', async () => {
    await stack.place({ symbol: 'ETH/USD', side: 'buy', quantity: '0.3', workflowId: 'trade-past' });
    await stack.place({
      symbol: 'ETH/USD',
      side: 'sell',
      quantity: '0.3',
      workflowId: 'trade-past',
      leg: 'exit-1',
    });
    const orders = (await stack.paper.accepted()).length;
    const findings = await stack.reconcile();
    expect(found(findings, 'orphan-order')).toMatchObject([
      { action: 'settled', seen: { openQuantity: '0' } },
    ]);
    await expect.poll(async () => (await stack.positions()).length, { timeout: 30_000 }).toBe(0);
    expect((await stack.paper.accepted()).length).toBe(orders);
    expect(await stack.reconcile()).toEqual([]);
  });
});
