import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { openDatabase, poolOf, type Database } from '../../db/data-source.ts';
import { createRepositories, type Repositories } from '../../db/repositories/index.ts';
import type { ReserveRequest } from '../../db/repositories/ledger.ts';
import { NO_PROTECTIONS } from '../../src/domain/protections.ts';
import { NO_LIMITS, type RiskLimits } from '../../src/domain/risk.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import {
  OPENED_AT_MS,
  sampleClose,
  sampleIntent,
  sampleOpen,
  sampleOutcome,
  sampleReserve,
} from '../support/ledger-samples.ts';

let server: TestDatabase;
let databases: Database[];
let workers: Repositories[];

beforeAll(async () => {
  server = await createTestDatabase();
  databases = await Promise.all(Array.from({ length: 4 }, () => openDatabase(server.url, { poolSize: 4 })));
  workers = databases.map(createRepositories);
});

afterAll(async () => {
  await Promise.all(databases.map((database) => database.destroy()));
  await server.drop();
});

beforeEach(async () => {
  await poolOf(databases[0]!).query(
    'TRUNCATE "EquitySnapshot", "CapitalReservation", "OrderIntent", "Halt", "TradeOutcome", "ManagedPosition", "ManagedTrade", "LivePosition", "LiveTrade"',
  );
});

afterEach(async () => {
  const { rows } = await poolOf(databases[0]!).query<{ unmatched: number }>(
    `SELECT count(*)::integer AS unmatched FROM "CapitalReservation" AS held
     FULL JOIN (SELECT * FROM "OrderIntent" WHERE "leg" = 'entry') AS intent USING ("tradeId")
     WHERE held."tradeId" IS NULL OR intent."id" IS NULL`,
  );
  expect(rows[0]?.unmatched).toBe(0);
});

/** Fifty entries at once, from four workers. */
async function storm(
  limits: Partial<RiskLimits>,
  over: (index: number) => Partial<ReserveRequest> = () => ({}),
) {
  const requests = Array.from({ length: 50 }, (_, index) =>
    sampleReserve(`s${index}`, { limits: { ...NO_LIMITS, ...limits }, ...over(index) }),
  );
  const answers = await Promise.all(
    requests.map((request, index) => workers[index % workers.length]!.ledger.reserve(request)),
  );
  const rejected = answers.filter((answer) => answer.kind === 'rejected');
  return { reserved: answers.length - rejected.length, rejected };
}

describe('fifty entries at once reach a limit exactly', () => {
  test('open positions', async () => {
    const { reserved, rejected } = await storm({ maxOpenPositions: 7 });
    expect(reserved).toBe(7);
    expect(new Set(rejected.map(({ limit }) => limit))).toEqual(new Set(['maxOpenPositions']));
    expect(rejected[0]!.message).toContain('maxOpenPositions is 7: 7 are open or reserved');
  });

  test('positions per symbol', async () => {
    const symbols = ['BTC/USD', 'ETH/USD'];
    const { reserved } = await storm({ maxPositionsPerSymbol: 3 }, (index) => ({
      symbol: symbols[index % 2]!,
    }));
    expect(reserved).toBe(6);
  });

  test('exposure', async () => {
    const { reserved } = await storm({ maxExposure: '1000.10' }, () => ({ notional: '100.01' }));
    expect(reserved).toBe(10);
    const held = await workers[0]!.reader.heldReservations();
    expect(held).toHaveLength(10);
  });

  test('notional', async () => {
    const { reserved } = await storm({ maxNotional: '25' }, (index) => ({ notional: String(index + 1) }));
    expect(reserved).toBe(25);
  });
});

test('one trade that is asked for by many workers is reserved once and answered alike', async () => {
  const request = sampleReserve('same', { limits: { ...NO_LIMITS, maxOpenPositions: 1 } });
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, index) => workers[index % 4]!.ledger.reserve(request)),
  );
  const reserved = { kind: 'reserved', quantity: '0.00412345', notional: '250' };
  expect(answers).toEqual(Array.from({ length: 20 }, () => reserved));
  expect(await workers[0]!.reader.intents(0)).toHaveLength(1);
});

describe('an entry of the scan takes what the limits leave', () => {
  const minimums = {
    symbol: 'BTC/USD',
    base: 'BTC',
    quote: 'USD',
    quantityDecimals: 4,
    minQuantity: '0.01',
    minCost: '0.5',
  };
  const shrink = { price: '100', minimums, costReserve: 0.008 };
  /** Wants 250 quote currency. */
  const scanned = (id: string, over: Partial<ReserveRequest>, by = 0) =>
    workers[by]!.ledger.reserve(
      sampleReserve(id, { shrink, intent: sampleIntent(id, { quantity: '2.5' }), ...over }),
    );

  test.each<[string, Partial<ReserveRequest>, { quantity: string; notional: string }]>([
    ['all of it', {}, { quantity: '2.5', notional: '250' }],
    [
      'notional',
      { limits: { ...NO_LIMITS, maxNotional: '120.01' } },
      { quantity: '1.2001', notional: '120.01' },
    ],
    [
      'exposure',
      { limits: { ...NO_LIMITS, maxExposure: '99.999' } },
      { quantity: '0.9999', notional: '99.99' },
    ],
    ['cash, fees kept back', { freeCash: '100.8' }, { quantity: '1', notional: '100' }],
    [
      'share of equity',
      { protections: { ...NO_PROTECTIONS, maxEquityShare: 0.005 } },
      { quantity: '0.5', notional: '50' },
    ],
  ])('%s', async (_name, over, size) => {
    expect(await scanned('one', over)).toEqual({ kind: 'reserved', ...size });
    expect(await workers[0]!.reader.heldReservations()).toMatchObject([{ notional: size.notional }]);
    expect(await workers[0]!.ledger.intentsOfTrade('one')).toMatchObject([{ quantity: size.quantity }]);
    // Asked again, by a worker that knows other limits: what is held is held.
    expect(await scanned('one', {}, 1)).toEqual({ kind: 'reserved', ...size });
  });

  test('down to the least order, and says so', async () => {
    await workers[0]!.ledger.reserve(sampleReserve('other', { notional: '999.5' }));
    const limits = { ...NO_LIMITS, maxExposure: '1000' };
    expect(await scanned('late', { limits })).toEqual({
      kind: 'rejected',
      limit: 'maxExposure',
      message:
        'maxExposure is 1000: 999.5 is in use, 250 more was asked; what is left is too little: notional 0.5 USD buys 0.005 BTC; the least quantity for BTC/USD is 0.01 BTC (about 1 USD)',
    });
    expect(await scanned('huge', { limits: { ...NO_LIMITS, maxNotional: '0.5' } })).toMatchObject({
      kind: 'rejected',
      limit: 'maxNotional',
    });
  });

  test('fifty at once use a limit up to the last lot, and no further', async () => {
    const limits = { ...NO_LIMITS, maxExposure: '1000' };
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, index) => scanned(`s${index}`, { limits }, index % workers.length)),
    );
    expect(answers.filter(({ kind }) => kind === 'reserved')).toHaveLength(4);
    const held = await workers[0]!.reader.heldReservations();
    expect(held.map(({ notional }) => notional)).toEqual(['250', '250', '250', '250']);
    expect(await scanned('more', { limits: { ...limits, maxExposure: '1100' } })).toMatchObject({
      notional: '100',
    });
  });
});

test('a rejected trade leaves nothing behind', async () => {
  const answer = await workers[0]!.ledger.reserve(
    sampleReserve('no', { limits: { ...NO_LIMITS, maxNotional: '1' } }),
  );
  expect(answer).toEqual({
    kind: 'rejected',
    limit: 'maxNotional',
    message: 'maxNotional is 1: 250 was asked',
  });
  expect(await workers[0]!.reader.trade('no')).toBeNull();
});

test('released capital can be used again, its trade can not', async () => {
  const [{ ledger }] = workers as [Repositories];
  const limits = { ...NO_LIMITS, maxOpenPositions: 1 };
  await ledger.reserve(sampleReserve('first', { limits }));
  expect(await ledger.reserve(sampleReserve('second', { limits }))).toMatchObject({ kind: 'rejected' });
  expect(await ledger.releaseReservation('first', 'refused by the exchange')).toBe(true);
  expect(await ledger.releaseReservation('first', 'again')).toBe(false);
  expect(await ledger.reserve(sampleReserve('second', { limits }))).toMatchObject({ kind: 'reserved' });
  expect(await ledger.reserve(sampleReserve('first'))).toEqual({
    kind: 'rejected',
    limit: 'trade-ended',
    message: 'trade first has ended already: refused by the exchange',
  });
});

test('an adopted position without a reservation counts as well', async () => {
  const [{ ledger }] = workers as [Repositories];
  await ledger.reserve(sampleReserve('own'));
  await ledger.persistOpen(sampleOpen('own'));
  await ledger.persistOpen(sampleOpen('adopted'));
  const answer = await ledger.reserve(
    sampleReserve('next', { limits: { ...NO_LIMITS, maxOpenPositions: 2 } }),
  );
  expect(answer).toMatchObject({
    message: 'maxOpenPositions is 2: 2 are open or reserved, 1 more was asked',
  });
});

test('a halt blocks entries until it is resumed, and outlives connections', async () => {
  const [first, second] = workers as [Repositories, Repositories];
  await first.halts.start({ reason: 'too hot', actor: 'night shift', flatten: false });
  expect(await second.ledger.reserve(sampleReserve('h1'))).toMatchObject({
    kind: 'rejected',
    limit: 'halted',
  });
  expect(await second.halts.active()).toMatchObject({
    reason: 'too hot',
    actor: 'night shift',
    endedAt: null,
  });
  expect(await second.halts.resume({ actor: 'day shift', reason: 'cool again' })).toBe(1);
  expect(await first.halts.list()).toMatchObject([
    {
      actor: 'night shift',
      endedBy: 'day shift',
      endReason: 'cool again',
      endedAt: expect.any(Number) as number,
    },
  ]);
  expect(await first.ledger.reserve(sampleReserve('h1'))).toMatchObject({ kind: 'reserved' });
  expect(await first.halts.list()).toHaveLength(1);
});

test("today's loss and the drawdown since the peak stop entries", async () => {
  const [{ ledger, equity }] = workers as [Repositories];
  await ledger.reserve(sampleReserve('loser'));
  const close = sampleClose('loser', {}, '50000');
  await ledger.recordClose(close, sampleOpen('loser'), sampleOutcome('loser'), []);
  expect(Number(close.managedPosition.realizedPnL)).toBeLessThan(-40);
  const today = OPENED_AT_MS + 3_600_000;
  const tomorrow = today + 86_400_000;
  let asked = 0;
  const ask = async (limits: Partial<RiskLimits>, nowMs: number, worth: string) => {
    const id = `asker${(asked += 1)}`;
    const over = { limits: { ...NO_LIMITS, ...limits }, nowMs, equity: worth, intent: sampleIntent(id) };
    const answer = await ledger.reserve(sampleReserve(id, over));
    return answer.kind === 'rejected' ? answer.limit : null;
  };
  const read = (worth: string, takenAtMs: number) =>
    equity.record({ equity: worth, cash: worth, exposure: '0', takenAtMs, cause: 'interval' });

  expect(await ask({ maxDailyLoss: '40' }, today, '10000')).toBe('maxDailyLoss');
  expect(await ask({ maxDailyLoss: '40' }, tomorrow, '10000')).toBeNull();
  // Without a reading nothing is known of a time before: what there is now is the peak.
  expect(await ask({ maxDrawdown: 0.25 }, today, '7500')).toBeNull();

  await read('10000', today - 1_000);
  await read('9000', today);
  expect(await ask({ maxDrawdown: 0.25 }, today, '7500.01')).toBeNull();
  expect(await ask({ maxDrawdown: 0.25 }, today, '7500')).toBe('maxDrawdown');
  expect(await ask({ maxDailyLoss: '100' }, today, '9900.01')).toBeNull();
  expect(await ask({ maxDailyLoss: '100' }, today, '9900')).toBe('maxDailyLoss');
  // The next day begins with the last equity of this one.
  expect(await ask({ maxDailyLoss: '100' }, tomorrow, '8900.01')).toBeNull();
  expect(await ask({ maxDailyLoss: '100' }, tomorrow, '8900')).toBe('maxDailyLoss');
  await equity.resetPeak({ actor: 'owner', reason: 'paid out', nowMs: tomorrow });
  expect(await ask({ maxDrawdown: 0.25 }, tomorrow, '7500')).toBeNull();
  expect(await ask({ maxDrawdown: 0.25 }, tomorrow, '6750')).toBe('maxDrawdown');
});

describe('what is known of an intent only grows', () => {
  test.each([
    [['sent', 'accepted', 'filled', 'unknown'], 'filled'],
    [['sent', 'accepted', 'sent'], 'accepted'],
    [['sent', 'unknown', 'absent', 'sent', 'accepted'], 'accepted'],
    [['sent', 'refused', 'unknown'], 'refused'],
    [['sent', 'cancelled', 'filled', 'cancelled'], 'filled'],
    [['unknown', 'planned'], 'unknown'],
  ] as const)('%j ends %s', async (statuses, final) => {
    const [{ ledger }] = workers as [Repositories];
    await ledger.reserve(sampleReserve('i'));
    const { clOrdId } = sampleIntent('i');
    for (const status of statuses) expect(await ledger.markIntent(clOrdId, { status })).toBe(true);
    const [intent] = await ledger.intentsOfTrade('i');
    expect(intent?.status).toBe(final);
  });

  test('an order id once known stays, and a missing intent is told', async () => {
    const [{ ledger }] = workers as [Repositories];
    await ledger.reserve(sampleReserve('i'));
    const { clOrdId } = sampleIntent('i');
    await ledger.markIntent(clOrdId, { status: 'accepted', krakenOrderId: 'OABC' });
    await ledger.markIntent(clOrdId, { status: 'filled', why: 'fills add up' });
    expect((await ledger.intentsOfTrade('i'))[0]).toMatchObject({
      krakenOrderId: 'OABC',
      why: 'fills add up',
    });
    expect(await ledger.markIntent('hfxNONE', { status: 'sent' })).toBe(false);
  });

  test('the whole intent is written where it was missing, by many at once', async () => {
    const [{ ledger }] = workers as [Repositories];
    await ledger.reserve(sampleReserve('x'));
    const exit = {
      ...sampleIntent('x', { leg: 'exit-1', clOrdId: 'hfxAAAA', side: 'sell' }),
      status: 'sent' as const,
    };
    await Promise.all(
      Array.from({ length: 20 }, (_, index) => workers[index % 4]!.ledger.recordIntent(exit)),
    );
    expect(await ledger.intentsOfTrade('x')).toHaveLength(2);
  });
});
