import fastify from 'fastify';
import type { Client } from '@temporalio/client';
import { openDatabase, poolOf, type Database } from '../../db/data-source.ts';
import { createRepositories } from '../../db/repositories/index.ts';
import { HoldfastClient } from '../client.ts';
import type { Config } from '../config.ts';
import { readReady } from '../embedded/ready.ts';
import { createKrakenExchange } from '../exchange/kraken/kraken-exchange.ts';
import type { Logger } from '../logging.ts';
import { connectTemporal, temporalEnvironment } from '../temporal-connection.ts';
import { exchangeAccess } from '../worker-settings.ts';
import { answerErrors } from './answers.ts';
import { createHealthCheck } from './health.ts';
import type { DashboardParts } from './parts.ts';
import { createPositions } from './positions.ts';
import { createProbes } from './probes.ts';
import { LOOPBACK_NAMES, protect } from './protection.ts';
import { Reconnecting } from './reconnecting.ts';
import { registerActions } from './routes/actions.ts';
import { registerHealth } from './routes/health.ts';
import { registerPages } from './routes/pages.ts';
import { registerReads } from './routes/reads.ts';
import { registerStream } from './routes/stream.ts';
import { Stages } from './stages.ts';
import { createStats } from './stats.ts';
import { PositionStream } from './stream.ts';
import { actionToken } from './token.ts';

const BODY_LIMIT_BYTES = 16_384;
const LOOPBACK = ['127.0.0.1', '::1', 'localhost'];

export interface Dashboard {
  readonly url: string;
  close(): Promise<void>;
}

export interface DashboardOptions {
  readonly config: Config;
  readonly log: Logger;
}

/**
 * Serves page and API on HOLDFAST_DASHBOARD_HOST and _PORT (0 takes a free one). Needs DATABASE_URL and
 * KRAKEN_API_URL; it starts while database or Temporal are away, and says so on `/healthz`.
 */
export async function startDashboard({ config, log }: DashboardOptions): Promise<Dashboard> {
  const { DATABASE_URL: databaseUrl, KRAKEN_API_URL: exchangeUrl } = config;
  if (databaseUrl === undefined || exchangeUrl === undefined) {
    throw new Error('the dashboard needs DATABASE_URL and KRAKEN_API_URL; holdfast up provides both');
  }
  const isLive = config.HOLDFAST_LIVE === 'yes';
  const database = new Reconnecting<Database>(
    () =>
      openDatabase(databaseUrl, {
        applicationName: 'holdfast-dashboard',
        poolSize: 4,
        onConnectionError: (err) =>
          log.warn({ event: 'database-connection-lost', err }, 'database connection lost'),
      }),
    (opened) => opened.destroy(),
  );
  const temporal = new Reconnecting<Client>(connectTemporal, (opened) => opened.connection.close());
  const exchange = createKrakenExchange({
    restUrl: exchangeUrl,
    key: '',
    secret: '',
    live: isLive,
    ...exchangeAccess(config),
    log,
  });
  const repositories = async () => createRepositories(await database.get());
  const client = async () => new HoldfastClient(await temporal.get());
  const reader = async () => (await repositories()).reader;
  const now = Date.now;

  const positions = createPositions({
    reader,
    learning: async () => (await repositories()).learning,
    signals: async () => (await repositories()).signals,
    stages: new Stages(async () => (await client()).runningTrades(), log),
    timeScale: config.HOLDFAST_TIME_SCALE,
    now,
  });
  const parts: DashboardParts = {
    repositories,
    client,
    positions,
    health: createHealthCheck(
      createProbes({
        pool: async () => poolOf(await database.get()),
        temporal: () => temporal.get(),
        exchange,
        symbol: config.HOLDFAST_SCAN_SYMBOLS[0] ?? 'BTC/USD',
        now,
      }),
      now,
    ),
    stats: createStats({ repositories, now }),
    about: async () => ({
      exchange: isLive ? 'live' : 'paper',
      temporalNamespace: temporalEnvironment().namespace,
      temporalUi:
        config.HOLDFAST_TEMPORAL_UI ?? (await readReady(config.HOLDFAST_DATA_DIR))?.temporalUi ?? null,
      timeScale: config.HOLDFAST_TIME_SCALE,
    }),
    now,
    log,
  };

  const { HOLDFAST_DASHBOARD_NAMES: names } = config;
  const isLoopback = LOOPBACK.includes(config.HOLDFAST_DASHBOARD_HOST);
  const app = fastify({ bodyLimit: BODY_LIMIT_BYTES, forceCloseConnections: true });
  const stream = new PositionStream(parts);
  answerErrors(app, log);
  protect(app, {
    token: await actionToken(config.HOLDFAST_DASHBOARD_TOKEN, config.HOLDFAST_DATA_DIR),
    names: names.length > 0 ? names : isLoopback ? LOOPBACK_NAMES : null,
  });
  registerHealth(app, parts);
  registerReads(app, parts);
  registerActions(app, parts);
  registerStream(app, stream);
  await registerPages(app);
  const url = await app.listen({
    host: config.HOLDFAST_DASHBOARD_HOST,
    port: config.HOLDFAST_DASHBOARD_PORT,
  });
  return {
    url,
    close: async () => {
      stream.close();
      await app.close();
      exchange.close();
      await Promise.all([temporal.close(), database.close()]);
    },
  };
}
