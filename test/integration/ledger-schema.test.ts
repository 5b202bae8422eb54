import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openDatabase, poolOf, type Database } from '../../db/data-source.ts';
import { migrate, revertLast } from '../../db/migrate.ts';
import { migrations } from '../../db/migrations/index.ts';
import { createRepositories, type Repositories } from '../../db/repositories/index.ts';
import { createEmptyDatabase, createTestDatabase, type TestDatabase } from '../support/database.ts';
import { sampleClose, sampleOpen, sampleOutcome, sampleReserve } from '../support/ledger-samples.ts';

let server: TestDatabase;
let database: Database;
let repositories: Repositories;

beforeAll(async () => {
  server = await createTestDatabase();
  database = await openDatabase(server.url);
  repositories = createRepositories(database);
  const { ledger } = repositories;
  for (const id of ['a', 'b', 'c']) await ledger.persistOpen(sampleOpen(id));
  await ledger.recordClose(sampleClose('c'), sampleOpen('c'), sampleOutcome('c'), []);
  await ledger.recordClose(sampleClose('d', {}, '50000'), sampleOpen('d'), sampleOutcome('d'), []);
});

afterAll(async () => {
  await database.destroy();
  await server.drop();
});

const query = (text: string, values: unknown[] = []) =>
  poolOf(database).query<Record<string, unknown>>(text, values);

describe('constraints bite', () => {
  const id = sampleOpen('a').managedPosition.id;
  const refusals: [string, string, string][] = [
    ['a side that is none', `UPDATE "ManagedPosition" SET "side" = 'up' WHERE "id" = '${id}'`, '23514'],
    ['a status that is none', `UPDATE "LivePosition" SET "status" = 'gone'`, '23514'],
    ['nothing held', `UPDATE "ManagedPosition" SET "quantity" = 0`, '23514'],
    ['a quantity that is no number', `UPDATE "ManagedTrade" SET "quantity" = 'NaN'`, '23514'],
    ['an endless price', `UPDATE "ManagedTrade" SET "price" = 'Infinity'`, '23514'],
    [
      'closed without an exit',
      `UPDATE "ManagedPosition" SET "status" = 'closed' WHERE "id" = '${id}'`,
      '23514',
    ],
    ['open with an exit price', `UPDATE "ManagedPosition" SET "exitPrice" = 1 WHERE "id" = '${id}'`, '23514'],
    [
      'an open position losing its entry trade',
      `DELETE FROM "ManagedTrade" WHERE "positionId" = '${id}'`,
      '23503',
    ],
    [
      'an entry trade of another position',
      `UPDATE "ManagedPosition" SET "entryTradeId" = 'trade-Ob' WHERE "id" = '${id}'`,
      '23503',
    ],
    ['a second entry', `UPDATE "ManagedTrade" SET "isEntry" = true`, '23505'],
    [
      'a live position without its position',
      `UPDATE "LivePosition" SET "positionId" = 'kraken-none' WHERE "positionId" = '${id}'`,
      '23503',
    ],
    ['a trade of no position', `UPDATE "LiveTrade" SET "positionId" = 'kraken-none'`, '23503'],
    ['deleting a position with trades', `DELETE FROM "ManagedPosition" WHERE "id" = '${id}'`, '23503'],
    [
      'a closed position opened again',
      `UPDATE "ManagedPosition" SET "status" = 'open', "exitPrice" = NULL, "exitTime" = NULL, "exitTradeId" = NULL,
       "exitReason" = NULL, "realizedPnL" = NULL WHERE "status" = 'closed'`,
      '23514',
    ],
    [
      'a second outcome of a position',
      `INSERT INTO "TradeOutcome" SELECT * FROM "TradeOutcome" LIMIT 1`,
      '23505',
    ],
    [
      'two active versions',
      `INSERT INTO "ThresholdVersion" ("version", "thresholds", "trades", "gradient", "seed", "accepted", "why", "active")
       SELECT n, '{}', 0, '{}', n::text, true, '', true FROM generate_series(1, 2) AS n`,
      '23505',
    ],
    [
      'an intent with a status that is none',
      `INSERT INTO "OrderIntent" ("id", "tradeId", "workflowId", "leg", "clOrdId", "symbol", "side", "orderType", "quantity", "status")
       VALUES ('1', 't', 'w', 'entry', 'c', 'BTC/USD', 'buy', 'market', 1, 'maybe')`,
      '23514',
    ],
    [
      'two open intents with one clOrdId',
      `INSERT INTO "OrderIntent" ("id", "tradeId", "workflowId", "leg", "clOrdId", "symbol", "side", "orderType", "quantity", "status")
       SELECT n::text, 't', 'w', 'entry', 'same', 'BTC/USD', 'buy', 'market', 1, 'sent' FROM generate_series(1, 2) AS n`,
      '23505',
    ],
    [
      'capital released at no time',
      `INSERT INTO "CapitalReservation" ("tradeId", "symbol", "side", "notional", "status")
       VALUES ('t', 'BTC/USD', 'long', 1, 'released')`,
      '23514',
    ],
  ];
  test.each(refusals)('%s', async (_what, statement, code) => {
    await expect(query(statement)).rejects.toMatchObject({ code });
  });

  test('an open position without an entry trade is refused', async () => {
    expect(await repositories.selfTest.isOrphanRefused('kraken-orphan')).toBe(true);
  });
});

test('the four queries that people use work as they stand', async () => {
  const managed = await query(`SELECT status, COUNT(*) FROM "ManagedPosition" GROUP BY status;`);
  expect(new Map(managed.rows.map((row) => [row.status, row.count]))).toEqual(
    new Map([
      ['open', '2'],
      ['closed', '2'],
    ]),
  );
  const live = await query(`SELECT status, COUNT(*) FROM "LivePosition" GROUP BY status;`);
  expect(new Map(live.rows.map((row) => [row.status, row.count]))).toEqual(
    new Map([
      ['open', '2'],
      ['closed', '2'],
    ]),
  );
  const newest = await query(
    `SELECT id, symbol, side, quantity, "entryPrice", status, "createdAt" FROM "ManagedPosition" ORDER BY "createdAt" DESC LIMIT 10;`,
  );
  expect(newest.rows.map((row) => row.id)).toEqual(['d', 'c', 'b', 'a'].map((id) => `kraken-O${id}`));
  expect(newest.rows[0]).toMatchObject({
    symbol: 'BTC/USD',
    side: 'long',
    quantity: '0.00412345',
    entryPrice: '60123.4',
  });
  const closed = await query(
    `SELECT COUNT(*) AS closed_trades, AVG("realizedPnL") AS avg_pnl, SUM(CASE WHEN "realizedPnL" > 0 THEN 1 ELSE 0 END) AS wins FROM "ManagedPosition" WHERE status = 'closed';`,
  );
  const stats = await repositories.reader.stats(0);
  expect(closed.rows[0]).toMatchObject({ closed_trades: '2', wins: String(stats.wins) });
  expect(Number(closed.rows[0]?.avg_pnl)).toBeCloseTo(Number(stats.expectedValue), 9);
});

describe('migrations', () => {
  test('go up, all the way down and up again, the schema the same each time', async () => {
    const empty = await createEmptyDatabase();
    const fresh = await openDatabase(empty.url);
    const schema = async () => {
      const { rows } = await poolOf(fresh).query<Record<string, string>>(
        `SELECT table_name, column_name, data_type, is_nullable FROM information_schema.columns
         WHERE table_schema = 'public' AND table_name <> 'SchemaMigration'
         UNION ALL SELECT conrelid::regclass::text, conname, contype::text, pg_get_constraintdef(oid)
         FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND conrelid <> '"SchemaMigration"'::regclass
         UNION ALL SELECT tablename, indexname, '', indexdef FROM pg_indexes
         WHERE schemaname = 'public' AND tablename <> 'SchemaMigration'
         UNION ALL SELECT proname, '', '', '' FROM pg_proc WHERE pronamespace = 'public'::regnamespace
         ORDER BY 1, 2, 3, 4`,
      );
      return rows;
    };
    try {
      expect(await migrate(fresh)).toHaveLength(migrations.length);
      const first = await schema();
      expect(await migrate(fresh)).toEqual([]);
      for (let left = migrations.length; left > 0; left -= 1) await revertLast(fresh);
      expect(await schema()).toEqual([]);
      await migrate(fresh);
      expect(await schema()).toEqual(first);
    } finally {
      await fresh.destroy();
      await empty.drop();
    }
  });

  test('run once, however many processes start at once', async () => {
    const empty = await createEmptyDatabase();
    const starters = await Promise.all(
      Array.from({ length: 4 }, () => openDatabase(empty.url, { poolSize: 2 })),
    );
    try {
      const applied = await Promise.all(starters.map(migrate));
      expect(applied.flat()).toHaveLength(migrations.length);
    } finally {
      await Promise.all(starters.map((starter) => starter.destroy()));
      await empty.drop();
    }
  });

  test('make the columns that the entities name', async () => {
    for (const entity of database.entityMetadatas) {
      const { rows } = await query(
        `SELECT column_name AS name, data_type AS type, is_nullable = 'YES' AS nullable FROM information_schema.columns
         WHERE table_schema = 'public' AND table_name = $1 ORDER BY 1`,
        [entity.tableName],
      );
      const named = entity.columns.map(({ databaseName, type, isNullable }) => ({
        name: databaseName,
        type: type === 'timestamptz' ? 'timestamp with time zone' : type,
        nullable: isNullable,
      }));
      expect(named.sort((left, right) => (left.name < right.name ? -1 : 1))).toEqual(
        rows.sort((left, right) => (String(left.name) < String(right.name) ? -1 : 1)),
      );
    }
    expect(database.entityMetadatas).toHaveLength(17);
  });
});

test('a wrong DATABASE_URL gets one line without the password', async () => {
  const url = new URL(server.url);
  const secret = 'hunter2-is-no-password';
  url.password = secret;
  await expect(openDatabase(url.href)).rejects.toMatchObject({
    name: 'DatabaseUnavailable',
    message: expect.not.stringContaining(secret) as string,
  });
  await expect(openDatabase(url.href)).rejects.toThrow(
    /cannot use DATABASE_URL postgresql:\/\/holdfast:\*\*\*@127\.0\.0\.1:\d+\/test_\w+: password authentication failed/,
  );
  await expect(openDatabase('mysql://root@localhost/x')).rejects.toThrow('it must begin with postgresql://');
  await expect(openDatabase('not a url')).rejects.toThrow('DATABASE_URL is not a URL');
});

test('a trade is told whole, by either of its ids', async () => {
  const { ledger, reader } = repositories;
  await ledger.reserve(sampleReserve('whole'));
  await ledger.persistOpen(sampleOpen('whole'));
  await ledger.recordClose(sampleClose('whole'), sampleOpen('whole'), sampleOutcome('whole'), []);
  const told = await reader.trade('whole');
  expect(told).toEqual(await reader.trade('kraken-Owhole'));
  expect(told).toMatchObject({
    tradeId: 'whole',
    reservation: { status: 'released' },
    position: { status: 'closed', live: { status: 'closed' } },
    outcome: { exitRule: 'take-profit', outcome: sampleOutcome('whole') },
  });
  expect([told?.intents.length, told?.trades.length, told?.liveTrades.length]).toEqual([1, 2, 2]);
  expect(await reader.trade('unheard-of')).toBeNull();
  expect(await reader.positions({ status: 'open' })).toHaveLength(2);
  expect(await reader.positions({ symbol: 'ETH/USD' })).toEqual([]);
  expect(await reader.openPositionCounts()).toEqual(new Map([['BTC/USD', 2]]));
});
