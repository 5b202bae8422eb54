import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from '../support/port-base.ts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openDatabase, type Database } from '../../db/data-source.ts';
import { migrate } from '../../db/migrate.ts';
import { createLedger, type Ledger } from '../../db/repositories/ledger.ts';
import { startPostgres, type RunningPostgres } from '../../src/embedded/postgres.ts';
import { sampleClose, sampleOpen, sampleOutcome, sampleReserve } from '../support/ledger-samples.ts';

let directory: string;
let port: number;
let server: RunningPostgres;
let database: Database;
let ledger: Ledger;

const start = () =>
  startPostgres({
    dataDir: path.join(directory, 'data'),
    port,
    log: () => undefined,
    // A killed process loses nothing that the operating system holds.
    settings: { fsync: 'off' },
  });

beforeAll(async () => {
  directory = mkdtempSync(path.join(tmpdir(), 'holdfast-outage-'));
  port = await freePort();
  server = await start();
  database = await openDatabase(server.databaseUrl);
  await migrate(database);
  ledger = createLedger(database);
});

afterAll(async () => {
  await database.destroy();
  await server.stop();
  rmSync(directory, { recursive: true, force: true });
});

/** As an activity does: until it succeeds. */
async function untilDone<T>(work: () => Promise<T>): Promise<{ result: T; failures: number }> {
  for (let failures = 0; failures < 400; failures += 1) {
    try {
      return { result: await work(), failures };
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
  throw new Error('never done');
}

test('killed while forty trades are written: every one of them ends written once, and nothing crashes', async () => {
  const ids = Array.from({ length: 40 }, (_, index) => `kill${index}`);
  let opened = 0;
  const trade = async (id: string) => {
    const open = sampleOpen(id);
    const reserved = await untilDone(() => ledger.reserve(sampleReserve(id)));
    const persisted = await untilDone(() => ledger.persistOpen(open));
    opened += 1;
    const verified = await untilDone(() => ledger.verifyOpen(open));
    const closed = await untilDone(() => ledger.recordClose(sampleClose(id), open, sampleOutcome(id), []));
    expect(verified.result).toBe('confirmed');
    return reserved.failures + persisted.failures + verified.failures + closed.failures;
  };
  const trading = Promise.all(ids.map(trade));
  await expect.poll(() => opened, { interval: 1, timeout: 10_000 }).toBeGreaterThan(5);
  server.kill();
  server = await start();
  const failures = await trading;
  expect(Math.max(...failures)).toBeGreaterThan(0);
  const { rows } = await untilDone(() =>
    database.query<Record<string, number>[]>(
      `SELECT (SELECT count(*)::integer FROM "ManagedPosition" WHERE "status" = 'closed') AS closed,
         (SELECT count(*)::integer FROM "LivePosition" WHERE "status" = 'closed') AS live,
         (SELECT count(*)::integer FROM "ManagedTrade") AS trades,
         (SELECT count(*)::integer FROM "LiveTrade") AS "liveTrades",
         (SELECT count(*)::integer FROM "TradeOutcome") AS outcomes,
         (SELECT count(*)::integer FROM "CapitalReservation" WHERE "status" = 'released') AS released`,
    ),
  ).then(({ result }) => ({ rows: result }));
  expect(rows).toEqual([{ closed: 40, live: 40, trades: 80, liveTrades: 80, outcomes: 40, released: 40 }]);
});

test('while it is down each call fails in seconds, and works again without a new start of ours', async () => {
  const open = sampleOpen('down');
  await server.stop();
  const started = performance.now();
  await expect(ledger.persistOpen(open)).rejects.toThrow();
  await expect(ledger.verifyOpen(open)).rejects.toThrow();
  expect(performance.now() - started).toBeLessThan(15_000);
  server = await start();
  await untilDone(() => ledger.persistOpen(open));
  expect(await ledger.verifyOpen(open)).toBe('confirmed');
});

test('the server ends with its owner, even when that is killed', async () => {
  const owner = spawn(
    process.execPath,
    [
      '--import',
      'tsx',
      fileURLToPath(new URL('../support/postgres-owner.ts', import.meta.url)),
      path.join(directory, 'owned'),
      String(await freePort()),
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const [line] = (await once(owner.stdout, 'data')) as [Buffer];
  const pid = Number(line.toString());
  const isAlive = () => {
    try {
      return process.kill(pid, 0);
    } catch {
      return false;
    }
  };
  expect(isAlive()).toBe(true);
  owner.kill('SIGKILL');
  await expect.poll(isAlive, { timeout: 20_000 }).toBe(false);
});
