import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { openDatabase, poolOf, type Database } from '../../db/data-source.ts';
import { createRepositories, type Repositories } from '../../db/repositories/index.ts';
import type { ReserveRequest } from '../../db/repositories/ledger.ts';
import { NO_LIMITS, type RiskLimits } from '../../src/domain/risk.ts';
import { STARTING_THRESHOLDS } from '../../src/domain/thresholds.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import {
  OPENED_AT_MS,
  sampleClose,
  sampleIntent,
  sampleOpen,
  sampleOutcome,
  sampleReserve,
} from '../support/ledger-samples.ts';

/** Past the minimum hold of what `hold` opens. */
const NOW_MS = OPENED_AT_MS + STARTING_THRESHOLDS.minHoldTimeMinutes * 60_000;
const TTL_MS = 30_000;
const OPEN = ['w1', 'w2', 'w3'] as const;

let server: TestDatabase;
let databases: Database[];
let workers: Repositories[];

beforeAll(async () => {
  server = await createTestDatabase();
  databases = await Promise.all(Array.from({ length: 4 }, () => openDatabase(server.url, { poolSize: 4 })));
  workers = databases.map(createRepositories);
  await workers[0]!.learning.active();
});
afterAll(async () => {
  await Promise.all(databases.map((database) => database.destroy()));
  await server.drop();
});
beforeEach(async () => {
  await sql(
    'TRUNCATE "Rotation", "CapitalReservation", "OrderIntent", "Halt", "TradeOutcome", "ManagedPosition", "ManagedTrade", "LivePosition", "LiveTrade"',
  );
  for (const [index, id] of OPEN.entries()) await hold(id, 0.1 + 0.1 * index);
});

const sql = async (text: string) => (await poolOf(databases[0]!).query<Record<string, unknown>>(text)).rows;
const rotations = () =>
  sql('SELECT "tradeId", "weakestTradeId", "status" FROM "Rotation" ORDER BY "createdAt", "weakestTradeId"');

/** An open position about 248 quote currency in value. */
async function hold(id: string, confidence: number): Promise<void> {
  const { ledger } = workers[0]!;
  await ledger.reserve(sampleReserve(id, { symbol: 'ETH/USD', notional: '248', intent: sampleIntent(id) }));
  await ledger.persistOpen(sampleOpen(id, { symbol: 'ETH/USD', confidence }));
}

async function close(id: string): Promise<void> {
  const facts = { symbol: 'ETH/USD' };
  await workers[0]!.ledger.recordClose(
    sampleClose(id, facts),
    sampleOpen(id, facts),
    sampleOutcome(id, facts),
    [],
  );
}

const facts = {
  price: '60000',
  sigma: 0.001,
  takerFee: 0.004,
  equity: '10000',
  baseNotional: '500',
  notional: '248',
  timeScale: 1,
};
const rotation = { confidence: 0.9, expiresAtMs: NOW_MS + TTL_MS, timeScale: 1, facts };

/** For BTC/USD, by a person: it makes nobody give way. */
function byHand(tradeId: string, limits: Partial<RiskLimits>, over: Partial<ReserveRequest> = {}, by = 0) {
  return workers[by]!.ledger.reserve(
    sampleReserve(tradeId, {
      notional: '248',
      limits: { ...NO_LIMITS, ...limits },
      intent: sampleIntent(tradeId),
      nowMs: NOW_MS,
      ...over,
    }),
  );
}

/** The same by the scan. */
function signal(tradeId: string, limits: Partial<RiskLimits>, over: Partial<ReserveRequest> = {}, by = 0) {
  return byHand(tradeId, limits, { rotation, signalExpiresAtMs: rotation.expiresAtMs, ...over }, by);
}
const FULL = { maxOpenPositions: OPEN.length };

test('an entry that finds no room is told whom to ask, each time the same, and takes the room that is made', async () => {
  const waiting = { kind: 'waiting', weakest: { tradeId: 'w1', positionId: 'kraken-Ow1' } };
  expect(await signal('new', FULL)).toMatchObject({
    ...waiting,
    message:
      'maxOpenPositions is 3: 3 are open or reserved, 1 more was asked; waiting for the capital of trade w1 (confidence 0.1 against 0.9)',
  });
  expect(await signal('new', FULL, {}, 1)).toMatchObject(waiting);
  await close('w1');
  // The room is the waiting entry's: nobody else gets it, neither by count nor by amount.
  expect(await signal('thief', FULL, { nowMs: NOW_MS + 1 })).toMatchObject({ weakest: { tradeId: 'w2' } });
  expect(await byHand('manual', FULL)).toMatchObject({ limit: 'maxOpenPositions' });
  expect(await signal('new', FULL)).toMatchObject({ kind: 'reserved' });
  expect(await rotations()).toEqual([
    { tradeId: 'new', weakestTradeId: 'w1', status: 'taken' },
    { tradeId: 'thief', weakestTradeId: 'w2', status: 'waiting' },
  ]);
});

test.each<[string, Partial<RiskLimits>, Partial<ReserveRequest>]>([
  ['exposure', { maxExposure: '800' }, {}],
  ['funds', {}, { freeCash: '247.99' }],
])('capital may be used up by %s too', async (_name, limits, over) => {
  expect(await signal('new', limits, over)).toMatchObject({ kind: 'waiting', weakest: { tradeId: 'w1' } });
  await close('w1');
  const freed = over.freeCash === undefined ? {} : { freeCash: '495' };
  expect(await byHand('other', limits, { ...over, ...freed })).toMatchObject({
    kind: 'rejected',
  });
  expect(await signal('new', limits, { ...over, ...freed })).toMatchObject({ kind: 'reserved' });
});

test('nobody is asked within the minimum hold, for a signal that is not better enough, or in vain', async () => {
  const refused = { kind: 'rejected', limit: 'maxOpenPositions' };
  expect(await signal('early', FULL, { nowMs: NOW_MS - 1 })).toMatchObject(refused);
  expect(await signal('weak', FULL, { rotation: { ...rotation, confidence: 0.39 } })).toMatchObject(refused);
  expect(await byHand('manual', FULL)).toMatchObject(refused);
  const exposed = { ...FULL, maxExposure: '600' };
  expect(await signal('vain', exposed)).toMatchObject(refused);
  expect(await signal('same', FULL, { symbol: 'ETH/USD' })).toMatchObject(refused);
  await workers[0]!.halts.start({ reason: 'news', actor: 'owner', flatten: false });
  expect(await signal('halted', FULL)).toMatchObject({ limit: 'halted' });
  expect(await rotations()).toEqual([]);
});

test('who declines is not asked again; the next weakest is', async () => {
  expect(await signal('new', FULL)).toMatchObject({ weakest: { tradeId: 'w1' } });
  await workers[1]!.ledger.declineRotation('new', NOW_MS);
  expect(await signal('new', FULL)).toMatchObject({ weakest: { tradeId: 'w2' } });
  await workers[1]!.ledger.declineRotation('new', NOW_MS);
  expect(await signal('new', FULL)).toMatchObject({ weakest: { tradeId: 'w3' } });
  await workers[1]!.ledger.declineRotation('new', NOW_MS);
  expect(await signal('new', FULL)).toMatchObject({ kind: 'rejected', limit: 'maxOpenPositions' });
  // Another entry may ask them.
  expect(await signal('another', FULL)).toMatchObject({ weakest: { tradeId: 'w1' } });
});

test('an entry waits no longer than its signal is fresh; then the room is everybody’s', async () => {
  expect(await signal('new', FULL)).toMatchObject({ kind: 'waiting' });
  await close('w1');
  const late = { nowMs: NOW_MS + TTL_MS };
  expect(await signal('new', FULL, late)).toMatchObject({ kind: 'rejected', limit: 'signal-expired' });
  expect(await byHand('manual', FULL, late)).toMatchObject({ kind: 'reserved' });
  expect(await rotations()).toMatchObject([{ tradeId: 'new', status: 'expired' }]);
});

test('40 signals at once from 4 workers ask each position once, and never exceed the limit', async () => {
  const ask = () =>
    Promise.all(
      Array.from({ length: 40 }, (_, index) => signal(`s${index}`, FULL, {}, index % workers.length)),
    );
  const first = await ask();
  const waiting = first.flatMap((answer) => (answer.kind === 'waiting' ? [answer.weakest.tradeId] : []));
  expect(waiting.sort()).toEqual([...OPEN]);
  expect(first.filter(({ kind }) => kind === 'reserved')).toEqual([]);
  for (const id of OPEN) await close(id);
  const second = await ask();
  expect(second.filter(({ kind }) => kind === 'reserved')).toHaveLength(OPEN.length);
  expect(await workers[0]!.reader.heldReservations()).toHaveLength(OPEN.length);
  expect((await rotations()).map(({ status }) => status)).toEqual(['taken', 'taken', 'taken']);
});
