import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { openDatabase, poolOf, type Database } from '../../db/data-source.ts';
import { createRepositories, type Repositories } from '../../db/repositories/index.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { OPENED_AT_MS, sampleClose, sampleOpen, sampleOutcome } from '../support/ledger-samples.ts';

let server: TestDatabase;
let databases: [Database, Database];
let one: Repositories;
let two: Repositories;

beforeAll(async () => {
  server = await createTestDatabase();
  databases = [await openDatabase(server.url), await openDatabase(server.url)];
  [one, two] = [createRepositories(databases[0]), createRepositories(databases[1])];
});

afterAll(async () => {
  await Promise.all(databases.map((database) => database.destroy()));
  await server.drop();
});

beforeEach(async () => {
  await poolOf(databases[0]).query(
    'TRUNCATE "Finding", "TradeOutcome", "ManagedPosition", "ManagedTrade", "LivePosition", "LiveTrade"',
  );
});

describe('findings', () => {
  const seen = (id: string, nowMs: number, status: 'seen' | 'human' = 'seen') =>
    one.findings.raise({ id, kind: 'orphan-order', subject: id, seen: { nowMs }, status, nowMs });

  test('count looks, and only looks in a row', async () => {
    expect(await seen('f1', 1_000)).toEqual({ looks: 1, status: 'seen' });
    await one.findings.clearUnseen([], 1_500);
    expect(await seen('f1', 2_000)).toEqual({ looks: 1, status: 'seen' });
    await one.findings.clearUnseen(['f1'], 2_500);
    expect(await seen('f1', 3_000)).toEqual({ looks: 2, status: 'seen' });
    expect(await one.findings.list({ unsettled: true })).toMatchObject([
      { id: 'f1', firstSeenAt: 2_000, lastSeenAt: 3_000, seen: { nowMs: 3_000 } },
    ]);
  });

  test('are settled with proof, and begin anew when they come back', async () => {
    await seen('f2', 1_000);
    await one.findings.act('f2', 'adopting');
    expect(await seen('f2', 1_100)).toEqual({ looks: 2, status: 'acting' });
    await one.findings.clearUnseen([], 1_200);
    await one.findings.settle('f2', 'adopted', { workflowId: 'trade-x' }, 1_300);
    expect(await one.findings.list({ unsettled: true })).toEqual([]);
    const [settled] = await one.findings.list();
    expect(settled).toMatchObject({
      status: 'settled',
      action: 'adopted',
      proof: { workflowId: 'trade-x', settledAtMs: 1_300 },
    });
    expect(await seen('f2', 2_000)).toEqual({ looks: 1, status: 'seen' });
    expect(await one.findings.list()).toMatchObject([{ firstSeenAt: 2_000, action: null, proof: null }]);
  });

  test('what waits for a person goes on waiting', async () => {
    await seen('f3', 1_000, 'human');
    expect(await seen('f3', 2_000)).toEqual({ looks: 2, status: 'human' });
    await one.findings.clearUnseen([], 3_000);
    expect(await one.findings.list({ unsettled: true })).toHaveLength(1);
  });

  test('a settlement that fails makes it a person’s, with the reason beside what was seen', async () => {
    await seen('f5', 1_000);
    await one.findings.act('f5', 'being settled');
    await one.findings.needPerson('f5', 'the exchange refuses');
    expect(await seen('f5', 2_000)).toEqual({ looks: 2, status: 'human' });
    expect(await one.findings.list({ unsettled: true })).toMatchObject([
      { id: 'f5', status: 'human', seen: { nowMs: 2_000, why: 'the exchange refuses' } },
    ]);
    await one.findings.settle('f5', 'adopted', {}, 3_000);
    expect(await one.findings.list({ unsettled: true })).toEqual([]);
  });

  test('two runs at once count both looks', async () => {
    await Promise.all(
      Array.from({ length: 10 }, (_, index) =>
        (index % 2 ? one : two).findings.raise({
          id: 'f4',
          kind: 'k',
          subject: 's',
          seen: {},
          status: 'seen',
          nowMs: 1_000,
        }),
      ),
    );
    expect(await seen('f4', 2_000)).toEqual({ looks: 11, status: 'seen' });
  });
});

test('stats add up', async () => {
  const prices = { w1: '61000', w2: '60500', l1: '59000', l2: '60000' };
  const closes = Object.entries(prices).map(([id, price]) => ({ id, close: sampleClose(id, {}, price) }));
  for (const { id, close } of closes)
    await one.ledger.recordClose(close, sampleOpen(id), sampleOutcome(id), []);
  const stats = await two.reader.stats(0);
  const pnls = closes.map(({ close }) => Number(close.managedPosition.realizedPnL));
  const sum = (values: number[]) => values.reduce((total, value) => total + value, 0);
  const losses = pnls.filter((pnl) => pnl < 0);
  const wins = pnls.filter((pnl) => pnl > 0);
  expect(stats).toMatchObject({
    closedTrades: 4,
    openPositions: 0,
    wins: wins.length,
    winRate: wins.length / 4,
  });
  expect(Number(stats.netPnl)).toBeCloseTo(sum(pnls), 9);
  expect(Number(stats.expectedValue)).toBeCloseTo(sum(pnls) / 4, 9);
  expect(stats.profitFactor).toBeCloseTo(sum(wins) / -sum(losses), 9);
  expect(Number(stats.fees)).toBeCloseTo(8 * 0.6446, 9);
  expect(stats.averageHoldMs).toBe(600_007);
  expect(stats.byExitReason).toEqual({ 'take-profit': { trades: 4, netPnl: stats.netPnl } });
  // All close at one time, so they follow each other by id: l1, l2, w1, w2.
  const byId = closes
    .sort((left, right) => (left.id < right.id ? -1 : 1))
    .map(({ close }) => Number(close.managedPosition.realizedPnL));
  let [equity, peak, fall] = [0, 0, 0];
  for (const pnl of byId) {
    equity += pnl;
    peak = Math.max(peak, equity);
    fall = Math.max(fall, peak - equity);
  }
  expect(Number(stats.maxDrawdown)).toBeCloseTo(fall, 9);
  expect(await two.reader.stats(OPENED_AT_MS + 86_400_000)).toMatchObject({
    closedTrades: 0,
    winRate: null,
    expectedValue: null,
    profitFactor: null,
    averageHoldMs: null,
    maxDrawdown: '0',
  });
  expect((await two.reader.exportTrades()).map(({ tradeId }) => tradeId).sort()).toEqual([
    'l1',
    'l2',
    'w1',
    'w2',
  ]);
  expect(await two.reader.exportFills()).toHaveLength(8);
  expect(await two.reader.exportOutcomes(OPENED_AT_MS + 86_400_000)).toEqual([]);
});
