import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import {
  ApplicationFailure,
  Client,
  Connection,
  WorkflowFailedError,
  type WorkflowHandle,
} from '@temporalio/client';
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startPostgres, type RunningPostgres } from '../../src/embedded/postgres.ts';
import type { TradeState } from '../../src/workflows/messages.ts';
import { AlertReceiver } from '../support/alert-receiver.ts';
import { PaperControl } from '../support/paper-control.ts';
import { freePort, freePortBase } from '../support/port-base.ts';
import { holdfastJson, startUpWith, type Up } from '../support/up.ts';

const BUDGET_MS = 20_000;

/** The database goes away after the entry order was sent and before its position is persisted. */
describe('a position that the database does not take', { timeout: 180_000 }, () => {
  let root: string;
  let postgresPort: number;
  let postgres: RunningPostgres;
  let up: Up;
  let paper: PaperControl;
  let receiver: AlertReceiver;
  let connection: Connection;
  let temporal: Client;

  const startDatabase = () =>
    startPostgres({ dataDir: path.join(root, 'database'), port: postgresPort, log: () => undefined });

  beforeAll(async () => {
    root = await mkdtemp(path.join(tmpdir(), 'holdfast-persistence-'));
    postgresPort = await freePort();
    postgres = await startDatabase();
    receiver = await AlertReceiver.start();
    const variables = {
      DATABASE_URL: postgres.databaseUrl,
      PREDICTION_URL: 'none',
      HOLDFAST_PERSIST_BUDGET_MS: String(BUDGET_MS),
      HOLDFAST_ALERT_WEBHOOK_URL: `${receiver.url}/webhook`,
    };
    up = await startUpWith(variables, '--data-dir', root, '--port-base', String(await freePortBase()));
    paper = new PaperControl(up.ready.exchangeUrl);
    connection = await Connection.connect({ address: up.ready.temporalAddress });
    temporal = new Client({ connection });
  }, 180_000);
  afterAll(async () => {
    await connection.close();
    up.signalGroup('SIGINT');
    await up.ended;
    await postgres.stop();
    await receiver.close();
    await rm(root, { recursive: true, force: true });
  }, 60_000);
  beforeEach(() => paper.price('BTC/USD', '10000.0', '10000.1'));

  /** A trade whose order is on the exchange while PostgreSQL is gone. */
  async function openWithoutDatabase(id: string): Promise<WorkflowHandle> {
    const before = (await paper.orders()).length;
    await paper.arm({ call: 'AddOrder', kind: 'delay', times: 1, delayMs: 2_000 });
    await holdfastJson('open', '--symbol', 'BTC/USD', '--notional', '250', '--id', id, '--data-dir', root);
    await expect.poll(async () => (await paper.orders()).length, { timeout: 10_000 }).toBe(before + 1);
    postgres.kill();
    const handle = temporal.workflow.getHandle(`trade-${id}`);
    await expect
      .poll(() => stateOf(handle), { timeout: 30_000 })
      .toMatchObject({ stage: 'open', guarded: true });
    expect(await stateOf(handle)).toMatchObject({ persistence: 'pending' });
    return handle;
  }

  async function stateOf(handle: WorkflowHandle) {
    const state = await handle.query<TradeState>('state');
    return { stage: state.stage, persistence: state.persistence, guarded: state.guard !== null };
  }

  async function rowsOf(tradeId: string): Promise<Record<string, unknown>[]> {
    const client = new pg.Client(postgres.databaseUrl);
    await client.connect();
    try {
      const { rows } = await client.query<Record<string, unknown>>(
        `SELECT position.status, position."exitReason",
           (SELECT count(*)::int FROM "ManagedTrade" WHERE "positionId" = position.id) AS trades,
           (SELECT count(*)::int FROM "LiveTrade" WHERE "positionId" = position.id) AS "liveTrades",
           (SELECT string_agg(status, ',') FROM "LivePosition" WHERE "positionId" = position.id) AS live,
           (SELECT status FROM "CapitalReservation" AS held WHERE held."tradeId" = position."tradeId") AS capital
         FROM "ManagedPosition" AS position WHERE "tradeId" = $1`,
        [tradeId],
      );
      return rows;
    } finally {
      await client.end();
    }
  }

  /** Ids of what people were told of a position, each as often as they were told. */
  const told = (positionId: string) =>
    receiver
      .takenBy('webhook')
      .map(({ body }) => String(body.id))
      .filter((id) => id.endsWith(positionId))
      .sort();
  const positionOf = async (handle: WorkflowHandle) =>
    String((await handle.query<TradeState>('state')).position?.positionId);

  const acceptedOf = async (before: number) => (await paper.accepted()).length - before;

  it('is under watch all the same, and is persisted once when the database returns', async () => {
    const before = (await paper.accepted()).length;
    const handle = await openWithoutDatabase('returns');
    postgres = await startDatabase();
    await expect.poll(() => stateOf(handle), { timeout: 30_000 }).toMatchObject({ persistence: 'confirmed' });
    expect(await rowsOf('returns')).toEqual([
      { status: 'open', exitReason: null, trades: 1, liveTrades: 1, live: 'open', capital: 'held' },
    ]);
    await holdfastJson('exit', 'returns', '--wait', 'closed', '--data-dir', root);
    expect(await acceptedOf(before)).toBe(2);
  });

  it('exits at an emergency price without any database, and is recorded when it returns', async () => {
    const before = (await paper.accepted()).length;
    const handle = await openWithoutDatabase('emergency');
    await paper.price('BTC/USD', '7900.0', '7900.1');
    await expect.poll(() => acceptedOf(before), { timeout: 20_000 }).toBe(2);
    const positionId = await positionOf(handle);
    await expect.poll(() => told(positionId), { timeout: 20_000 }).toContain(`emergency:${positionId}`);
    postgres = await startDatabase();
    expect(await handle.result()).toMatchObject({ stage: 'closed', exitRule: 'emergency-loss' });
    expect(await rowsOf('emergency')).toEqual([
      {
        status: 'closed',
        exitReason: 'emergency-loss',
        trades: 2,
        liveTrades: 2,
        live: 'closed',
        capital: 'released',
      },
    ]);
    const events = ['closed', 'emergency', 'opened'];
    await expect
      .poll(() => told(positionId).filter((id) => !id.startsWith('persistence-failing')), { timeout: 20_000 })
      .toEqual(events.map((event) => `${event}:${positionId}`));
    expect(await acceptedOf(before)).toBe(2);
  });

  it('is flattened past the budget, fails loudly at once, and is recorded when the database returns', async () => {
    const before = (await paper.accepted()).length;
    const handle = await openWithoutDatabase('hopeless');
    const failure: unknown = await handle.result().catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(WorkflowFailedError);
    expect((failure as WorkflowFailedError).cause).toBeInstanceOf(ApplicationFailure);
    expect((failure as WorkflowFailedError).cause).toMatchObject({ type: 'PositionPersistenceFailed' });
    expect(await acceptedOf(before)).toBe(2);
    const positionId = await positionOf(handle);
    const heard = ['persistence-failed', 'persistence-failing'].map((event) => `${event}:${positionId}`);
    await expect.poll(() => told(positionId), { timeout: 20_000 }).toEqual(heard);

    postgres = await startDatabase();
    await temporal.workflow.getHandle('settle-unrecorded-hopeless').result();
    expect(await rowsOf('hopeless')).toEqual([
      {
        status: 'closed',
        exitReason: 'compensation',
        trades: 2,
        liveTrades: 2,
        live: 'closed',
        capital: 'released',
      },
    ]);
    await expect
      .poll(() => told(positionId), { timeout: 20_000 })
      .toEqual([`closed:${positionId}`, `opened:${positionId}`, ...heard].sort());
    expect(await acceptedOf(before)).toBe(2);
  });
});
