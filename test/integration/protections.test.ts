import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { openDatabase, poolOf, type Database } from '../../db/data-source.ts';
import { createRepositories, type Repositories } from '../../db/repositories/index.ts';
import { NO_PROTECTIONS, type Protections } from '../../src/domain/protections.ts';
import { closeRecords } from '../../src/domain/records.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import {
  OPENED_AT_MS,
  sampleFacts,
  sampleOpen,
  sampleOrder,
  sampleOutcome,
  sampleReserve,
} from '../support/ledger-samples.ts';

const MINUTE_MS = 60_000;
const BTC = 'BTC/USD';
const ETH = 'ETH/USD';

let server: TestDatabase;
let database: Database;
let repositories: Repositories;
let asked = 0;

beforeAll(async () => {
  server = await createTestDatabase();
  await connect();
});
afterAll(async () => {
  await database.destroy();
  await server.drop();
});
beforeEach(async () => {
  await poolOf(database).query(
    'TRUNCATE "CapitalReservation", "OrderIntent", "TradeOutcome", "ManagedPosition", "ManagedTrade", "LivePosition", "LiveTrade"',
  );
});

async function connect(): Promise<void> {
  database = await openDatabase(server.url, { poolSize: 4 });
  repositories = createRepositories(database);
}

/** A new process knows only the rows. */
async function restart(): Promise<void> {
  await database.destroy();
  await connect();
}

const after = (minutes: number) => OPENED_AT_MS + minutes * MINUTE_MS;
/** An entry about 248 quote currency in value, closed so many minutes after it was opened. */
async function close(
  id: string,
  symbol: string,
  rule: 'loss-limit' | 'emergency-loss' | 'take-profit',
  minutes: number,
): Promise<void> {
  const facts = sampleFacts(id, { symbol });
  const { quantity } = facts.entry.summary;
  const price = rule === 'take-profit' ? '65000' : '59000';
  const exit = sampleOrder(`X${id}`, { quantity, price, atMs: after(minutes) });
  await repositories.ledger.recordClose(
    closeRecords(facts, [exit], rule),
    sampleOpen(id, { symbol }),
    sampleOutcome(id, { symbol, exitRule: rule }),
    [],
  );
}

/** The limit that refused, or null; what was reserved is given back. */
async function ask(
  protections: Partial<Protections>,
  symbol: string,
  minutes: number,
): Promise<string | null> {
  const tradeId = `ask${(asked += 1)}`;
  const answer = await repositories.ledger.reserve(
    sampleReserve(tradeId, {
      symbol,
      protections: { ...NO_PROTECTIONS, ...protections },
      nowMs: after(minutes),
    }),
  );
  if (answer.kind === 'rejected') return answer.limit;
  await repositories.ledger.releaseReservation(tradeId, 'only asked');
  return null;
}

describe('each protection trips when it should, outlives a restart, and ends', () => {
  test('the cooldown: in the stopped symbol alone, from the exit on', async () => {
    const cooldown = { cooldownMs: 30 * MINUTE_MS };
    await close('won', BTC, 'take-profit', 5);
    expect(await ask(cooldown, BTC, 6)).toBeNull();
    await close('stopped', BTC, 'loss-limit', 10);
    expect(await ask(cooldown, BTC, 11)).toBe('cooldown');
    expect(await ask(cooldown, ETH, 11)).toBeNull();
    expect(await ask({}, BTC, 11)).toBeNull();
    await restart();
    expect(await ask(cooldown, BTC, 39)).toBe('cooldown');
    expect(await ask(cooldown, BTC, 41)).toBeNull();
  });

  test('the stop-loss guard: over all symbols, at the last stop it takes', async () => {
    const guard = { stoplossGuard: { stops: 3, windowMs: 60 * MINUTE_MS } };
    await close('s1', BTC, 'loss-limit', 10);
    await close('s2', ETH, 'emergency-loss', 20);
    await close('w1', ETH, 'take-profit', 25);
    expect(await ask(guard, BTC, 26)).toBeNull();
    await close('s3', BTC, 'loss-limit', 30);
    expect(await ask(guard, 'SOL/USD', 31)).toBe('stoplossGuard');
    await restart();
    expect(await ask(guard, BTC, 69)).toBe('stoplossGuard');
    expect(await ask(guard, BTC, 71)).toBeNull();
  });

  test('low profit: in the symbol that earned too little', async () => {
    const lowProfit = { lowProfit: { trades: 2, windowMs: 60 * MINUTE_MS, leastReturn: 0 } };
    await close('l1', BTC, 'loss-limit', 10);
    await close('l2', ETH, 'take-profit', 10);
    await close('l3', ETH, 'take-profit', 20);
    expect(await ask(lowProfit, BTC, 21)).toBeNull();
    await close('l4', BTC, 'loss-limit', 30);
    expect(await ask(lowProfit, BTC, 31)).toBe('lowProfit');
    expect(await ask(lowProfit, ETH, 31)).toBeNull();
    await restart();
    expect(await ask(lowProfit, BTC, 69)).toBe('lowProfit');
    expect(await ask(lowProfit, BTC, 71)).toBeNull();
  });

  test('the share of equity, by the equity that is given', async () => {
    const ofEquity = (maxEquityShare: number) => ask({ maxEquityShare }, BTC, 0);
    expect(await ofEquity(0.025)).toBeNull();
    expect(await ofEquity(0.0249)).toBe('maxEquityShare');
  });
});

test('a refusal by a protection holds nothing and leaves no intent', async () => {
  await close('stopped', BTC, 'loss-limit', 10);
  expect(await ask({ cooldownMs: 30 * MINUTE_MS }, BTC, 11)).toBe('cooldown');
  expect(await repositories.reader.heldReservations()).toEqual([]);
  expect(await repositories.ledger.intentsOfTrade(`ask${asked}`)).toEqual([]);
});
