import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { fileURLToPath } from 'node:url';
import { Client } from '@temporalio/client';
import { Registry } from 'prom-client';
import {
  NativeConnection,
  type NativeConnectionOptions,
  Runtime,
  DefaultLogger,
  Worker,
} from '@temporalio/worker';
import { migrate } from '../db/migrate.ts';
import { openDatabase } from '../db/data-source.ts';
import { createRepositories } from '../db/repositories/index.ts';
import { createStepRunner } from '../db/step-process/run.ts';
import { createActivities } from './activities/index.ts';
import { alertDestinations } from './alerts/destinations.ts';
import { startAlertDesk } from './alerts/desk.ts';
import { emergencyAlert } from './alerts/emergency.ts';
import { createIntentJournal, type IntentJournal } from './activities/intent-journal.ts';
import { HoldfastClient, TASK_QUEUE } from './client.ts';
import type { Config } from './config.ts';
import type { Destination } from './domain/alerts.ts';
import { WAITING_HEARTBEAT_MS } from './domain/safety-times.ts';
import { beginVersions, versioning } from './worker-versioning.ts';
import { createKrakenExchange } from './exchange/kraken/kraken-exchange.ts';
import { createKrakenExecutions } from './exchange/kraken/executions.ts';
import { createKrakenFeed } from './exchange/kraken/feed.ts';
import type { MarketFeed, SubmitOutcome } from './exchange/port.ts';
import { guardTaskQueue, Leases } from './leases.ts';
import type { Logger } from './logging.ts';
import { ExchangeSight } from './market/exchange-sight.ts';
import { createFiring, type Fire } from './market/firing.ts';
import type { ArmedTrade } from './market/guarded-position.ts';
import { GuardKeeper } from './market/guard-keeper.ts';
import { MarketHub } from './market/hub.ts';
import { keepLease } from './market/keep-lease.ts';
import { Lease } from './market/lease.ts';
import { startLiveUpdates } from './market/live-updates.ts';
import { OrderWatch } from './market/order-watch.ts';
import { PredictionService } from './market/predictions.ts';
import { startStaleWatch } from './market/stale-watch.ts';
import { serveMetrics } from './metrics.ts';
import { createOrderMeter, type OrderMeter } from './trading-metrics.ts';
import { ensureSchedule, temporalEnvironment } from './temporal-connection.ts';
import {
  exchangeAccess,
  predictionProvider,
  protections,
  requireAddresses,
  riskLimits,
  scanSettings,
  tradeSettings,
} from './worker-settings.ts';

/** The composition root: the only place of a worker that wires real parts. */

const PREDICTION_INTERVAL_MS = 60_000;
const RECONCILE_EVERY_MS = 60_000;
const SHUTDOWN_GRACE_MS = 5_000;
/** Few open polls: each of a frozen worker swallows a task that only its time-out gives back. */
const POLLS = { type: 'simple-maximum', maximum: 4 } as const;

export interface RunningWorker {
  readonly workerId: string;
  readonly metricsUrl: string;
  /** Resolves when the worker has ended; rejects when it failed. */
  readonly ended: Promise<void>;
  stop(): Promise<void>;
}

/** What a benchmark puts in the place of our own parts, to measure against them. */
export interface WorkerChanges {
  readonly fire?: Fire;
  /** Beside ours. */
  readonly activities?: (parts: { readonly feed: MarketFeed }) => object;
  readonly workflowsPath?: string;
}

export async function startWorker(
  config: Config,
  log: Logger,
  changes: WorkerChanges = {},
): Promise<RunningWorker> {
  const workerId = `${hostname()}-${process.pid}-${randomBytes(3).toString('hex')}`;
  const taskQueue = guardTaskQueue(workerId);
  const timeScale = config.HOLDFAST_TIME_SCALE;
  const intervalMs = PREDICTION_INTERVAL_MS / timeScale;
  const now = Date.now;
  installRuntime(config, log);

  const parts = await connectParts(config, log);
  const { database, feed, connection, namespace } = parts;
  const registry = new Registry();
  const orderMeter = createOrderMeter(registry);
  const exchange = orderMeter.observe(parts.exchange);
  const repositories = createRepositories(database);
  const temporal = new Client({ connection, namespace });
  const client = new HoldfastClient(temporal);
  const leases = new Leases(temporal);
  const sight = new ExchangeSight({ feed, leases, now });
  const provider = predictionProvider(config, intervalMs, log);
  const predictions = new PredictionService({
    exchange,
    provider,
    intervalMs,
    keep: (symbol, prediction) => repositories.signals.keepPrediction(symbol, prediction),
    now,
    log,
  });
  const destinations = alertDestinations(config);
  const destinationNames = Object.keys(destinations) as Destination[];
  const alertDesk = startAlertDesk({
    store: repositories.alerts,
    client,
    destinations: destinationNames,
    kinds: config.HOLDFAST_ALERT_KINDS,
    now,
    log,
  });
  const decidedAtMs = new Map<string, number>();
  const hub = new MarketHub({
    feed,
    predict: (symbol) => predictions.latest(symbol),
    predictionIntervalMs: intervalMs,
    decided: (trade, last) => {
      decidedAtMs.set(trade.positionId, performance.now());
      void keeper.decided(trade, last).finally(() => decidedAtMs.delete(trade.positionId));
      if (last.evaluation.rule === 'emergency-loss') alertDesk.raise(emergencyAlert(trade, last));
    },
    now,
    log,
  });
  const lease = new Lease({ wallMs: now, monotonicMs: () => performance.now() });
  const intents = createIntentJournal(repositories.ledger, log);
  const keeper = new GuardKeeper({
    hub,
    lease,
    fire:
      changes.fire ??
      createFiring({ exchange, lease, now, note: noteFiring(intents, orderMeter, decidedAtMs), log }),
    taskQueue,
    tell: (tradeId, decision) => client.signalExitDecided(tradeId, decision),
    isBetterElsewhere: () => sight.isBetterElsewhere(taskQueue),
    log,
  });
  const rules = { limits: riskLimits(config), protections: protections(config, timeScale) };
  await repositories.risk.publishRules(rules, workerId);
  const orderWatch = new OrderWatch({
    exchange,
    tell: (tradeId, exchangeOrderId) => client.signalOrderMoved(tradeId, exchangeOrderId),
    log,
  });
  const executions = createKrakenExecutions({
    wsUrl: requireAddresses(config).wsUrl,
    token: () => exchange.webSocketToken(),
    onMoved: (exchangeOrderId) => orderWatch.moved(exchangeOrderId),
    onNamed: (exchangeOrderId, clientOrderId) => exchange.heardOf(exchangeOrderId, clientOrderId),
    onCatchUp: () => orderWatch.catchUp(),
    log,
  });
  const ours = createActivities({
    ...repositories,
    exchange,
    keeper,
    intents,
    orderWatch,
    predictions,
    client,
    leases,
    seesExchange: () => sight.sees(),
    buildId: config.HOLDFAST_BUILD_ID ?? null,
    alertDesk,
    alertDestinations: destinations,
    runStep: createStepRunner(requireAddresses(config).databaseUrl),
    ...rules,
    accountCurrency: config.HOLDFAST_ACCOUNT_CURRENCY,
    settings: tradeSettings(config, timeScale),
    scan: scanSettings(config),
    adoption: config.HOLDFAST_ADOPT,
    timeScale,
    now,
    log,
  });
  const activities = { ...ours, ...changes.activities?.(parts) };
  const workflowsPath = changes.workflowsPath ?? WORKFLOWS;
  const common = {
    connection,
    namespace,
    identity: workerId,
    shutdownGraceTime: SHUTDOWN_GRACE_MS,
    workflowTaskPollerBehavior: POLLS,
    activityTaskPollerBehavior: POLLS,
    stickyQueueScheduleToStartTimeout: 1_000,
    // The SDK keeps heartbeats back for most of their time-out: one that a slow way delays would be too late.
    maxHeartbeatThrottleInterval: WAITING_HEARTBEAT_MS,
  };
  const workers = await Promise.all([
    Worker.create({ ...common, ...versioning(config), taskQueue: TASK_QUEUE, workflowsPath, activities }),
    // Unversioned: trades and leases of any build have to reach a guard.
    Worker.create({ ...common, taskQueue, activities }),
  ]);
  const stopLiveUpdates = startLiveUpdates(hub, repositories.ledger, log);
  const stopStaleWatch = startStaleWatch({
    hub,
    workerId,
    raise: (alert) => alertDesk.raise(alert),
    leaseId: () => keeper.leaseId,
    tell: (tradeId, sinceMs) => client.signalMarksStale(tradeId, sinceMs),
    now,
  });
  const metrics = await serveMetrics({
    registry,
    host: config.HOLDFAST_METRICS_HOST,
    port: config.HOLDFAST_METRICS_PORT,
    sdkMetricsPort: config.HOLDFAST_SDK_METRICS_PORT,
    hub,
    feedStatus: () => feed.status(),
    callBudget: () => exchange.callBudget(),
    leaseLeftMs: () => lease.leftMs(),
    hearsOfOrders: () => executions.live(),
    account: repositories,
    figures: repositories.figures,
    trouble: () => {
      const stopped = workers.find((worker) => worker.getState() !== 'RUNNING');
      if (stopped) return `the worker is ${stopped.getState()}`;
      return lease.leftMs() === 0 ? 'it holds no lease' : null;
    },
  });
  const running = Promise.all(workers.map((worker) => worker.run()));
  const guarding = keepLease({
    workerId,
    taskQueue,
    leases,
    standsBack: () => sight.isBetterElsewhere(taskQueue),
    log,
  });
  if (config.HOLDFAST_BUILD_ID !== undefined) void beginVersions(temporal, config.HOLDFAST_BUILD_ID, log);
  await client.ensureLearning();
  for (const destination of destinationNames) await client.ensureAlerts(destination);
  await ensureSchedule(temporal, 'reconcile', RECONCILE_EVERY_MS, true);
  await ensureSchedule(temporal, 'equity', Math.max(1_000, intervalMs), true);
  if (config.HOLDFAST_SCAN) await ensureSchedule(temporal, 'scan', Math.max(1_000, intervalMs), true);

  const close = async () => {
    guarding.stop();
    stopLiveUpdates();
    stopStaleWatch();
    hub.close();
    await executions.close();
    await alertDesk.close();
    await metrics.close();
    await closeParts(parts);
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
      guarding.stop();
      keeper.stop();
      for (const worker of workers) if (worker.getState() === 'RUNNING') worker.shutdown();
      await ended;
    },
  };
}

const WORKFLOWS = fileURLToPath(new URL('./workflows/index.ts', import.meta.url));

type Parts = Awaited<ReturnType<typeof connectParts>>;

async function connectParts(config: Config, log: Logger) {
  const { databaseUrl, apiUrl, wsUrl, key, secret } = requireAddresses(config);
  const database = await openDatabase(databaseUrl, {
    applicationName: 'holdfast-worker',
    onConnectionError: (err) =>
      log.warn({ event: 'database-connection-lost', err }, 'database connection lost'),
  });
  await migrate(database);
  const { connectionOptions, namespace } = temporalEnvironment();
  const connection = await NativeConnection.connect(connectionOptions as NativeConnectionOptions);
  const live = config.HOLDFAST_LIVE === 'yes';
  const exchange = createKrakenExchange({
    restUrl: apiUrl,
    key,
    secret,
    live,
    ...exchangeAccess(config),
    log,
  });
  const feed = createKrakenFeed({ wsUrl, log, restQuotes: (symbols) => exchange.quotes(symbols) });
  return { database, connection, namespace, exchange, feed };
}

async function closeParts({ database, connection, exchange, feed }: Parts): Promise<void> {
  await feed.close();
  exchange.close();
  await connection.close();
  await database.destroy();
}

function noteFiring(intents: IntentJournal, meter: OrderMeter, decidedAtMs: ReadonlyMap<string, number>) {
  return (trade: ArmedTrade, outcome: SubmitOutcome): void => {
    const startedMs = decidedAtMs.get(trade.positionId);
    if (startedMs !== undefined) meter.exited(performance.now() - startedMs);
    if (trade.exit) void intents.fired(trade.tradeId, { ...trade.exit, symbol: trade.symbol }, outcome);
  };
}

/** Temporal's own warnings in our log, its own metrics beside ours. */
function installRuntime(config: Config, log: Logger): void {
  const sdkMetricsPort = config.HOLDFAST_SDK_METRICS_PORT;
  Runtime.install({
    logger: new DefaultLogger('WARN', ({ level, message, meta }) => {
      // Under the name by which a logged error keeps its message and its cause.
      const { error: err, ...rest } = meta ?? {};
      log.warn({ sdk: level, ...rest, ...(err === undefined ? {} : { err }) }, message);
    }),
    ...(sdkMetricsPort === 0
      ? {}
      : { telemetryOptions: { metrics: { prometheus: { bindAddress: `127.0.0.1:${sdkMetricsPort}` } } } }),
  });
}
