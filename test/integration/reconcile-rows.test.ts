import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ReconcileStack, type Found, type Opened } from '../support/reconcile-stack.ts';

const ROLES = [
  'untouched',
  'rowless',
  'changed',
  'terminated',
  'forgotten',
  'sold',
  'closed',
  'final',
] as const;
type Role = (typeof ROLES)[number];

/**
 * Findings of rows and workflows, each produced for real and all at once: one look sees them all, and none of
 * them may stop another. Orders at the exchange stay as they are.
 */
describe('reconciliation of rows and workflows', { timeout: 120_000 }, () => {
  let stack: ReconcileStack;
  let trades: Record<Role, Opened>;
  let rowsBefore: Record<string, unknown>[];
  let pinned: unknown;
  let closedPnl: unknown;
  let orders: number;
  let findings: readonly Found[];

  const recordedRows = (positionId: string) =>
    stack.sql(
      `SELECT position.*, trade."value", live."signalConfidence", live."slippage", live."requestedAt"
       FROM "ManagedPosition" AS position JOIN "ManagedTrade" AS trade ON trade."positionId" = position."id"
       JOIN "LiveTrade" AS live ON live."positionId" = position."id" WHERE position."id" = $1`,
      [positionId],
    );
  const forgetIntents = (tradeId: string) =>
    stack.sql('DELETE FROM "OrderIntent" WHERE "tradeId" = $1', [tradeId]);
  const ordersSince = async () => (await stack.paper.accepted()).length - orders;
  const about = (subject: string) => findings.filter((finding) => finding.subject === subject);
  const settled = (kind: string): unknown[] => [
    expect.objectContaining({ kind, action: 'settled', looks: 2 }),
  ];

  beforeAll(async () => {
    stack = await ReconcileStack.start();
    await stack.pauseSchedule();
    const opened = await Promise.all(ROLES.map((_, index) => stack.enter('BTC/USD', `${250 + index}`)));
    trades = Object.fromEntries(ROLES.map((role, index) => [role, opened[index]])) as typeof trades;
  }, 180_000);
  afterAll(() => stack.stop(), 60_000);

  it('finds nothing while everything is in order, open positions included', async () => {
    expect(await stack.reconcile()).toEqual([]);
  });

  it('settles all but what only a person can decide, after two looks', async () => {
    const { rowless, changed, terminated, forgotten, sold, closed, final } = trades;
    rowsBefore = await recordedRows(rowless.positionId);
    pinned = (await stack.state(terminated.tradeId)).plan?.policy;
    await stack.exit(closed.tradeId);
    const [record] = await stack.sql('SELECT "realizedPnL" FROM "ManagedPosition" WHERE "id" = $1', [
      closed.positionId,
    ]);
    closedPnl = record?.realizedPnL;

    await stack.terminate(terminated.workflowId, forgotten.workflowId, sold.workflowId);
    await stack.deleteRows(rowless.positionId);
    await stack.sql('UPDATE "ManagedPosition" SET "quantity" = "quantity" * 2 WHERE "id" = $1', [
      changed.positionId,
    ]);
    await stack.sql('DELETE FROM "LiveTrade" WHERE "positionId" = $1', [changed.positionId]);
    for (const { positionId, tradeId } of [forgotten, closed]) {
      await stack.deleteRows(positionId);
      await forgetIntents(tradeId);
    }
    const { quantity } = (await stack.positions()).find(({ tradeId }) => tradeId === sold.tradeId)!;
    const exit = { symbol: 'BTC/USD', side: 'sell', quantity, leg: 'exit-1' } as const;
    await stack.place({ ...exit, workflowId: sold.workflowId });
    await stack.sql('SET session_replication_role = replica');
    await stack.sql(
      `UPDATE "ManagedPosition" SET "status" = 'closed', "exitPrice" = 1, "exitTime" = now(), "exitReason" = 'by hand',
       "exitTradeId" = "entryTradeId", "realizedPnL" = 0 WHERE "id" = $1`,
      [final.positionId],
    );
    await stack.sql('SET session_replication_role = DEFAULT');
    await stack.sql(
      `INSERT INTO "CapitalReservation" ("tradeId", "symbol", "side", "notional", "status", "createdAt")
       VALUES ('gone', 'BTC/USD', 'long', 250, 'held', now() - interval '1 minute')`,
    );
    orders = (await stack.paper.accepted()).length;

    findings = await stack.reconcile();
    expect(findings.map(({ kind, action }) => `${kind} ${action}`).sort()).toEqual([
      'orphan-order settled',
      'orphan-order settled',
      'orphan-reservation settled',
      'row-closed human',
      'row-differs settled',
      'row-missing settled',
      'unwatched-position settled',
      'unwatched-position settled',
    ]);
    expect(await ordersSince()).toBe(0);
    await expect
      .poll(async () => (await stack.running()).sort(), { timeout: 30_000 })
      .toEqual(
        [trades.untouched, rowless, changed, terminated, forgotten, final]
          .map(({ workflowId }) => workflowId)
          .sort(),
      );
  });

  it('writes deleted rows again from the workflow, field by field', async () => {
    const { positionId } = trades.rowless;
    expect(about(positionId)).toEqual(settled('row-missing'));
    const [after, ...others] = await recordedRows(positionId);
    const moving = { createdAt: after?.createdAt, updatedAt: after?.updatedAt };
    expect(after).toEqual({ ...rowsBefore[0], ...moving });
    expect(others).toEqual([]);
  });

  it('puts changed rows right, and a missing one of the four', async () => {
    const { positionId } = trades.changed;
    const told = expect.objectContaining({
      field: expect.stringContaining('quantity') as unknown,
    }) as unknown;
    expect(about(positionId)).toEqual(settled('row-differs'));
    expect(about(positionId)[0]?.seen).toEqual(told);
    const [sums] = await stack.sql(
      `SELECT position."quantity" = trade."quantity" AS equal,
         (SELECT count(*)::integer FROM "LiveTrade" WHERE "positionId" = position."id") AS "liveTrades"
       FROM "ManagedPosition" AS position JOIN "ManagedTrade" AS trade ON trade."positionId" = position."id"
       WHERE position."id" = $1`,
      [positionId],
    );
    expect(sums).toEqual({ equal: true, liveTrades: 1 });
  });

  it('restarts a trade whose workflow was terminated, under the thresholds it had', async () => {
    const { positionId, tradeId } = trades.terminated;
    expect(about(positionId)).toEqual(settled('unwatched-position'));
    const state = await stack.state(tradeId);
    expect(state).toMatchObject({ stage: 'open', persistence: 'confirmed', request: { strategy: 'manual' } });
    expect(state.plan?.policy).toEqual(pinned);
  });

  it('adopts the order of a terminated trade whose rows are gone as well, under its own id', async () => {
    const { positionId, tradeId, orderId } = trades.forgotten;
    expect(about(orderId)).toEqual(settled('orphan-order'));
    expect(about(orderId)[0]?.seen.tradeId).toBe(tradeId);
    expect((await stack.positions()).filter((each) => each.positionId === positionId)).toHaveLength(1);
    expect((await stack.state(tradeId)).position?.positionId).toBe(positionId);
  });

  it('ends the exit that a terminated trade had sent, and sends no other', async () => {
    const { positionId, tradeId } = trades.sold;
    expect(about(positionId)).toEqual(settled('unwatched-position'));
    await expect.poll(async () => (await stack.state(tradeId)).stage, { timeout: 30_000 }).toBe('closed');
    const closed = (await stack.positions('closed')).find((each) => each.positionId === positionId);
    expect(closed).toMatchObject({ exitRule: 'reconciliation', exitPrice: '10000' });
    expect(await ordersSince()).toBe(0);
  });

  it('records again, and does not adopt, what was bought and sold when the rows of a closed trade are gone', async () => {
    const { positionId, orderId } = trades.closed;
    expect(about(orderId)).toEqual(settled('orphan-order'));
    const recorded = () =>
      stack.sql('SELECT "status", "exitReason", "realizedPnL" FROM "ManagedPosition" WHERE "id" = $1', [
        positionId,
      ]);
    await expect
      .poll(recorded, { timeout: 30_000 })
      .toEqual([{ status: 'closed', exitReason: 'forced', realizedPnL: closedPnl }]);
    expect(await ordersSince()).toBe(0);
  });

  it('releases capital that no trade holds', async () => {
    expect(about('gone')).toEqual([
      expect.objectContaining({ kind: 'orphan-reservation', action: 'settled' }),
    ]);
    expect(await stack.sql(`SELECT "status" FROM "CapitalReservation" WHERE "tradeId" = 'gone'`)).toEqual([
      { status: 'released' },
    ]);
    const [finding] = await stack.sql(`SELECT * FROM "Finding" WHERE "id" = 'orphan-reservation:gone'`);
    expect(finding).toMatchObject({ status: 'settled', action: 'released', proof: { tradeId: 'gone' } });
  });

  it('leaves to a person what the database holds for final, and says what to do', async () => {
    const { positionId, tradeId } = trades.final;
    expect(about(positionId)).toEqual([expect.objectContaining({ kind: 'row-closed', action: 'human' })]);
    expect(await stack.words('reconcile')).toBe(
      [
        'row-closed',
        `  seen  position ${positionId} is closed in the database, but trade ${tradeId} is still open`,
        `  now   needs you: nothing is urgent, its workflow still protects it; to sell it: holdfast exit ${tradeId} (a row that is closed stays as it is)`,
        '1 finding: 0 settled, 1 for you',
        '',
      ].join('\n'),
    );
  });

  it('sells each of them once, and then all agree', async () => {
    const { untouched, rowless, changed, terminated, forgotten, final } = trades;
    const held = [untouched, rowless, changed, terminated, forgotten, final];
    await stack.exit(...held.map(({ tradeId }) => tradeId));
    expect(await ordersSince()).toBe(held.length);
    expect(Number(await stack.balance('BTC'))).toBe(0);
    expect(await stack.positions()).toEqual([]);
    expect(await stack.reconcile()).toEqual([]);
  });
});
