import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { openDatabase, poolOf, type Database } from '../../db/data-source.ts';
import { createLedger, type Ledger } from '../../db/repositories/ledger.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { proxyDatabase, type DatabaseProxy } from '../support/database-proxy.ts';
import {
  sampleClose,
  sampleIntent,
  sampleOpen,
  sampleOutcome,
  sampleReserve,
} from '../support/ledger-samples.ts';

let server: TestDatabase;
let proxy: DatabaseProxy;
/** The worker under fault, and the one that looks on. */
let shaky: Database;
let steady: Database;
let ledger: Ledger;
let witness: Ledger;

beforeAll(async () => {
  server = await createTestDatabase();
  steady = await openDatabase(server.url);
  witness = createLedger(steady);
});

afterAll(async () => {
  await steady.destroy();
  await server.drop();
});

beforeEach(async () => {
  proxy = await proxyDatabase(server.url);
  shaky = await openDatabase(proxy.url);
  ledger = createLedger(shaky);
});

afterEach(async () => {
  await shaky.destroy();
  await proxy.close();
});

const intents = (id: string) => [{ ...sampleIntent(id), status: 'filled' as const, krakenOrderId: `O${id}` }];
const close = (id: string) =>
  ledger.recordClose(sampleClose(id), sampleOpen(id), sampleOutcome(id), intents(id));

async function rowsOf(id: string): Promise<Record<string, number>> {
  const { rows } = await poolOf(steady).query<Record<string, number>>(
    `SELECT (SELECT count(*)::integer FROM "ManagedPosition" WHERE "tradeId" = $1) AS positions,
       (SELECT count(*)::integer FROM "LivePosition" WHERE "positionId" = 'kraken-O' || $1) AS live,
       (SELECT count(*)::integer FROM "ManagedTrade" WHERE "positionId" = 'kraken-O' || $1) AS trades,
       (SELECT count(*)::integer FROM "LiveTrade" WHERE "positionId" = 'kraken-O' || $1) AS "liveTrades",
       (SELECT count(*)::integer FROM "TradeOutcome" WHERE "tradeId" = $1) AS outcomes,
       (SELECT count(*)::integer FROM "CapitalReservation" WHERE "tradeId" = $1 AND "status" = 'held') AS held`,
    [id],
  );
  return rows[0]!;
}

const NOTHING = { positions: 0, live: 0, trades: 0, liveTrades: 0, outcomes: 0, held: 0 };
const OPEN = { positions: 1, live: 1, trades: 1, liveTrades: 1, outcomes: 0, held: 0 };
const CLOSED = { positions: 1, live: 1, trades: 2, liveTrades: 2, outcomes: 1, held: 0 };

describe('the connection is cut while opening', () => {
  test.each([
    ['before', 'the write', NOTHING],
    ['after', 'the commit, its answer lost', OPEN],
  ] as const)('%s %s: the second attempt leaves one set of rows', async (when, _what, meanwhile) => {
    const id = `open-${when}`;
    const cut = proxy.cutOnce({ text: 'INSERT INTO "ManagedPosition"', nth: 1, when });
    await expect(ledger.persistOpen(sampleOpen(id))).rejects.toThrow();
    await cut;
    expect(await rowsOf(id)).toEqual(meanwhile);
    await ledger.persistOpen(sampleOpen(id));
    expect(await ledger.verifyOpen(sampleOpen(id))).toBe('confirmed');
    expect(await rowsOf(id)).toEqual(OPEN);
  });
});

describe('the connection is cut while closing', () => {
  const STATEMENTS = [
    'BEGIN',
    'INSERT INTO "ManagedPosition"',
    'FOR UPDATE',
    'INSERT INTO "LiveTrade"',
    '"TradeOutcome"',
    '"CapitalReservation"',
    'OrderIntent',
    'COMMIT',
  ];
  const cases = STATEMENTS.flatMap((text) => (['before', 'after'] as const).map((when) => ({ text, when })));
  test.each(cases)('$when $text: all or nothing, and then all', async ({ text, when }) => {
    const id = `close${cases.findIndex((one) => one.text === text && one.when === when)}`;
    await witness.reserve(sampleReserve(id));
    await witness.persistOpen(sampleOpen(id));
    const cut = proxy.cutOnce({ text, nth: 1, when });
    await expect(close(id)).rejects.toThrow();
    await cut;
    // The server may take a moment to notice that its client has gone.
    const expected = text === 'COMMIT' && when === 'after' ? CLOSED : { ...OPEN, held: 1 };
    await expect.poll(() => rowsOf(id)).toEqual(expected);
    await close(id);
    await close(id);
    expect(await rowsOf(id)).toEqual(CLOSED);
  });
});

test.each(['before', 'after'] as const)(
  'the connection is cut %s the commit of a reservation: asked again, it is held once',
  async (when) => {
    const id = `reserve-${when}`;
    const cut = proxy.cutOnce({ text: 'COMMIT', nth: 1, when });
    await expect(ledger.reserve(sampleReserve(id))).rejects.toThrow();
    await cut;
    expect(await ledger.reserve(sampleReserve(id))).toMatchObject({ kind: 'reserved' });
    expect(await ledger.intentsOfTrade(id)).toHaveLength(1);
  },
);

test('a database that hangs fails each call in seconds and is usable when it is back', async () => {
  await ledger.livePosition('warm-up');
  proxy.freeze();
  const started = performance.now();
  await expect(ledger.persistOpen(sampleOpen('hang'))).rejects.toThrow(/timeout/i);
  expect(performance.now() - started).toBeLessThan(15_000);
  proxy.thaw();
  await ledger.persistOpen(sampleOpen('hang'));
  expect(await ledger.verifyOpen(sampleOpen('hang'))).toBe('confirmed');
});

test('a database that is busy for longer than a call may take writes nothing late', async () => {
  const blocker = await poolOf(steady).connect();
  try {
    await blocker.query('BEGIN');
    await blocker.query('LOCK TABLE "ManagedPosition" IN ACCESS EXCLUSIVE MODE');
    await expect(ledger.persistOpen(sampleOpen('slow'))).rejects.toThrow(/timeout/);
  } finally {
    await blocker.query('ROLLBACK');
    blocker.release();
  }
  expect(await rowsOf('slow')).toEqual(NOTHING);
  await ledger.persistOpen(sampleOpen('slow'));
  expect(await rowsOf('slow')).toEqual(OPEN);
});

test('a deadlock is lost, run again and won', async () => {
  const records = sampleOpen('deadlock');
  await witness.persistOpen(records);
  const worker = await openDatabase(server.url, { applicationName: 'deadlocked' });
  const isWaiting = async () => {
    const { rowCount } = await poolOf(steady).query(
      `SELECT FROM pg_stat_activity WHERE application_name = 'deadlocked' AND wait_event_type = 'Lock'`,
    );
    return rowCount === 1;
  };
  const deadlocks = async () => {
    const { rows } = await poolOf(steady).query<{ deadlocks: number }>(
      'SELECT deadlocks::integer FROM pg_stat_database WHERE datname = current_database()',
    );
    return rows[0]!.deadlocks;
  };
  const before = await deadlocks();
  const rival = await poolOf(steady).connect();
  try {
    await rival.query('BEGIN');
    // Whoever waits longest for a circle to show is not the one who gives way.
    await rival.query(`SET LOCAL deadlock_timeout = '60s'`);
    await rival.query('SELECT FROM "ManagedPosition" WHERE "id" = $1 FOR UPDATE', [
      records.managedPosition.id,
    ]);
    const repairing = createLedger(worker).repairOpen(records);
    await expect.poll(isWaiting, { interval: 20, timeout: 5_000 }).toBe(true);
    await rival.query('SELECT FROM "LivePosition" WHERE "id" = $1 FOR UPDATE', [records.livePosition.id]);
    await rival.query('COMMIT');
    await repairing;
  } finally {
    rival.release();
    // A session hands in its statistics when it ends.
    await worker.destroy();
  }
  await expect.poll(deadlocks, { timeout: 10_000 }).toBe(before + 1);
  expect(await witness.verifyOpen(records)).toBe('confirmed');
});

test('a database that has become read-only refuses, and takes it when it is writable again', async () => {
  const name = new URL(server.url).pathname.slice(1);
  await poolOf(steady).query(`ALTER DATABASE ${name} SET default_transaction_read_only = on`);
  const late = await openDatabase(server.url);
  try {
    await expect(createLedger(late).persistOpen(sampleOpen('readonly'))).rejects.toThrow(
      /read-only transaction/,
    );
  } finally {
    await late.destroy();
    await poolOf(steady).query(`ALTER DATABASE ${name} RESET default_transaction_read_only`);
  }
  expect(await rowsOf('readonly')).toEqual(NOTHING);
  await ledger.persistOpen(sampleOpen('readonly'));
  expect(await rowsOf('readonly')).toEqual(OPEN);
});

describe('the live update', () => {
  test('of 1,000 positions is one statement, and leaves closed ones alone', async () => {
    const ids = Array.from({ length: 1_000 }, (_, index) => `live${index}`);
    for (let from = 0; from < ids.length; from += 100)
      await Promise.all(ids.slice(from, from + 100).map((id) => witness.persistOpen(sampleOpen(id))));
    await witness.recordClose(sampleClose('live0'), sampleOpen('live0'), sampleOutcome('live0'), []);
    await poolOf(steady).query(`
      CREATE SEQUENCE statements;
      CREATE FUNCTION count_statement() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN PERFORM nextval('statements'); RETURN NULL; END $$;
      CREATE TRIGGER count_statement AFTER UPDATE ON "LivePosition" FOR EACH STATEMENT EXECUTE FUNCTION count_statement()`);
    const updates = ids.map((id, index) => ({
      positionId: `kraken-O${id}`,
      currentPrice: `60${index}.5`,
      unrealizedPnL: `-${index}.25`,
      exitsBelow: index % 2 ? '59000.1' : null,
      exitsAbove: null,
      bestPrice: '61000',
      markAgeMs: index % 3 ? 12 : null,
      stage: 'open',
    }));
    expect(await ledger.updateLive(updates)).toBe(999);
    const { rows } = await poolOf(steady).query<{ last_value: string }>('SELECT last_value FROM statements');
    expect(rows[0]?.last_value).toBe('1');
    expect(await ledger.livePosition('kraken-Olive7')).toMatchObject({
      currentPrice: '607.5',
      unrealizedPnL: '-7.25',
      exitsBelow: '59000.1',
      exitsAbove: null,
      bestPrice: '61000',
      markAgeMs: 12,
      stage: 'open',
      status: 'open',
    });
    expect(await ledger.livePosition('kraken-Olive0')).toMatchObject({
      status: 'closed',
      currentPrice: '60500',
    });
    expect(await ledger.verifyOpen(sampleOpen('live7'))).toBe('confirmed');
    expect(await ledger.updateLive([])).toBe(0);
  });
});
