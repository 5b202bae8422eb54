import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import pg from 'pg';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openDatabase } from '../../db/data-source.ts';
import { createRepositories } from '../../db/repositories/index.ts';
import { freePort } from '../support/port-base.ts';
import { createEmptyDatabase, createTestDatabase, type TestDatabase } from '../support/database.ts';
import { holdfastWith } from '../support/up.ts';

/** What somebody reads who was just woken: each step, what failed, why, and what to do. */
describe('holdfast check', { timeout: 60_000 }, () => {
  const nowhere = mkdtempSync(path.join(tmpdir(), 'holdfast-check-'));
  let server: TestDatabase;

  beforeEach(async () => {
    server = await createTestDatabase();
  });
  afterEach(() => server.drop());
  afterAll(() => rmSync(nowhere, { recursive: true }));

  async function sql(text: string): Promise<Record<string, unknown>[]> {
    const client = new pg.Client(server.url);
    await client.connect();
    try {
      return (await client.query<Record<string, unknown>>(text)).rows;
    } finally {
      await client.end();
    }
  }

  const check = (url: string, ...args: string[]) =>
    holdfastWith({ DATABASE_URL: url }, 'check', '--data-dir', nowhere, ...args);
  const failedSteps = (stdout: string) => [...stdout.matchAll(/^(\d)\/8 .* FAILED {2}(.*)$/gm)];
  const advice = (steps: string) =>
    `holdfast: ${steps}: a new position may not reach the database; open ones stay guarded and exit without it. Stop entries: holdfast halt; find the cause: holdfast doctor\n`;

  it('tells eight steps and what each has seen, and leaves nothing', async () => {
    const { code, stdout, stderr } = await check(server.url);
    expect(stdout.trimEnd().split('\n')).toEqual([
      '1/8 database reachable, schema up to date                ok  thresholds version 1',
      '2/8 four records written in one transaction              ok  4 rows',
      '3/8 read back on another connection, every field equal   ok  status confirmed',
      '4/8 the same write again changes nothing                 ok  4 rows',
      '5/8 an open position without an entry trade is refused   ok  refused',
      '6/8 the live update reaches the position                 ok  1 row',
      '7/8 closed once, P&L exact to the last decimal           ok  P&L 18.908',
      '8/8 test data removed                                    ok  nothing left',
    ]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const tables = ['ManagedPosition', 'ManagedTrade', 'LivePosition', 'LiveTrade', 'TradeOutcome', 'Alert'];
    const counts = tables.map((name) => `(SELECT count(*)::int FROM "${name}")`).join(' + ');
    expect(await sql(`SELECT ${counts} AS rows`)).toEqual([{ rows: 0 }]);
  });

  it('says that a database takes no writes, and which one it should be', async () => {
    const database = await openDatabase(server.url);
    await createRepositories(database).learning.active();
    await database.destroy();
    const name = new URL(server.url).pathname.slice(1);
    await sql(`ALTER DATABASE ${name} SET default_transaction_read_only = on`);
    const { code, stdout, stderr } = await check(server.url);
    expect(code).toBe(1);
    const [first] = failedSteps(stdout);
    expect(first?.[1]).toBe('2');
    expect(first?.[2]).toBe(
      'the database takes no writes: is it a standby, or default_transaction_read_only on? Point DATABASE_URL at the primary (cannot execute SELECT in a read-only transaction)',
    );
    expect(stderr).toBe(advice('6 of 8 steps failed (2, 3, 4, 5, 6, 7)'));
  });

  it('says that the schema is behind, and who brings it up to date', async () => {
    const empty = await createEmptyDatabase();
    try {
      const { code, stdout } = await check(empty.url);
      expect(code).toBe(1);
      expect(failedSteps(stdout)[0]?.[2]).toMatch(
        /^\d+ migrations are missing; a worker applies them when it starts$/,
      );
    } finally {
      await empty.drop();
    }
  });

  it('finds a constraint gone that must hold', async () => {
    await sql('ALTER TABLE "ManagedPosition" DROP CONSTRAINT "ManagedPosition_entryTrade"');
    const { code, stdout, stderr } = await check(server.url);
    expect(code).toBe(1);
    expect(failedSteps(stdout).map(([, step, why]) => ({ step, why }))).toEqual([
      {
        step: '5',
        why: 'the schema accepted it: a constraint is missing; restore the schema from the migrations',
      },
    ]);
    expect(stderr).toBe(advice('1 of 8 steps failed (5)'));
    expect(await sql('SELECT count(*)::int FROM "ManagedPosition"')).toEqual([{ count: 0 }]);
  });

  it('tells scripts the same', async () => {
    const { code, stdout } = await check(server.url, '--json');
    expect(code).toBe(0);
    const { ok, steps } = JSON.parse(stdout) as { ok: boolean; steps: { step: number; ok: boolean }[] };
    expect(ok).toBe(true);
    expect(steps.map(({ step, ok: isOk }) => [step, isOk])).toEqual(
      Array.from({ length: 8 }, (_, index) => [index + 1, true]),
    );
  });

  it('names the address in one line when nobody answers', async () => {
    const { code, stdout, stderr } = await check(
      `postgresql://holdfast:secret@127.0.0.1:${await freePort()}/x`,
    );
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/^holdfast: cannot use DATABASE_URL .*nobody listens there \(ECONNREFUSED\)\n$/);
    expect(stderr).not.toContain('secret');
  });
});
