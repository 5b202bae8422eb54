import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import getPort from 'get-port';
import type { Pool } from 'pg';
import { openDatabase, poolOf } from '../db/data-source.ts';
import { migrate } from '../db/migrate.ts';
import { createRepositories, type Repositories } from '../db/repositories/index.ts';
import { startPostgres } from '../src/embedded/postgres.ts';
import { sampleOpen } from '../test/support/ledger-samples.ts';
import { bareOpen, createBareTables } from './ledger/bare-open.ts';

/** As many at a time as a worker runs activities for. */
const CONCURRENT = [1, 10];
const OPENS = 1_500;
const ROUNDS = 3;
const LIVE_POSITIONS = [100, 10_000];
const LIVE_ROUNDS = 15;

/**
 * Opens persisted and verified per second beside the bare four-row transaction on the same database, in
 * turns; and the cost of the live update by the number of open positions. DATABASE_URL names an empty
 * database to use; without it a server of its own is started.
 */
export async function* ledgerRows(): AsyncGenerator<object> {
  const server = await databaseServer();
  const database = await openDatabase(server.url);
  try {
    await migrate(database);
    const pool = poolOf(database);
    await createBareTables(pool);
    const repositories = createRepositories(database);
    for (const concurrent of CONCURRENT) yield await opens(pool, repositories, concurrent);
    let open = 0;
    await pool.query(
      'TRUNCATE "TradeOutcome", "ManagedPosition", "ManagedTrade", "LivePosition", "LiveTrade"',
    );
    for (const positions of LIVE_POSITIONS) {
      await inParallel(positions - open, 10, (index) =>
        repositories.ledger.persistOpen(sampleOpen(`live-${open + index}`)),
      );
      open = positions;
      yield await liveUpdate(repositories, positions);
    }
  } finally {
    await database.destroy();
    await server.stop();
  }
}

async function opens(pool: Pool, { ledger }: Repositories, concurrent: number): Promise<object> {
  const bare: number[] = [];
  const verified: number[] = [];
  // In turns, so that whatever else the machine does meets both alike.
  for (let round = 0; round <= ROUNDS; round += 1) {
    const name = `${concurrent}-${round}`;
    const plain = await perSecond(OPENS, concurrent, (index) =>
      bareOpen(pool, sampleOpen(`bare-${name}-${index}`)),
    );
    const whole = await perSecond(OPENS, concurrent, async (index) => {
      const records = sampleOpen(`open-${name}-${index}`);
      await ledger.persistOpen(records);
      await ledger.verifyOpen(records);
    });
    // The first round warms connections and plans.
    if (round === 0) continue;
    bare.push(plain);
    verified.push(whole);
  }
  const [barePerSecond, verifiedPerSecond] = [median(bare), median(verified)];
  return {
    bench: 'ledger',
    row: 'opens',
    concurrent,
    verifiedPerSecond: Math.round(verifiedPerSecond),
    barePerSecond: Math.round(barePerSecond),
    ratio: Number((verifiedPerSecond / barePerSecond).toFixed(2)),
  };
}

async function liveUpdate({ ledger }: Repositories, positions: number): Promise<object> {
  const times: number[] = [];
  for (let round = 0; round < LIVE_ROUNDS; round += 1) {
    const price = (60_000 + round).toFixed(1);
    const updates = Array.from({ length: positions }, (_, index) => ({
      positionId: `kraken-Olive-${index}`,
      currentPrice: price,
      unrealizedPnL: '1.5',
      exitsBelow: '59000.0',
      exitsAbove: '65000.0',
      bestPrice: price,
      markAgeMs: 12,
      stage: 'open',
    }));
    const startMs = performance.now();
    const updated = await ledger.updateLive(updates);
    times.push(performance.now() - startMs);
    if (updated !== positions) throw new Error(`${updated} of ${positions} live positions were updated`);
  }
  const updateMs = median(times);
  return {
    bench: 'ledger',
    row: 'live-update',
    positions,
    updateMs: Number(updateMs.toFixed(2)),
    perPositionUs: Number(((updateMs * 1000) / positions).toFixed(2)),
  };
}

async function perSecond(
  count: number,
  concurrent: number,
  work: (index: number) => Promise<unknown>,
): Promise<number> {
  const startMs = performance.now();
  await inParallel(count, concurrent, work);
  return (count / (performance.now() - startMs)) * 1000;
}

async function inParallel(
  count: number,
  concurrent: number,
  work: (index: number) => Promise<unknown>,
): Promise<void> {
  let next = 0;
  const lane = async () => {
    while (next < count) {
      next += 1;
      await work(next - 1);
    }
  };
  await Promise.all(Array.from({ length: concurrent }, lane));
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((left, right) => left - right);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

async function databaseServer(): Promise<{ url: string; stop: () => Promise<void> }> {
  const given = process.env.DATABASE_URL;
  if (given) return { url: given, stop: () => Promise.resolve() };
  const directory = await mkdtemp(path.join(tmpdir(), 'holdfast-bench-'));
  const server = await startPostgres({
    dataDir: path.join(directory, 'data'),
    port: await getPort(),
    log: () => undefined,
  });
  return {
    url: server.databaseUrl,
    stop: async () => {
      await server.stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
