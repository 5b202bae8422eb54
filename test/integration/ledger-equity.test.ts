import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { openDatabase, poolOf, type Database } from '../../db/data-source.ts';
import { createRepositories, type Repositories } from '../../db/repositories/index.ts';
import { NO_PROTECTIONS, type Protections } from '../../src/domain/protections.ts';
import { closeRecords } from '../../src/domain/records.ts';
import { NO_LIMITS, type RiskLimits } from '../../src/domain/risk.ts';
import { accountView } from '../../src/views/account-view.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import {
  OPENED_AT_MS,
  sampleFacts,
  sampleOpen,
  sampleOrder,
  sampleOutcome,
} from '../support/ledger-samples.ts';

const MINUTE_MS = 60_000;

let server: TestDatabase;
let databases: Database[];
let one: Repositories;
let two: Repositories;

beforeAll(async () => {
  server = await createTestDatabase();
  databases = await Promise.all([1, 2].map(() => openDatabase(server.url, { poolSize: 4 })));
  [one, two] = databases.map(createRepositories) as [Repositories, Repositories];
});
afterAll(async () => {
  await Promise.all(databases.map((database) => database.destroy()));
  await server.drop();
});
beforeEach(() =>
  poolOf(databases[0]!).query(
    'TRUNCATE "EquitySnapshot", "RiskRules", "Halt", "TradeOutcome", "ManagedPosition", "ManagedTrade", "LivePosition", "LiveTrade"',
  ),
);

const read = (equity: string, takenAtMs: number, by = one) =>
  by.equity.record({ equity, cash: equity, exposure: '0', takenAtMs, cause: 'interval' });

test('the peak is the highest so far, whoever reads, and the drawdown is measured from it', async () => {
  expect(await one.equity.latest()).toBeNull();
  expect(await one.equity.deepestDrawdown(0)).toBeNull();
  expect(await read('1000', 1_000)).toMatchObject({ peak: '1000', drawdown: 0 });
  expect(await read('800.5', 2_000, two)).toMatchObject({ peak: '1000', drawdown: 0.1995 });
  expect(await read('1200', 3_000)).toMatchObject({ peak: '1200', drawdown: 0 });
  expect(await read('1140', 4_000, two)).toMatchObject({ peak: '1200', drawdown: 0.05 });
  expect(await one.equity.deepestDrawdown(0)).toBe(0.1995);
  expect(await one.equity.deepestDrawdown(2_001)).toBe(0.05);
});

test('a reading that is older than what is there says nothing new', async () => {
  await read('1000', 2_000);
  expect(await read('5000', 1_999)).toBeNull();
  expect(await read('5000', 2_000)).toBeNull();
  expect(await one.equity.since(0, 10)).toHaveLength(1);
});

test('readings of many workers at once never lose the peak', async () => {
  const worths = Array.from({ length: 60 }, (_, index) => String(1_000 + ((index * 37) % 60)));
  await Promise.all(worths.map((worth, index) => read(worth, 1_000 + index, index % 2 === 0 ? one : two)));
  const kept = await one.equity.since(0, 1_000);
  let highest = 0;
  for (const { equity, peak } of kept) {
    highest = Math.max(highest, Number(equity));
    expect(Number(peak)).toBe(highest);
  }
});

test('an operator has the peak counted anew, by name', async () => {
  expect(await one.equity.resetPeak({ actor: 'owner', reason: null, nowMs: 1 })).toBeNull();
  await read('1000', 1_000);
  await read('600', 2_000);
  const reset = await one.equity.resetPeak({ actor: 'owner', reason: 'paid out', nowMs: 1_500 });
  expect(reset).toMatchObject({ cause: 'reset', takenAt: 2_001, equity: '600', peak: '600', drawdown: 0 });
  expect(reset).toMatchObject({ actor: 'owner', reason: 'paid out' });
  expect(await read('570', 3_000)).toMatchObject({ peak: '600', drawdown: 0.05 });
});

test('a long curve is thinned to the deepest drawdowns and the newest reading', async () => {
  await poolOf(databases[0]!).query(
    `INSERT INTO "EquitySnapshot" ("takenAt", "cause", "equity", "cash", "exposure", "peak", "drawdown")
     SELECT to_timestamp(n), 'interval', 1000 - n % 100, 0, 0, 1000, (n % 100) / 1000.0 FROM generate_series(1, 1000) AS n`,
  );
  const thin = await one.equity.since(0, 10);
  expect(thin.map(({ takenAt }) => takenAt / 1_000)).toEqual([
    99, 199, 299, 399, 499, 599, 699, 799, 899, 999, 1000,
  ]);
  expect(await one.equity.since(500_000, 1_000)).toHaveLength(501);
});

/** About 248 quote currency in value. */
async function close(id: string, symbol: string, rule: 'loss-limit' | 'take-profit', minutes: number) {
  const facts = sampleFacts(id, { symbol });
  const { quantity } = facts.entry.summary;
  const price = rule === 'take-profit' ? '65000' : '59000';
  const exit = sampleOrder(`X${id}`, { quantity, price, atMs: OPENED_AT_MS + minutes * MINUTE_MS });
  const outcome = sampleOutcome(id, { symbol, exitRule: rule });
  await one.ledger.recordClose(closeRecords(facts, [exit], rule), sampleOpen(id, { symbol }), outcome, []);
}

test('whoever reads is told what keeps entries out now, in which symbol, why and until when', async () => {
  const blocks = async (minutes: number) => two.risk.blocks(OPENED_AT_MS + minutes * MINUTE_MS);
  expect(await blocks(0)).toEqual([]);
  const limits: RiskLimits = { ...NO_LIMITS, maxDailyLoss: '100', maxDrawdown: 0.1 };
  const protections: Protections = {
    ...NO_PROTECTIONS,
    cooldownMs: 30 * MINUTE_MS,
    stoplossGuard: { stops: 2, windowMs: 60 * MINUTE_MS },
    lowProfit: { trades: 2, windowMs: 120 * MINUTE_MS, leastReturn: 0 },
  };
  await one.risk.publishRules({ limits, protections }, 'a-worker');
  expect(await two.risk.rules()).toMatchObject({ limits, protections, workerId: 'a-worker' });
  // A limit whose figures are not known yet holds.
  expect(await blocks(0)).toMatchObject([
    { limit: 'maxDrawdown', message: 'maxDrawdown is 0.1: equity is not known' },
  ]);
  await read('10000', OPENED_AT_MS);
  expect(await blocks(0)).toEqual([]);

  await close('won', 'ETH/USD', 'take-profit', 5);
  expect(await blocks(6)).toEqual([]);
  await close('s1', 'BTC/USD', 'loss-limit', 10);
  const cooldown = { limit: 'cooldown', symbol: 'BTC/USD', endsAtMs: OPENED_AT_MS + 40 * MINUTE_MS + 7 };
  expect(await blocks(11)).toMatchObject([cooldown]);
  await close('s2', 'BTC/USD', 'loss-limit', 20);
  await read('9000', OPENED_AT_MS + 20 * MINUTE_MS);
  await one.halts.start({ reason: 'news', actor: 'owner', flatten: false });
  const midnight = (Math.floor(OPENED_AT_MS / 86_400_000) + 1) * 86_400_000;
  const after = (minutes: number) => OPENED_AT_MS + minutes * MINUTE_MS + 7;
  expect(await blocks(21)).toMatchObject([
    { limit: 'halted', symbol: null, endsAtMs: null },
    { limit: 'maxDailyLoss', symbol: null, endsAtMs: midnight },
    { limit: 'maxDrawdown', symbol: null, endsAtMs: null },
    { limit: 'cooldown', symbol: 'BTC/USD', endsAtMs: after(50) },
    { limit: 'stoplossGuard', symbol: null, endsAtMs: after(70) },
    { limit: 'lowProfit', symbol: 'BTC/USD', endsAtMs: after(130) },
  ]);
  const view = await accountView(two, 0, OPENED_AT_MS + 21 * MINUTE_MS);
  expect(view).toMatchObject({
    equity: '9000',
    peakEquity: '10000',
    drawdown: 0.1,
    maxDrawdownFraction: 0.1,
  });
  expect(view.blocks).toHaveLength(6);
});
