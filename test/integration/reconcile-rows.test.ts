import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ReconcileStack, type Found } from '../support/reconcile-stack.ts';

const found = (findings: readonly Found[], kind: string) => findings.filter((each) => each.kind === kind);

/** Findings of rows and workflows, each produced for real; the orders at the exchange stay as they are. */
describe('reconciliation of rows and workflows', { timeout: 180_000 }, () => {
  let stack: ReconcileStack;

  beforeAll(async () => {
    stack = await ReconcileStack.start();
  }, 180_000);
  afterAll(() => stack.stop(), 60_000);
  afterEach(async () => {
    await stack.cli('exit', '--all', '--wait', 'closed');
  });

  async function expectOneExit(tradeId: string, ordersBefore: number): Promise<void> {
    await stack.cli('exit', tradeId, '--wait', 'closed');
    expect((await stack.paper.accepted()).length).toBe(ordersBefore + 1);
    expect(Number(await stack.balance('BTC'))).toBe(0);
  }

  it('finds nothing while everything is in order, open positions included', async () => {
    await stack.open();
    expect(await stack.reconcile()).toEqual([]);
  });

  it('writes deleted rows again from the workflow, field by field', async () => {
    const { positionId, tradeId } = await stack.open();
    const rows = () =>
      stack.sql(
        `SELECT position.*, trade."value", live."signalConfidence", live."slippage", live."requestedAt"
         FROM "ManagedPosition" AS position JOIN "ManagedTrade" AS trade ON trade."positionId" = position."id"
         JOIN "LiveTrade" AS live ON live."positionId" = position."id" WHERE position."id" = $1`,
        [positionId],
      );
    const [before] = await rows();
    await stack.deleteRows(positionId);
    expect(await stack.positions()).toEqual([]);
    const orders = (await stack.paper.accepted()).length;

    const findings = await stack.reconcile();
    expect(found(findings, 'row-missing')).toMatchObject([{ subject: positionId, action: 'settled' }]);
    const moving = { createdAt: expect.anything() as unknown, updatedAt: expect.anything() as unknown };
    expect(await rows()).toEqual([{ ...before, ...moving }]);
    expect((await stack.positions()).map((each) => each.positionId)).toEqual([positionId]);
    await expectOneExit(tradeId, orders);
  });

  it('puts changed rows right, and a missing one of the four', async () => {
    const { positionId, tradeId } = await stack.open();
    const [before] = await stack.positions();
    await stack.sql('UPDATE "ManagedPosition" SET "quantity" = "quantity" * 2 WHERE "id" = $1', [positionId]);
    await stack.sql('DELETE FROM "LiveTrade" WHERE "positionId" = $1', [positionId]);
    const orders = (await stack.paper.accepted()).length;

    const findings = await stack.reconcile();
    expect(found(findings, 'row-differs')).toMatchObject([
      {
        subject: positionId,
        action: 'settled',
        seen: { field: expect.stringContaining('quantity') as string },
      },
    ]);
    const [after] = await stack.positions();
    expect(after?.quantity).toBe(before?.quantity);
    expect(await stack.sql('SELECT count(*) FROM "LiveTrade" WHERE "positionId" = $1', [positionId])).toEqual(
      [{ count: '1' }],
    );
    await expectOneExit(tradeId, orders);
  });

  it('restarts a trade whose workflow was terminated, under the thresholds it had', async () => {
    const { positionId, tradeId, workflowId } = await stack.open('--confidence', '0.7');
    const pinned = (await stack.state(tradeId)).plan?.policy;
    await stack.temporal.workflow.getHandle(workflowId).terminate('by hand');
    const orders = (await stack.paper.accepted()).length;

    const findings = await stack.reconcile();
    expect(found(findings, 'unwatched-position')).toMatchObject([{ subject: positionId, action: 'settled' }]);
    expect(await stack.running()).toEqual([workflowId]);
    const state = await stack.state(tradeId);
    expect(state).toMatchObject({ stage: 'open', persistence: 'confirmed', request: { strategy: 'manual' } });
    expect(state.plan?.policy).toEqual(pinned);
    await expectOneExit(tradeId, orders);
  });

  it('adopts the order of a terminated trade whose rows are gone as well, under its own id', async () => {
    const { positionId, tradeId, workflowId } = await stack.open();
    await stack.temporal.workflow.getHandle(workflowId).terminate('by hand');
    await stack.deleteRows(positionId);
    await stack.sql('DELETE FROM "OrderIntent" WHERE "tradeId" = $1', [tradeId]);
    const orders = (await stack.paper.accepted()).length;

    const findings = await stack.reconcile();
    expect(found(findings, 'orphan-order')).toMatchObject([
      { subject: positionId.replace('kraken-', ''), action: 'settled', seen: { tradeId } },
    ]);
    expect(await stack.running()).toEqual([workflowId]);
    expect((await stack.positions()).map((each) => each.positionId)).toEqual([positionId]);
    await expectOneExit(tradeId, orders);
  });

  it('ends the exit that a terminated trade had sent, and sends no other', async () => {
    const { positionId, tradeId, workflowId } = await stack.open();
    const [position] = await stack.positions();
    await stack.temporal.workflow.getHandle(workflowId).terminate('by hand');
    await stack.place({
      symbol: 'BTC/USD',
      side: 'sell',
      quantity: position!.quantity,
      workflowId,
      leg: 'exit-1',
    });
    const orders = (await stack.paper.accepted()).length;

    await stack.reconcile();
    await expect.poll(async () => (await stack.positions()).length, { timeout: 30_000 }).toBe(0);
    const closed = await stack.positions('closed');
    expect(closed.find((each) => each.positionId === positionId)).toMatchObject({
      exitRule: 'reconciliation',
    });
    expect((await stack.paper.accepted()).length).toBe(orders);
    expect(await stack.state(tradeId)).toMatchObject({ stage: 'closed' });
  });

  it('does not adopt again what was bought and sold when the rows of a closed trade are gone', async () => {
    const { positionId, tradeId } = await stack.open();
    await stack.cli('exit', tradeId, '--wait', 'closed');
    const [before] = await stack.sql('SELECT "realizedPnL" FROM "ManagedPosition" WHERE "id" = $1', [
      positionId,
    ]);
    await stack.deleteRows(positionId);
    await stack.sql('DELETE FROM "OrderIntent" WHERE "tradeId" = $1', [tradeId]);
    const orders = (await stack.paper.accepted()).length;

    await stack.reconcile();
    const recorded = () =>
      stack.sql('SELECT "status", "exitReason", "realizedPnL" FROM "ManagedPosition" WHERE "id" = $1', [
        positionId,
      ]);
    await expect
      .poll(recorded, { timeout: 30_000 })
      .toEqual([{ status: 'closed', exitReason: 'forced', realizedPnL: before?.realizedPnL }]);
    expect((await stack.paper.accepted()).length).toBe(orders);
    expect(await stack.reconcile()).toEqual([]);
  });

  it('releases capital that no trade holds', async () => {
    await stack.sql(
      `INSERT INTO "CapitalReservation" ("tradeId", "symbol", "side", "notional", "status", "createdAt")
       VALUES ('gone', 'BTC/USD', 'long', 250, 'held', now() - interval '1 minute')`,
    );
    const findings = await stack.reconcile();
    expect(found(findings, 'orphan-reservation')).toMatchObject([{ subject: 'gone', action: 'settled' }]);
    expect(await stack.sql(`SELECT "status" FROM "CapitalReservation" WHERE "tradeId" = 'gone'`)).toEqual([
      { status: 'released' },
    ]);
    const [finding] = await stack.sql(`SELECT * FROM "Finding" WHERE "id" = 'orphan-reservation:gone'`);
    expect(finding).toMatchObject({ status: 'settled', action: 'released', proof: { tradeId: 'gone' } });
  });

  it('settles one trade while another can only be settled by a person', async () => {
    const [first, second] = [await stack.open(), await stack.open()];
    await stack.sql('SET session_replication_role = replica');
    await stack.sql(
      `UPDATE "ManagedPosition" SET "status" = 'closed', "exitPrice" = 1, "exitTime" = now(), "exitReason" = 'by hand',
       "exitTradeId" = "entryTradeId", "realizedPnL" = 0 WHERE "id" = $1`,
      [first.positionId],
    );
    await stack.sql('SET session_replication_role = DEFAULT');
    await stack.deleteRows(second.positionId);

    const findings = await stack.reconcile();
    expect(found(findings, 'row-closed')).toMatchObject([{ subject: first.positionId, action: 'human' }]);
    expect(found(findings, 'row-missing')).toMatchObject([{ subject: second.positionId, action: 'settled' }]);
    const words = await stack.words('reconcile');
    expect(words).toContain('is closed in the database, but trade');
    expect(words).toContain('needs you');
    expect(await stack.running()).toHaveLength(2);
  });
});
