import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import pino from 'pino';
import { openDatabase, type Database } from '../../db/data-source.ts';
import { createRepositories, type Repositories } from '../../db/repositories/index.ts';
import { loadConfig } from '../../src/config.ts';
import { startDashboard, type Dashboard } from '../../src/dashboard/server.ts';
import { startPaperExchange, type PaperExchange } from '../../src/exchange/paper/server.ts';
import { createTestDatabase } from './database.ts';
import { proxyDatabase, type DatabaseProxy } from './database-proxy.ts';
import { createTestNamespace } from './temporal-namespace.ts';

export const TEST_TOKEN = 'a-token-of-the-test-0123456789';

/** A dashboard over real PostgreSQL, Temporal and paper exchange, without any worker. */
export interface TestDashboard {
  readonly url: string;
  readonly dataDir: string;
  readonly repositories: Repositories;
  readonly database: Database;
  /** Between the dashboard and its database. */
  readonly proxy: DatabaseProxy;
  readonly exchange: PaperExchange;
  /** Every line the dashboard logged. */
  readonly logged: string[];
  /** Another one over the same parts, with other variables. */
  another(environment: NodeJS.ProcessEnv): Promise<Dashboard>;
  close(): Promise<void>;
}

export async function startTestDashboard(): Promise<TestDashboard> {
  const [testDatabase, namespace, exchange, dataDir] = await Promise.all([
    createTestDatabase(),
    createTestNamespace(),
    startPaperExchange({ port: 0, journalFile: null, market: { source: 'manual' } }),
    mkdtemp(path.join(tmpdir(), 'holdfast-dashboard-')),
  ]);
  // Temporal's own environment configuration reads the process environment.
  process.env.TEMPORAL_ADDRESS = namespace.address;
  process.env.TEMPORAL_NAMESPACE = namespace.namespace;
  const proxy = await proxyDatabase(testDatabase.url);
  const database = await openDatabase(testDatabase.url, { poolSize: 3 });
  const logged: string[] = [];
  const log = pino({ level: 'trace' }, { write: (line: string) => void logged.push(line) });
  const start = (environment: NodeJS.ProcessEnv) =>
    startDashboard({
      config: loadConfig({
        DATABASE_URL: proxy.url,
        KRAKEN_API_URL: exchange.url,
        HOLDFAST_DATA_DIR: dataDir,
        HOLDFAST_DASHBOARD_PORT: '0',
        ...environment,
      }),
      log,
    });
  const dashboard = await start({ HOLDFAST_DASHBOARD_TOKEN: TEST_TOKEN });
  return {
    url: dashboard.url,
    dataDir,
    repositories: createRepositories(database),
    database,
    proxy,
    exchange,
    logged,
    another: start,
    close: async () => {
      await dashboard.close();
      await proxy.close();
      await database.destroy();
      await exchange.close();
      await namespace.close();
      await testDatabase.drop();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

/** Polls until `check` gives something other than undefined; fails loudly after `limitMs`. */
export async function eventually<T>(
  what: string,
  check: () => Promise<T | undefined>,
  limitMs = 15_000,
): Promise<T> {
  const until = Date.now() + limitMs;
  for (;;) {
    const found = await check();
    if (found !== undefined) return found;
    if (Date.now() >= until) throw new Error(`${what}: not within ${limitMs} ms`);
    await delay(100);
  }
}
