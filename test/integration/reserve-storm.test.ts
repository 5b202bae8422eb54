import { fork, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { openDatabase, poolOf, type Database } from '../../db/data-source.ts';
import { createRepositories, type Repositories } from '../../db/repositories/index.ts';
import { closeRecords } from '../../src/domain/records.ts';
import type { TradeRequest } from '../../src/workflows/messages.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import {
  OPENED_AT_MS,
  sampleClose,
  sampleFacts,
  sampleOpen,
  sampleOrder,
  sampleOutcome,
  sampleReserve,
} from '../support/ledger-samples.ts';
import type { Answered, ReserveOrder, Rules } from '../support/reserve-process.ts';

const WORKER = fileURLToPath(new URL('../support/reserve-process.ts', import.meta.url));
const ENTRIES = 200;
const WORKERS = 4;
const PRICE = '100';
const SYMBOLS = ['BTC/USD', 'ETH/USD'];

let server: TestDatabase;
let database: Database;
let repositories: Repositories;
let workers: ChildProcess[];

beforeAll(async () => {
  server = await createTestDatabase();
  database = await openDatabase(server.url, { poolSize: 4 });
  repositories = createRepositories(database);
  workers = Array.from({ length: WORKERS }, () =>
    fork(WORKER, [server.url], { execArgv: ['--import', 'tsx'] }),
  );
  await Promise.all(workers.map((worker) => told(worker)));
});
afterAll(async () => {
  const ended = workers.map((worker) => new Promise((resolve) => worker.once('exit', resolve)));
  for (const worker of workers) worker.disconnect();
  await Promise.all(ended);
  await database.destroy();
  await server.drop();
});
beforeEach(async () => {
  await poolOf(database).query(
    'TRUNCATE "EquitySnapshot", "CapitalReservation", "OrderIntent", "Halt", "TradeOutcome", "ManagedPosition", "ManagedTrade", "LivePosition", "LiveTrade"',
  );
});

/** Every entry is asked of the activity at the same time, by four processes with connections of their own. */
async function storm(rules: Rules, notionalOf: (index: number) => string = () => '25'): Promise<Answered[]> {
  const requests = Array.from({ length: ENTRIES }, (_, index): TradeRequest => ({
    tradeId: `storm${index}`,
    symbol: SYMBOLS[index % SYMBOLS.length]!,
    side: 'long',
    notional: notionalOf(index),
    order: { type: 'market' },
    strategy: 'manual',
    signal: { source: 'test', confidence: 0.8, asOfMs: OPENED_AT_MS, ttlMs: 30_000 },
  }));
  // Both symbols to each of them.
  const worker = (index: number) => Math.floor(index / SYMBOLS.length) % WORKERS;
  const answers = await Promise.all(
    workers.map((each, which) =>
      told(each, {
        rules,
        requests: requests.filter((_, index) => worker(index) === which),
        price: PRICE,
        nowMs: OPENED_AT_MS,
      }),
    ),
  );
  for (const answered of answers) expect(answered).toHaveLength(ENTRIES / WORKERS);
  return answers.flat();
}

/** Resolves with the process's answer; rejects when it ends instead. */
function told(worker: ChildProcess, order?: ReserveOrder): Promise<Answered[]> {
  return new Promise((resolve, reject) => {
    const onExit = (code: number | null) => reject(new Error(`a worker ended with ${code}`));
    worker.once('exit', onExit);
    worker.once('message', (answer: Answered[]) => {
      worker.off('exit', onExit);
      resolve(answer);
    });
    if (order) worker.send(order);
  });
}

const capital = async () => {
  const { rows } = await poolOf(database).query<{ reserved: string; exposed: string; open: number }>(
    `SELECT (SELECT coalesce(sum("notional"), 0) FROM "CapitalReservation" WHERE "status" = 'held') AS reserved,
       coalesce(sum("quantity" * "entryPrice"), 0) AS exposed, count(*)::integer AS open
     FROM "ManagedPosition" WHERE "status" = 'open'`,
  );
  const [{ reserved, exposed, open }] = rows as [(typeof rows)[number]];
  return { reserved: Number(reserved), exposed: Number(exposed), open };
};

function facts({ tradeId, symbol, answer }: Answered) {
  if (answer.kind !== 'reserved') throw new Error(`${tradeId} was ${answer.kind}`);
  const { quantity } = answer.plan;
  return sampleFacts(tradeId, { symbol, entry: sampleOrder(`O${tradeId}`, { quantity, price: PRICE }) });
}

async function openAndClose(reserved: readonly Answered[]): Promise<void> {
  const { ledger } = repositories;
  for (const entry of reserved) await ledger.persistOpen(sampleOpen(entry.tradeId, facts(entry)));
  const opened = await capital();
  expect(opened.open).toBe(reserved.length);
  expect(opened.reserved).toBe(opened.exposed);
  const half = reserved.slice(0, Math.ceil(reserved.length / 2));
  for (const entry of half) {
    const trade = facts(entry);
    const { quantity } = trade.entry.summary;
    const exit = sampleOrder(`X${entry.tradeId}`, { quantity, price: '101', atMs: OPENED_AT_MS + 1_000 });
    const { tradeId } = entry;
    const outcome = sampleOutcome(tradeId, { symbol: entry.symbol });
    await ledger.recordClose(
      closeRecords(trade, [exit], 'take-profit'),
      sampleOpen(tradeId, trade),
      outcome,
      [],
    );
  }
  const closed = await capital();
  expect(closed.open).toBe(reserved.length - half.length);
  expect(closed.reserved).toBe(closed.exposed);
}

const rising = (index: number) => String(index + 1);

test.each<[string, Rules, number, ((index: number) => string) | undefined, RegExp]>([
  ['open positions', { maxOpenPositions: 17 }, 17, undefined, /^maxOpenPositions is 17: 17 are .* asked$/],
  [
    'positions per symbol',
    { maxPositionsPerSymbol: 9 },
    18,
    undefined,
    /^maxPositionsPerSymbol is 9: 9 of (BTC|ETH)\/USD are .* asked$/,
  ],
  [
    'exposure',
    { maxExposure: '1000.10' },
    10,
    () => '100.01',
    /^maxExposure is 1000\.10: 1000\.1 is in use, 100\.01 more was asked$/,
  ],
  ['notional', { maxNotional: '120' }, 120, rising, /^maxNotional is 120: \d+ was asked$/],
  [
    'share of equity',
    { maxEquityShare: 0.01 },
    100,
    rising,
    /^maxEquityShare is 0\.01: of an equity of 10000 one trade may take 100, \d+ was asked$/,
  ],
])(
  `${ENTRIES} entries at once reach the limit exactly: %s`,
  async (_name, rules, most, notionalOf, message) => {
    const entries = await storm(rules, notionalOf);
    const reserved = entries.filter(({ answer }) => answer.kind === 'reserved');
    expect(reserved).toHaveLength(most);
    for (const { answer } of entries) {
      if (answer.kind === 'rejected') expect(answer.message).toMatch(message);
    }
    expect(await repositories.reader.heldReservations()).toHaveLength(most);
    await openAndClose(reserved);
  },
);

test.each<[string, Rules, RegExp]>([
  ['daily loss', { maxDailyLoss: '40' }, /^maxDailyLoss is 40: \d+\.\d+ was lost today/],
  [
    'drawdown',
    { maxDrawdown: 0.004 },
    /^maxDrawdown is 0\.004: equity is 10000, its peak was 10041; entries begin again above 10000\.836, /,
  ],
])(
  `${ENTRIES} entries at once are all refused beyond the limit, all taken before: %s`,
  async (_name, rules, message) => {
    const before = await storm(rules);
    expect(before.filter(({ answer }) => answer.kind === 'reserved')).toHaveLength(ENTRIES);
    await Promise.all(
      before.map(({ tradeId }) => repositories.ledger.releaseReservation(tradeId, 'only asked')),
    );
    await poolOf(database).query('TRUNCATE "CapitalReservation", "OrderIntent"');

    await repositories.ledger.reserve(sampleReserve('loser'));
    await repositories.ledger.recordClose(
      sampleClose('loser', {}, '50000'),
      sampleOpen('loser'),
      sampleOutcome('loser'),
      [],
    );
    await repositories.equity.record({
      equity: '10041',
      cash: '10041',
      exposure: '0',
      takenAtMs: OPENED_AT_MS,
      cause: 'interval',
    });
    for (const { answer } of await storm(rules)) {
      expect(answer.kind).toBe('rejected');
      if (answer.kind === 'rejected') expect(answer.message).toMatch(message);
    }
    expect(await repositories.reader.heldReservations()).toEqual([]);
  },
);

const MINUTE_MS = 60_000;

test.each<[string, Rules, RegExp, string[]]>([
  [
    'cooldown',
    { cooldownMs: 30 * MINUTE_MS },
    /^cooldown is 30 min: BTC\/USD was stopped out at .*, a new trade was asked at .*; entries begin again at /,
    ['BTC/USD'],
  ],
  [
    'stop-loss guard',
    { stoplossGuard: { stops: 2, windowMs: 30 * MINUTE_MS } },
    /^stoplossGuard is 2 stops in 30 min: as many since .*, a new trade was asked at .*; entries begin again at /,
    SYMBOLS,
  ],
  [
    'low profit',
    { lowProfit: { trades: 2, windowMs: 30 * MINUTE_MS, leastReturn: 0 } },
    /^lowProfit is 0 over at least 2 trades in 30 min: 2 of BTC\/USD made -.*; entries begin again at /,
    ['BTC/USD'],
  ],
])(
  `${ENTRIES} entries at once are refused where the protection holds, and nowhere else: %s`,
  async (_name, rules, message, held) => {
    const { ledger } = repositories;
    for (const id of ['stop1', 'stop2']) {
      const stopped = sampleFacts(id);
      const { quantity } = stopped.entry.summary;
      const exit = sampleOrder(`X${id}`, { quantity, price: '59000', atMs: OPENED_AT_MS });
      const outcome = sampleOutcome(id, { exitRule: 'loss-limit' });
      await ledger.recordClose(closeRecords(stopped, [exit], 'loss-limit'), sampleOpen(id), outcome, []);
    }
    const entries = await storm(rules);
    for (const { symbol, answer } of entries) {
      expect(answer.kind).toBe(held.includes(symbol) ? 'rejected' : 'reserved');
      if (answer.kind === 'rejected') expect(answer.message).toMatch(message);
    }
    const free = entries.filter(({ symbol }) => !held.includes(symbol));
    expect(await repositories.reader.heldReservations()).toHaveLength(free.length);
    await openAndClose(free);
  },
);
