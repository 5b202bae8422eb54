import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { AlertRow } from '../../db/entities/alerts.ts';
import { openDatabase, poolOf, type Database } from '../../db/data-source.ts';
import { createRepositories, type Repositories } from '../../db/repositories/index.ts';
import type { SeenFinding } from '../../db/repositories/findings.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { sampleClose, sampleOpen, sampleOutcome } from '../support/ledger-samples.ts';

let server: TestDatabase;
let database: Database;
let repositories: Repositories;

beforeAll(async () => {
  server = await createTestDatabase();
  database = await openDatabase(server.url);
  repositories = createRepositories(database);
});
afterAll(async () => {
  await database.destroy();
  await server.drop();
});
beforeEach(() => poolOf(database).query('DELETE FROM "Alert"'));

const noted = async () => (await repositories.alerts.list()).map(({ id }) => id).sort();

describe('a row is written in the transaction of what it tells of', () => {
  test('opened and closed, once however often the records are written', async () => {
    const { ledger, alerts } = repositories;
    const open = sampleOpen('a');
    await ledger.persistOpen(open);
    await ledger.persistOpen(open);
    const close = () => ledger.recordClose(sampleClose('a'), open, sampleOutcome('a'), []);
    await close();
    await close();
    expect(await noted()).toEqual(['closed:kraken-Oa', 'opened:kraken-Oa']);
    const rows = await alerts.list();
    expect(rows.find(({ kind }) => kind === 'closed')).toMatchObject({
      subject: 'kraken-Oa',
      handedOverAt: null,
      facts: { tradeId: 'a', positionId: 'kraken-Oa', symbol: 'BTC/USD', exitReason: 'take-profit' },
    });
  });

  test.each([
    ['emergency-loss', 'emergency'],
    ['compensation', 'persistence-failed'],
  ])('an exit by %s is told as %s too', async (rule, kind) => {
    const close = sampleClose(rule, {});
    const managedPosition = { ...close.managedPosition, exitReason: rule };
    const outcome = { ...sampleOutcome(rule), exitRule: rule as never };
    await repositories.ledger.recordClose({ ...close, managedPosition }, sampleOpen(rule), outcome, []);
    const id = `kraken-O${rule}`;
    expect(await noted()).toEqual([`closed:${id}`, `opened:${id}`, `${kind}:${id}`].sort());
  });

  test('nothing of the self-test, and nothing of what is rolled back', async () => {
    const open = sampleOpen('self');
    const managedPosition = { ...open.managedPosition, strategy: 'self-test' };
    await repositories.ledger.persistOpen({ ...open, managedPosition });
    await repositories.selfTest.isOrphanRefused('kraken-orphan');
    expect(await noted()).toEqual([]);
  });

  test('halts, and their end', async () => {
    const halt = await repositories.halts.start({ reason: 'news', actor: 'ann', flatten: false });
    await repositories.halts.resume({ actor: 'bob', reason: null });
    expect(await noted()).toEqual([`halt:${halt.id}`, `halt:${halt.id}:ended`]);
  });

  describe('findings', () => {
    const look = (id: string, over: Partial<SeenFinding> = {}) =>
      repositories.findings.raise({
        id,
        kind: 'orphan-order',
        subject: id,
        seen: {},
        status: 'seen',
        nowMs: 1_000,
        ...over,
      });

    test('that are gone after two looks are told to nobody', async () => {
      await look('gone');
      await look('gone', { nowMs: 2_000 });
      await repositories.findings.clearUnseen([], 3_000);
      expect(await noted()).toEqual([]);
    });

    test('that stay are told once at the third look, then again when they are settled', async () => {
      for (let nowMs = 1_000; nowMs <= 6_000; nowMs += 1_000) await look('stays', { nowMs });
      expect(await noted()).toEqual(['finding:stays:1000:seen']);
      await repositories.findings.clearUnseen([], 7_000);
      expect(await noted()).toEqual(['finding:stays:1000:seen', 'finding:stays:1000:settled']);
    });

    test('that were settled at once are told with what was done', async () => {
      await look('adopted');
      await look('adopted', { nowMs: 2_000 });
      await repositories.findings.act('adopted', 'being settled');
      await repositories.findings.settle('adopted', 'adopted it', {}, 3_000);
      expect(await repositories.alerts.list()).toMatchObject([
        { id: 'finding:adopted:1000:settled', facts: { action: 'adopted it', finding: 'orphan-order' } },
      ]);
    });

    test('that need a person are told once, and anew when they come back', async () => {
      for (const nowMs of [1_000, 2_000, 3_000]) await look('person', { status: 'human', nowMs });
      await repositories.findings.settle('person', 'by hand', {}, 4_000);
      await look('person', { status: 'human', nowMs: 5_000 });
      expect(await noted()).toEqual([
        'finding:person:1000:human',
        'finding:person:1000:settled',
        'finding:person:5000:human',
      ]);
    });
  });

  test('an alert that cannot be written undoes nothing', async () => {
    await poolOf(database).query('ALTER TABLE "Alert" RENAME TO "Gone"');
    try {
      await repositories.ledger.persistOpen(sampleOpen('still'));
      await repositories.halts.start({ reason: 'still', actor: 'ann', flatten: false });
    } finally {
      await poolOf(database).query('ALTER TABLE "Gone" RENAME TO "Alert"');
    }
    expect(await repositories.ledger.livePosition('kraken-Ostill')).not.toBeNull();
    expect(await repositories.halts.active()).toMatchObject({ reason: 'still' });
    expect(await noted()).toEqual([]);
  });
});

describe('handing over', () => {
  const open = async (...ids: string[]) => {
    for (const id of ids) await repositories.ledger.persistOpen(sampleOpen(id));
  };
  const idsOf = (rows: readonly AlertRow[]) => rows.map(({ id }) => id).sort();

  test('gives each row once, and again only when it was not taken', async () => {
    await open('h1', 'h2');
    const taken: string[][] = [];
    const take = async (rows: readonly AlertRow[]) => void taken.push(idsOf(rows));
    const refuse = () =>
      repositories.alerts.handOver(10, () => Promise.reject(new Error('Temporal is away')));
    await expect(refuse()).rejects.toThrow('Temporal is away');
    expect(await repositories.alerts.handOver(10, take)).toBe(2);
    expect(await repositories.alerts.handOver(10, take)).toBe(0);
    expect(taken).toEqual([['opened:kraken-Oh1', 'opened:kraken-Oh2']]);
  });

  test('gives two processes different rows', async () => {
    await open('p1', 'p2');
    const mine: string[] = [];
    const others: string[] = [];
    await repositories.alerts.handOver(1, async (rows) => {
      mine.push(...idsOf(rows));
      await repositories.alerts.handOver(10, async (rest) => void others.push(...idsOf(rest)));
    });
    expect([...mine, ...others].sort()).toEqual(['opened:kraken-Op1', 'opened:kraken-Op2']);
    expect(mine).toHaveLength(1);
  });

  test('removes what is old, and was taken, only', async () => {
    await open('old', 'waits');
    await repositories.alerts.handOver(1, async () => undefined);
    expect(await repositories.alerts.prune(Date.now() - 60_000)).toBe(0);
    expect(await repositories.alerts.prune(Date.now() + 60_000)).toBe(1);
    expect(await noted()).toHaveLength(1);
  });
});
