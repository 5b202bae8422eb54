import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { fileURLToPath } from 'node:url';
import { Client } from '@temporalio/client';
import { NativeConnection, type NativeConnectionOptions, Runtime, DefaultLogger, Worker } from '@temporalio/worker';
import { migrate } from '../db/migrate.ts';
import { openDatabase } from '../db/data-source.ts';
import { createRepositories } from '../db/repositories/index.ts';
import { createActivities, type ActivityDependencies } from './activities/index.ts';
import { guardTaskQueue, HoldfastClient, TASK_QUEUE } from './client.ts';
import type { Config } from './config.ts';
import type { RiskLimits } from './domain/risk.ts';
import { createKrakenExchange } from './exchange/kraken/kraken-exchange.ts';
import { createKrakenFeed } from './exchange/kraken/feed.ts';
import type { Logger } from './logging.ts';
import { MarketHub } from './market/hub.ts';
import { startLiveUpdates } from './market/live-updates.ts';
import { httpProvider, momentumProvider, noPredictions, PredictionService, type PredictionProvider } from './market/predictions.ts';
import { serveMetrics } from './metrics.ts';
import { ensureSchedule, temporalEnvironment } from './temporal-connection.ts';
import type { TradeSettings } from './workflows/messages.ts';

/** The composition root: the only place of a worker that wires real parts. */

const PREDICTION_INTERVAL_MS = 60_000;
const RECONCILE_EVERY_MS = 60_000;
const SHUTDOWN_GRACE_MS = 5_000;

export interface RunningWorker {
  readonly workerId: string;
  readonly metricsUrl: string;
  /** Resolves when the worker has ended; rejects when it failed. */
  readonly ended: Promise<void>;
  stop(): Promise<void>;
}

export async function startWorker(config: Config, log: Logger): Promise<RunningWorker> {
  const { databaseUrl, apiUrl, wsUrl, key, secret } = requireAddresses(config);
  const now = Date.now;
  const workerId = `${hostname()}-${process.pid}-${randomBytes(3).toString('hex')}`;
  const guard = { workerId, taskQueue: guardTaskQueue(workerId) };

  Runtime.install({ logger: new DefaultLogger('WARN', ({ level, message, meta }) => log.warn({ sdk: level, ...meta }, message)) });
  const database = await openDatabase(databaseUrl, {
    applicationName: 'holdfast-worker',
    onConnectionError: (err) => log.warn({ event: 'database-connection-lost', err }, 'database connection lost'),
  });
  await migrate(database);
  const repositories = createRepositories(database);
  const exchange = createKrakenExchange({
    restUrl: apiUrl,
    key,
    secret,
    live: config.HOLDFAST_LIVE === 'yes',
    now,
    log,
  });
  const feed = createKrakenFeed({ wsUrl, log, restQuotes: (symbols) => exchange.quotes(symbols), now });

  const { connectionOptions, namespace } = temporalEnvironment();
  const connection = await NativeConnection.connect(connectionOptions as NativeConnectionOptions);
  const temporal = new Client({ connection, namespace });
  const client = new HoldfastClient(temporal);

  const timeScale = config.HOLDFAST_TIME_SCALE;
  const intervalMs = PREDICTION_INTERVAL_MS / timeScale;
  const predictions = new PredictionService({ exchange, provider: predictionProvider(config, intervalMs, log), intervalMs, now, log });
  const hub = new MarketHub({
    feed,
    predict: (symbol) => predictions.latest(symbol),
    predictionIntervalMs: intervalMs,
    decided: ({ tradeId, last }) => client.signalExitDecided(tradeId, { workerId, last }),
    now,
    log,
  });
  const stopLiveUpdates = startLiveUpdates(hub, repositories.ledger, log);
  const metrics = await serveMetrics(config.HOLDFAST_METRICS_PORT, hub, () => feed.status());

  let announceStop: () => void = () => undefined;
  const stopping = new Promise<void>((resolve) => (announceStop = resolve));
  const dependencies: ActivityDependencies = {
    ...repositories,
    exchange,
    hub,
    predictions,
    client,
    guard,
    limits: riskLimits(config),
    settings: tradeSettings(config, timeScale),
    scan: {
      symbols: config.HOLDFAST_SCAN_SYMBOLS,
      maxPerSymbol: config.HOLDFAST_SCAN_MAX_PER_SYMBOL,
      baseNotional: config.HOLDFAST_BASE_NOTIONAL,
    },
    timeScale,
    stopping,
    now,
    log,
  };
  const activities = createActivities(dependencies);
  const { armPosition, disarmPosition, holdLease } = activities;
  const common = { connection, namespace, identity: workerId, shutdownGraceTime: SHUTDOWN_GRACE_MS };
  const workers = await Promise.all([
    Worker.create({
      ...common,
      taskQueue: TASK_QUEUE,
      workflowsPath: fileURLToPath(new URL('./workflows/index.ts', import.meta.url)),
      activities,
    }),
    Worker.create({ ...common, taskQueue: guard.taskQueue, activities: { armPosition, disarmPosition, holdLease } }),
  ]);
  const running = Promise.all(workers.map((worker) => worker.run()));
  await client.startGuard(workerId);
  await client.ensureLearning();
  await ensureSchedule(temporal, 'reconcile', RECONCILE_EVERY_MS, true);
  if (config.HOLDFAST_SCAN) await ensureSchedule(temporal, 'scan', Math.max(1_000, intervalMs), true);

  const close = async () => {
    stopLiveUpdates();
    hub.close();
    await feed.close();
    exchange.close();
    await metrics.close();
    await connection.close();
    await database.destroy();
  };
  const ended = running.then(close, async (error: unknown) => {
    await close();
    throw error;
  });
  return {
    workerId,
    metricsUrl: metrics.url,
    ended,
    stop: async () => {
      announceStop();
      for (const worker of workers) if (worker.getState() === 'RUNNING') worker.shutdown();
      await ended;
    },
  };
}

function requireAddresses(config: Config) {
  const { DATABASE_URL, KRAKEN_API_URL, KRAKEN_WS_URL, KRAKEN_API_KEY, KRAKEN_API_SECRET } = config;
  const needed = { DATABASE_URL, KRAKEN_API_URL, KRAKEN_WS_URL, KRAKEN_API_KEY, KRAKEN_API_SECRET };
  const missing = Object.entries(needed).filter(([, value]) => value === undefined);
  if (missing.length > 0) {
    throw new Error(`the worker needs ${missing.map(([name]) => name).join(', ')}; holdfast up provides them all`);
  }
  return {
    databaseUrl: DATABASE_URL ?? '',
    apiUrl: KRAKEN_API_URL ?? '',
    wsUrl: KRAKEN_WS_URL ?? '',
    key: KRAKEN_API_KEY ?? '',
    secret: KRAKEN_API_SECRET ?? '',
  };
}

function predictionProvider(config: Config, intervalMs: number, log: Logger): PredictionProvider {
  const ttlMs = 2 * intervalMs;
  switch (config.PREDICTION_URL) {
    case 'none':
      return noPredictions;
    case 'builtin':
      return momentumProvider(ttlMs);
    default:
      return httpProvider({ url: config.PREDICTION_URL, ttlMs, timeoutMs: 3_000, log });
  }
}

function riskLimits(config: Config): RiskLimits {
  return {
    maxOpenPositions: config.HOLDFAST_MAX_OPEN_POSITIONS,
    maxPositionsPerSymbol: config.HOLDFAST_MAX_POSITIONS_PER_SYMBOL,
    maxNotional: config.HOLDFAST_MAX_NOTIONAL,
    maxExposure: config.HOLDFAST_MAX_EXPOSURE ?? null,
    maxDailyLoss: config.HOLDFAST_MAX_DAILY_LOSS ?? null,
    maxDrawdown: config.HOLDFAST_MAX_DRAWDOWN ?? null,
  };
}

function tradeSettings(config: Config, timeScale: number): TradeSettings {
  return {
    listingLagMs: config.listingLagMs,
    persistBudgetMs: config.HOLDFAST_PERSIST_BUDGET_MS,
    entryRestMs: 300_000 / timeScale,
    partialRestMs: 30_000 / timeScale,
  };
}
