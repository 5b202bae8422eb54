import { execFile } from 'node:child_process';
import { createWriteStream, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Client, Connection } from '@temporalio/client';
import { spawnGuarded, type GuardedProcess } from '../../../src/embedded/guarded-process.ts';
import { assertPortFree } from '../../../src/embedded/ports.ts';
import { ensureSearchAttributes } from '../../../src/embedded/search-attributes.ts';
import { DEFAULT_NAMESPACE } from '../../../src/embedded/temporal.ts';
import { freePortBase } from '../../support/port-base.ts';
import type { Process } from './part.ts';
import { temporalServerPrograms } from './temporal-server-build.ts';

/**
 * Temporal's full server with its two databases on the PostgreSQL that has the ledger as well, as docker-compose.yml
 * runs it: whatever strikes PostgreSQL strikes both at once.
 */

const run = promisify(execFile);
const SERVING_WITHIN_MS = 60_000;
const STOP_WITHIN_MS = 20_000;
const RETENTION_SECONDS = 72 * 3_600;
/** What the services run with. */
const DYNAMIC_CONFIG = fileURLToPath(new URL('../../../deploy/temporal/dynamic-config.yml', import.meta.url));
/** As the embedded server of a storm has it: short timers fire on time. */
const PUNCTUAL = 'history.timerProcessorMaxTimeShift:\n  - value: 1ms\n';
const DATABASES = { temporal: 'temporal', temporal_visibility: 'visibility' } as const;

export interface TemporalOnPostgresOptions {
  /** Gets configuration and log. */
  readonly directory: string;
  /** Of the frontend, on 127.0.0.1. */
  readonly port: number;
  /** Of any database on the server. */
  readonly databaseUrl: string;
  readonly say: (line: string) => void;
}

/** Makes schemas, namespace and search attributes; what is returned starts the server, again and again. */
export async function temporalOnPostgres(
  options: TemporalOnPostgresOptions,
): Promise<() => Promise<Process>> {
  const { directory, port } = options;
  const { server, sqlTool } = await temporalServerPrograms(options.say);
  const database = new URL(options.databaseUrl);
  for (const [name, schema] of Object.entries(DATABASES)) await createSchema(sqlTool, database, name, schema);
  await configure(directory, port, database);
  const address = `127.0.0.1:${port}`;
  let isPrepared = false;
  return async () => {
    await assertPortFree(port, 'temporal');
    const args = ['--root', directory, '--config', 'config', '--env', 'storm', '--allow-no-auth', 'start'];
    const running = await spawnGuarded(server, args);
    const log = createWriteStream(path.join(directory, 'server.log'), { flags: 'a' });
    running.child.stdout?.pipe(log, { end: false });
    running.child.stderr?.pipe(log, { end: false });
    void running.ended.then(() => log.end());
    try {
      if (!isPrepared) await untilDone(running, address, createNamespace);
      await untilDone(running, address, isPrepared ? describeNamespace : prepareTrades);
      isPrepared = true;
    } catch (error) {
      running.child.kill('SIGKILL');
      await running.ended;
      throw error;
    }
    return { pid: running.pid, ended: running.ended, stop: () => stop(running) };
  };
}

async function createSchema(sqlTool: string, database: URL, name: string, schema: string): Promise<void> {
  const common = [
    ...['--plugin', 'postgres12', '--ep', database.hostname, '--port', database.port],
    ...['--user', database.username, '--db', name],
  ];
  const env = { ...process.env, SQL_PASSWORD: database.password };
  for (const command of [
    ['create'],
    ['setup-schema', '--version', '0.0'],
    ['update-schema', '--schema-name', `postgresql/v12/${schema}`],
  ])
    await run(sqlTool, [...common, ...command], { env, maxBuffer: 2 ** 26 });
}

async function configure(directory: string, port: number, database: URL): Promise<void> {
  const base = await freePortBase();
  // A block has seven ports besides its base.
  const [history, matching, worker, ...membership] = [1, 2, 3, 4, 5, 6, 7].map((offset) => base + offset);
  const service = (grpcPort = 0, index = 0) => ({
    rpc: { grpcPort, membershipPort: membership[index], bindOnLocalHost: true },
  });
  const store = (databaseName: string, maxConns: number) => ({
    sql: {
      pluginName: 'postgres12',
      databaseName,
      connectAddr: database.host,
      connectProtocol: 'tcp',
      user: database.username,
      password: database.password,
      maxConns,
      maxIdleConns: maxConns,
    },
  });
  const config = {
    log: { stdout: true, level: 'warn' },
    persistence: {
      defaultStore: 'default',
      visibilityStore: 'visibility',
      numHistoryShards: 4,
      datastores: { default: store('temporal', 20), visibility: store('temporal_visibility', 5) },
    },
    global: { membership: { maxJoinDuration: '30s', broadcastAddress: '127.0.0.1' } },
    services: {
      frontend: service(port, 0),
      history: service(history, 1),
      matching: service(matching, 2),
      worker: service(worker, 3),
    },
    clusterMetadata: {
      enableGlobalNamespace: false,
      failoverVersionIncrement: 10,
      masterClusterName: 'active',
      currentClusterName: 'active',
      clusterInformation: {
        active: {
          enabled: true,
          initialFailoverVersion: 1,
          rpcName: 'frontend',
          rpcAddress: `127.0.0.1:${port}`,
        },
      },
    },
    dynamicConfigClient: { filepath: path.join(directory, 'dynamic-config.yml'), pollInterval: '60s' },
  };
  mkdirSync(path.join(directory, 'config'));
  // YAML takes JSON as it is. The password is in it.
  writeFileSync(path.join(directory, 'config', 'storm.yaml'), JSON.stringify(config, null, 2), {
    mode: 0o600,
  });
  writeFileSync(
    path.join(directory, 'dynamic-config.yml'),
    `${readFileSync(DYNAMIC_CONFIG, 'utf8')}${PUNCTUAL}`,
  );
}

const ALREADY_EXISTS = 6;

async function createNamespace({ workflowService }: Connection): Promise<void> {
  await workflowService
    .registerNamespace({
      namespace: DEFAULT_NAMESPACE,
      workflowExecutionRetentionPeriod: { seconds: RETENTION_SECONDS as never },
    })
    .catch((error: unknown) => {
      if ((error as { code?: number }).code !== ALREADY_EXISTS) throw error;
    });
}

/** The server's parts learn of a new namespace one after the other: it is ready when trades can be asked for. */
async function prepareTrades(connection: Connection): Promise<void> {
  await ensureSearchAttributes(connection, DEFAULT_NAMESPACE);
  await new Client({ connection }).workflow.count('HoldfastStage = "open" OR HoldfastReturn > 0');
}

async function describeNamespace({ workflowService }: Connection): Promise<void> {
  await workflowService.describeNamespace({ namespace: DEFAULT_NAMESPACE });
}

/** Asks until it works, the server ends, or its time is up. */
async function untilDone(
  running: GuardedProcess,
  address: string,
  ask: (connection: Connection) => Promise<void>,
): Promise<void> {
  const endsMs = performance.now() + SERVING_WITHIN_MS;
  for (;;) {
    try {
      const connection = await Connection.connect({ address, connectTimeout: 2_000 });
      try {
        await connection.withDeadline(Date.now() + 5_000, () => ask(connection));
        return;
      } finally {
        await connection.close();
      }
    } catch (error) {
      const end = running.end();
      if (end !== null)
        throw new Error(`the Temporal server ended with ${end.signal ?? end.code}`, { cause: error });
      if (performance.now() > endsMs) throw error;
      await delay(200);
    }
  }
}

async function stop(running: GuardedProcess): Promise<void> {
  running.child.kill('SIGTERM');
  const timer = setTimeout(() => running.child.kill('SIGKILL'), STOP_WITHIN_MS);
  await running.ended;
  clearTimeout(timer);
}
