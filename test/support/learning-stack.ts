import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client, Connection } from '@temporalio/client';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import { freePort } from './port-base.ts';
import { pino } from 'pino';
import { inject } from 'vitest';
import { openDatabase, poolOf, type Database } from '../../db/data-source.ts';
import { createRepositories, type Repositories } from '../../db/repositories/index.ts';
import { HoldfastClient } from '../../src/client.ts';
import { PUNCTUAL_TIMERS, startTemporal, type EmbeddedTemporal } from '../../src/embedded/temporal.ts';
import { createTestDatabase, type TestDatabase } from './database.ts';

/** Histories are called long after so many events, so that continue-as-new happens within a test. */
const LONG_HISTORY = 150;
const WORKER = fileURLToPath(new URL('./learning-worker.ts', import.meta.url));
const WORKFLOWS = fileURLToPath(new URL('../../src/workflows/index.ts', import.meta.url));

/** A Temporal server and a database of its own, with workers that only learn, to be killed at will. */
export class LearningStack {
  readonly #directory: string;
  readonly #temporal: EmbeddedTemporal;
  readonly #connection: Connection;
  readonly #server: TestDatabase;
  readonly #database: Database;
  readonly temporal: Client;
  readonly client: HoldfastClient;
  readonly repositories: Repositories;
  #worker: ChildProcess | null = null;

  private constructor(parts: {
    directory: string;
    temporal: EmbeddedTemporal;
    connection: Connection;
    server: TestDatabase;
    database: Database;
  }) {
    this.#directory = parts.directory;
    this.#temporal = parts.temporal;
    this.#connection = parts.connection;
    this.#server = parts.server;
    this.#database = parts.database;
    this.temporal = new Client({ connection: parts.connection });
    this.client = new HoldfastClient(this.temporal);
    this.repositories = createRepositories(parts.database);
  }

  static async start(): Promise<LearningStack> {
    const directory = await mkdtemp(path.join(tmpdir(), 'holdfast-learning-'));
    const [temporal, server, { code }] = await Promise.all([
      startTemporal({
        cli: inject('temporalCli'),
        dataDir: directory,
        port: await freePort(),
        uiPort: null,
        log: pino({ level: 'silent' }),
        dynamicConfig: [PUNCTUAL_TIMERS, `limit.historyCount.suggestContinueAsNew=${LONG_HISTORY}`],
      }),
      createTestDatabase(),
      bundleWorkflowCode({ workflowsPath: WORKFLOWS, logger: new DefaultLogger('ERROR') }),
    ]);
    await writeFile(path.join(directory, 'workflows.js'), code);
    const connection = await Connection.connect({ address: temporal.address });
    const database = await openDatabase(server.url, { poolSize: 4 });
    return new LearningStack({ directory, temporal, connection, server, database });
  }

  /** What a command needs to find the parts. */
  get environment(): NodeJS.ProcessEnv {
    return {
      TEMPORAL_ADDRESS: this.#temporal.address,
      DATABASE_URL: this.#server.url,
      HOLDFAST_DATA_DIR: this.#directory,
    };
  }

  get databaseUrl(): string {
    return this.#server.url;
  }

  startWorker(): void {
    const args = [this.#temporal.address, this.#server.url, path.join(this.#directory, 'workflows.js')];
    this.#worker = spawn(process.execPath, ['--import', 'tsx', WORKER, ...args], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
  }

  /** kill -9. */
  async killWorker(): Promise<void> {
    const worker = this.#worker;
    this.#worker = null;
    if (worker?.exitCode !== null) return;
    const ended = once(worker, 'exit');
    worker.kill('SIGKILL');
    await ended;
  }

  /** As the trade that closed the position does; with null as somebody who doesn't say who it is. */
  async signal(value: unknown, by: string | null = 'trade'): Promise<void> {
    await this.client.recordOutcome(value as never, by ?? undefined);
  }

  async sql(statement: string, values: unknown[] = []): Promise<Record<string, unknown>[]> {
    return (await poolOf(this.#database).query<Record<string, unknown>>(statement, values)).rows;
  }

  /** The activities of the learning workflow that a worker has begun. */
  async runningActivities(): Promise<(string | null | undefined)[]> {
    const { raw } = await this.temporal.workflow.getHandle('learning').describe();
    return (raw.pendingActivities ?? [])
      .filter(({ lastStartedTime }) => lastStartedTime)
      .map(({ activityType }) => activityType?.name);
  }

  async stop(): Promise<void> {
    await this.killWorker();
    await this.#connection.close();
    await this.#database.destroy();
    await this.#server.drop();
    await this.#temporal.kill();
    await rm(this.#directory, { recursive: true, force: true });
  }
}
