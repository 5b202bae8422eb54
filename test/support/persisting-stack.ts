import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Client, Connection, type WorkflowHandle } from '@temporalio/client';
import pg from 'pg';
import { expect } from 'vitest';
import { startPostgres, type RunningPostgres } from '../../src/embedded/postgres.ts';
import type { TradeState } from '../../src/workflows/messages.ts';
import { PaperControl } from './paper-control.ts';
import { freePort, freePortBase } from './port-base.ts';
import { holdfast, holdfastJson, startUpWith, type Up } from './up.ts';

/** How long these trades try to persist a position, ms. */
const BUDGET_MS = 20_000;

/** Rows of a trade whose position is open. */
export const OPEN_ROWS = {
  status: 'open',
  exitReason: null,
  trades: 1,
  liveTrades: 1,
  live: 'open',
  capital: 'held',
};

/** Rows of a trade that is over. */
export const closedRows = (exitReason: string) => ({
  status: 'closed',
  exitReason,
  trades: 2,
  liveTrades: 2,
  live: 'closed',
  capital: 'released',
});

/** A whole stack beside a database of the test's own, which can be taken from it. */
export class PersistingStack {
  readonly root: string;
  readonly #postgresPort: number;
  postgres: RunningPostgres;
  #up!: Up;
  paper!: PaperControl;
  #connection!: Connection;
  temporal!: Client;

  private constructor(root: string, postgresPort: number, postgres: RunningPostgres) {
    this.root = root;
    this.#postgresPort = postgresPort;
    this.postgres = postgres;
  }

  /** @param way to the database; straight unless a test puts something in between */
  static async start(
    variables: NodeJS.ProcessEnv = {},
    way: (databaseUrl: string) => Promise<string> = (url) => Promise.resolve(url),
  ): Promise<PersistingStack> {
    const root = await mkdtemp(path.join(tmpdir(), 'holdfast-persistence-'));
    const port = await freePort();
    const stack = new PersistingStack(root, port, await startDatabase(root, port));
    const all = {
      DATABASE_URL: await way(stack.postgres.databaseUrl),
      PREDICTION_URL: 'none',
      HOLDFAST_PERSIST_BUDGET_MS: String(BUDGET_MS),
      ...variables,
    };
    stack.#up = await startUpWith(all, '--data-dir', root, '--port-base', String(await freePortBase()));
    stack.paper = new PaperControl(stack.#up.ready.exchangeUrl);
    stack.#connection = await Connection.connect({ address: stack.#up.ready.temporalAddress });
    stack.temporal = new Client({ connection: stack.#connection });
    return stack;
  }

  async stop(): Promise<void> {
    await this.#connection.close();
    this.#up.signalGroup('SIGINT');
    await this.#up.ended;
    await this.postgres.stop();
    await rm(this.root, { recursive: true, force: true });
  }

  async startDatabase(): Promise<void> {
    this.postgres = await startDatabase(this.root, this.#postgresPort);
  }

  /**
   * A trade whose order is on the exchange when `fault` strikes the database. Its answer is late, so that the position
   * is not persisted before.
   */
  async openAndThen(id: string, fault: () => unknown): Promise<WorkflowHandle> {
    const before = (await this.paper.orders()).length;
    await this.paper.arm({ call: 'AddOrder', kind: 'delay', times: 1, delayMs: 2_000 });
    await this.cli('open', '--symbol', 'BTC/USD', '--notional', '250', '--id', id);
    await expect.poll(async () => (await this.paper.orders()).length, { timeout: 10_000 }).toBe(before + 1);
    await fault();
    const handle = this.temporal.workflow.getHandle(`trade-${id}`);
    await expect
      .poll(() => this.state(handle), { timeout: 30_000 })
      .toMatchObject({ stage: 'open', guarded: true });
    return handle;
  }

  cli<T>(...args: string[]): Promise<T> {
    return holdfastJson<T>(...args, '--data-dir', this.root);
  }

  /** What a person reads. */
  async words(...args: string[]): Promise<string> {
    return (await holdfast(...args, '--data-dir', this.root)).stdout;
  }

  async state(handle: WorkflowHandle) {
    const state = await handle.query<TradeState>('state');
    return { stage: state.stage, persistence: state.persistence, guarded: state.guard !== null };
  }

  async positionOf(handle: WorkflowHandle): Promise<string> {
    return String((await handle.query<TradeState>('state')).position?.positionId);
  }

  /** Orders that the exchange has accepted beyond so many. */
  async acceptedSince(before: number): Promise<number> {
    return (await this.paper.accepted()).length - before;
  }

  /** Straight in the database, past whatever stands between it and the stack. */
  async sql(text: string, values: unknown[] = []): Promise<Record<string, unknown>[]> {
    const client = new pg.Client(this.postgres.databaseUrl);
    await client.connect();
    try {
      return (await client.query<Record<string, unknown>>(text, values)).rows;
    } finally {
      await client.end();
    }
  }

  rowsOf(tradeId: string): Promise<Record<string, unknown>[]> {
    return this.sql(
      `SELECT position.status, position."exitReason",
         (SELECT count(*)::int FROM "ManagedTrade" WHERE "positionId" = position.id) AS trades,
         (SELECT count(*)::int FROM "LiveTrade" WHERE "positionId" = position.id) AS "liveTrades",
         (SELECT string_agg(status, ',') FROM "LivePosition" WHERE "positionId" = position.id) AS live,
         (SELECT status FROM "CapitalReservation" AS held WHERE held."tradeId" = position."tradeId") AS capital
       FROM "ManagedPosition" AS position WHERE "tradeId" = $1`,
      [tradeId],
    );
  }
}

function startDatabase(root: string, port: number): Promise<RunningPostgres> {
  return startPostgres({ dataDir: path.join(root, 'database'), port, log: () => undefined });
}
