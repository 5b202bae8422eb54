import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startPostgres, type RunningPostgres } from '../../src/embedded/postgres.ts';
import { freePort } from '../support/port-base.ts';
import { ReconcileStack, type Found, type Opened } from '../support/reconcile-stack.ts';

/** Less than a call to the exchange may take, more than it takes to kill something meanwhile. */
const HELD_UP_MS = 4_000;

/** Whatever dies under a settlement: it is taken up again, and nothing is sold or recorded twice. */
describe('a settlement that fails midway', { timeout: 180_000 }, () => {
  let root: string;
  let port: number;
  let postgres: RunningPostgres;
  let stack: ReconcileStack;
  let orders: number;

  const startDatabase = () => startPostgres({ dataDir: path.join(root, 'data'), port, log: () => undefined });
  const entryOf = (workflowId: string, symbol = 'ETH/USD', quantity = '0.3') =>
    stack.place({ symbol, side: 'buy', quantity, workflowId });
  const ordersSince = async () => (await stack.paper.accepted()).length - orders;

  beforeAll(async () => {
    root = await mkdtemp(path.join(tmpdir(), 'holdfast-midway-'));
    port = await freePort();
    postgres = await startDatabase();
    stack = await ReconcileStack.start({ DATABASE_URL: postgres.databaseUrl });
    await stack.pauseSchedule();
  }, 180_000);
  afterAll(async () => {
    await stack.stop();
    await postgres.stop();
    await rm(root, { recursive: true, force: true });
  }, 60_000);

  /** Runs a reconciliation whose settlements are held up at the exchange, and does something to them then. */
  async function midway(findingIds: readonly string[], blow: () => Promise<unknown>): Promise<void> {
    orders = (await stack.paper.accepted()).length;
    await stack.paper.arm({ call: 'QueryOrders', kind: 'delay', times: 2, delayMs: HELD_UP_MS });
    const report = stack.reconcile();
    report.catch(() => undefined);
    await expectStatus(findingIds, 'acting');
    await blow();
    await expectStatus(findingIds, 'settled');
    await stack.paper.disarm();
  }

  const expectStatus = (findingIds: readonly string[], status: string) =>
    expect
      .poll(
        async () => {
          const rows = await stack
            .sql('SELECT "id" FROM "Finding" WHERE "status" = $1', [status])
            // Whoever asks while the database is away asks again.
            .catch(() => []);
          return rows.map(({ id }) => id).filter((id) => findingIds.includes(id as string)).length;
        },
        { timeout: 120_000, interval: 100 },
      )
      .toBe(findingIds.length);

  /** Open, guarded, and in the database exactly once. */
  async function expectAdoptedOnce(orderId: string): Promise<string> {
    const positionId = `kraken-${orderId}`;
    const [counts] = await stack.sql(
      `SELECT (SELECT count(*)::integer FROM "ManagedPosition" WHERE "id" = $1 AND "status" = 'open') AS positions,
         (SELECT count(*)::integer FROM "ManagedTrade" WHERE "positionId" = $1) AS trades,
         (SELECT count(*)::integer FROM "LivePosition" WHERE "positionId" = $1) AS live,
         (SELECT count(*)::integer FROM "LiveTrade" WHERE "positionId" = $1) AS "liveTrades",
         (SELECT count(*)::integer FROM "OrderIntent" WHERE "krakenOrderId" = $2) AS intents`,
      [positionId, orderId],
    );
    expect(counts).toEqual({ positions: 1, trades: 1, live: 1, liveTrades: 1, intents: 1 });
    const { tradeId } = (await stack.positions()).find((position) => position.positionId === positionId)!;
    await expect
      .poll(async () => (await stack.state(tradeId)).guard !== null, { timeout: 60_000 })
      .toBe(true);
    return tradeId;
  }

  it('goes on after its worker was killed: adopted once, closed once, nothing sent', async () => {
    const sold = await stack.enter('BTC/USD', '250');
    const [{ quantity } = { quantity: '' }] = await stack.positions();
    await stack.place({ symbol: 'BTC/USD', side: 'sell', quantity });
    const orderId = await entryOf('trade-dead-1');
    await midway([`orphan-order:${orderId}`, `flat-on-exchange:${sold.positionId}`], () =>
      stack.killWorker(),
    );

    await expectAdoptedOnce(orderId);
    await expect
      .poll(async () => (await stack.state(sold.tradeId)).stage, { timeout: 30_000 })
      .toBe('closed');
    const rows = await stack.sql(
      `SELECT count(*)::integer AS exits, sum("quantity")::text AS sold FROM "ManagedTrade"
       WHERE "positionId" = $1 AND NOT "isEntry"`,
      [sold.positionId],
    );
    expect(rows).toEqual([{ exits: 1, sold: quantity }]);
    expect(await ordersSince()).toBe(0);
  });

  it('goes on when the database returns: adopted once, rows written once, nothing sent', async () => {
    const rowless = await stack.enter('BTC/USD', '250');
    const orderId = await entryOf('trade-dead-2');
    await stack.deleteRows(rowless.positionId);
    await midway([`orphan-order:${orderId}`], async () => {
      postgres.kill();
      // The settlement has met the database that is away, and tries again.
      await expect
        .poll(() => stack.attempts(`settle-orphan-order:${orderId}`), { timeout: 60_000 })
        .toBeGreaterThan(1);
      postgres = await startDatabase();
    });
    await expectStatus([`row-missing:${rowless.positionId}`], 'settled');

    await expectAdoptedOnce(orderId);
    await expectAdoptedOnce(rowless.orderId);
    expect(await ordersSince()).toBe(0);
  });

  describe('that the database refuses for ever', () => {
    let refused: string;
    let others: Opened[];

    it('stops no other: their rows are repaired and their orders adopted', async () => {
      refused = await entryOf('trade-dead-3');
      await stack.sql(`
        CREATE FUNCTION "refuse"() RETURNS trigger LANGUAGE plpgsql AS
          $$ BEGIN RAISE EXCEPTION 'this finding is refused'; END $$;
        CREATE TRIGGER "refuse" BEFORE UPDATE ON "Finding" FOR EACH ROW
          WHEN (NEW."status" = 'settled' AND NEW."subject" = '${refused}') EXECUTE FUNCTION "refuse"()`);
      others = [await stack.enter('BTC/USD', '250'), await stack.enter('BTC/USD', '260')];
      const [rowless, terminated] = others as [Opened, Opened];
      await stack.terminate(terminated.workflowId);
      await stack.deleteRows(rowless.positionId);
      orders = (await stack.paper.accepted()).length;

      const findings = await stack.reconcile();
      const told = ({ kind, subject, action }: Found) => `${kind} ${subject} ${action}`;
      expect(findings.map(told).sort()).toEqual([
        `orphan-order ${refused} settling`,
        `row-missing ${rowless.positionId} settled`,
        `unwatched-position ${terminated.positionId} settled`,
      ]);
      expect(await stack.words('reconcile')).toBe('exchange, database and workflows agree\n');
    });

    it('stops no start: everything is watched again, that one too', async () => {
      await stack.restart();
      const orderIds = [refused, ...others.map(({ orderId }) => orderId)];
      const tradeIds = [];
      for (const orderId of orderIds) tradeIds.push(await expectAdoptedOnce(orderId));
      expect(await stack.attempts(`settle-orphan-order:${refused}`)).toBeGreaterThan(1);

      await stack.sql('DROP FUNCTION "refuse" CASCADE');
      await expectStatus([`orphan-order:${refused}`], 'settled');
      expect(await ordersSince()).toBe(0);
      await stack.exit(...tradeIds);
      expect(await ordersSince()).toBe(tradeIds.length);
    });
  });

  it('leaves an account that is sold to the last, by one order each', async () => {
    const open = (await stack.positions()).map(({ tradeId }) => tradeId);
    orders = (await stack.paper.accepted()).length;
    await stack.exit(...open);
    expect(await ordersSince()).toBe(open.length);
    expect(Number(await stack.balance('BTC'))).toBe(0);
    expect(Number(await stack.balance('ETH'))).toBe(0);
    expect(await stack.reconcile()).toEqual([]);
  });
});
