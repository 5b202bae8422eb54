import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import { openDatabase, poolOf, type Database } from '../../db/data-source.ts';
import { createRepositories, type Repositories } from '../../db/repositories/index.ts';
import { HoldfastClient } from '../../src/client.ts';
import type { Destination } from '../../src/domain/alerts.ts';
import { AlertReceiver } from './alert-receiver.ts';
import { createTestDatabase, type TestDatabase } from './database.ts';
import { createTestNamespace, type TestNamespace } from './temporal-namespace.ts';

const WORKER = fileURLToPath(new URL('./alert-worker.ts', import.meta.url));
const WORKFLOWS = fileURLToPath(new URL('../../src/workflows/index.ts', import.meta.url));

export const TELEGRAM_TOKEN = '123456:telegram-secret-of-the-test';
export const WEBHOOK_PATH = 'webhook/path-secret-of-the-test';
export const DISCORD_PATH = 'discord/path-secret-of-the-test';
export const WEBHOOK_SECRET = 'signing-secret-of-the-test';

/** A namespace, a database and a receiver of its own, with a worker that only tells people, to be killed at will. */
export class AlertStack {
  readonly receiver: AlertReceiver;
  readonly repositories: Repositories;
  readonly client: HoldfastClient;
  /** What the workers logged. */
  readonly logged: string[] = [];
  readonly #temporal: TestNamespace;
  readonly #server: TestDatabase;
  readonly #database: Database;
  readonly #directory: string;
  #worker: ChildProcess | null = null;

  private constructor(
    receiver: AlertReceiver,
    temporal: TestNamespace,
    server: TestDatabase,
    database: Database,
    directory: string,
  ) {
    this.receiver = receiver;
    this.#temporal = temporal;
    this.#server = server;
    this.#database = database;
    this.#directory = directory;
    this.repositories = createRepositories(database);
    this.client = new HoldfastClient(temporal.client);
  }

  static async start(): Promise<AlertStack> {
    const directory = await mkdtemp(path.join(tmpdir(), 'holdfast-alerts-'));
    const [receiver, temporal, server, { code }] = await Promise.all([
      AlertReceiver.start(),
      createTestNamespace(),
      createTestDatabase(),
      bundleWorkflowCode({ workflowsPath: WORKFLOWS, logger: new DefaultLogger('ERROR') }),
    ]);
    await writeFile(path.join(directory, 'workflows.js'), code);
    const database = await openDatabase(server.url, { poolSize: 4 });
    return new AlertStack(receiver, temporal, server, database, directory);
  }

  /** What a worker or a command is given. */
  get environment(): NodeJS.ProcessEnv {
    const { url } = this.receiver;
    return {
      TEMPORAL_ADDRESS: this.#temporal.address,
      TEMPORAL_NAMESPACE: this.#temporal.namespace,
      DATABASE_URL: this.#server.url,
      HOLDFAST_DATA_DIR: this.#directory,
      HOLDFAST_ALERT_WEBHOOK_URL: `${url}/${WEBHOOK_PATH}`,
      HOLDFAST_ALERT_WEBHOOK_SECRET: WEBHOOK_SECRET,
      HOLDFAST_ALERT_TELEGRAM_URL: `${url}/telegram`,
      HOLDFAST_ALERT_TELEGRAM_TOKEN: TELEGRAM_TOKEN,
      HOLDFAST_ALERT_TELEGRAM_CHAT: '42',
      HOLDFAST_ALERT_DISCORD_URL: `${url}/${DISCORD_PATH}`,
      HOLDFAST_ALERTS_PER_MINUTE: '600',
    };
  }

  startWorker(): void {
    const worker = spawn(
      process.execPath,
      ['--import', 'tsx', WORKER, path.join(this.#directory, 'workflows.js')],
      { env: { ...process.env, ...this.environment }, stdio: ['ignore', 'pipe', 'inherit'] },
    );
    worker.stdout.on('data', (chunk: Buffer) => this.logged.push(chunk.toString()));
    this.#worker = worker;
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

  async history(destination: Destination): Promise<string> {
    const handle = this.#temporal.client.workflow.getHandle(`alerts-${destination}`);
    return historyToJSON(await handle.fetchHistory());
  }

  async sql(statement: string, values: unknown[] = []): Promise<Record<string, unknown>[]> {
    return (await poolOf(this.#database).query<Record<string, unknown>>(statement, values)).rows;
  }

  async stop(): Promise<void> {
    await this.killWorker();
    await this.receiver.close();
    await this.#temporal.close();
    await this.#database.destroy();
    await this.#server.drop();
    await rm(this.#directory, { recursive: true, force: true });
  }
}
