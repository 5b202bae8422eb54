import { randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Client, Connection } from '@temporalio/client';
import pg from 'pg';
import { pino } from 'pino';
import { vi } from 'vitest';
import { createLedgerReader } from '../../db/repositories/reader.ts';
import type { AuditedFinding } from '../../src/activities/reconcile.ts';
import { HoldfastClient } from '../../src/client.ts';
import { tradeWorkflowId } from '../../src/workflows/trade-id.ts';
import { paperKeys } from '../../src/embedded/stack-children.ts';
import { clientOrderId } from '../../src/exchange/client-order-id.ts';
import { createKrakenExchange, type KrakenExchange } from '../../src/exchange/kraken/kraken-exchange.ts';
import type { OrderSide, Side } from '../../src/domain/position.ts';
import { positionView, type PositionView } from '../../src/views/position-view.ts';
import type { TradeState } from '../../src/workflows/messages.ts';
import { PaperClient } from '../contract/paper-support.ts';
import { PaperControl } from './paper-control.ts';
import { freePortBase } from './port-base.ts';
import { holdfast, holdfastJson, startUpWith, type Up } from './up.ts';

export type Found = AuditedFinding;

export interface PlacedByHand {
  readonly symbol: string;
  readonly side: OrderSide;
  readonly quantity: string;
  /** Of a trade that nobody runs; without it the order is somebody else's. */
  readonly workflowId?: string;
  readonly leg?: 'entry' | `exit-${number}`;
  readonly limitPrice?: string;
  readonly leverage?: number;
}

/** An entry of the exchange's own ledger. `orderId` is empty where no order made it: a deposit. */
export interface BookedEntry {
  readonly orderId: string;
  /** Kraken's id: `ZUSD`. */
  readonly asset: string;
  readonly amount: string;
  readonly fee: string;
}

export interface Opened {
  readonly tradeId: string;
  readonly workflowId: string;
  readonly positionId: string;
  readonly orderId: string;
}

/** A whole stack, and a second hand on its exchange account, its database and its Temporal. */
export class ReconcileStack {
  readonly root: string;
  #up: Up;
  #variables: NodeJS.ProcessEnv;
  readonly #portBase: number;
  paper!: PaperControl;
  exchange!: KrakenExchange;
  #database!: pg.Pool;
  #connection!: Connection;
  temporal!: Client;
  client!: HoldfastClient;

  private constructor(root: string, up: Up, variables: NodeJS.ProcessEnv, portBase: number) {
    this.root = root;
    this.#up = up;
    this.#variables = variables;
    this.#portBase = portBase;
  }

  static async start(variables: NodeJS.ProcessEnv = {}, ...args: string[]): Promise<ReconcileStack> {
    const root = await mkdtemp(path.join(tmpdir(), 'holdfast-reconcile-'));
    const portBase = await freePortBase();
    const all = { PREDICTION_URL: 'none', ...variables };
    const up = await startUpWith(all, '--data-dir', root, '--port-base', String(portBase), ...args);
    const stack = new ReconcileStack(root, up, all, portBase);
    await stack.#connect();
    await stack.paper.price('BTC/USD', '10000.0', '10000.1');
    await stack.paper.price('ETH/USD', '500.00', '500.01');
    return stack;
  }

  async #connect(): Promise<void> {
    const { ready } = this.#up;
    this.paper = new PaperControl(ready.exchangeUrl);
    // Not the worker's: two hands on one key would overtake each other's nonces.
    const { KRAKEN_API_KEY: key = '', KRAKEN_API_SECRET: secret = '' } = await paperKeys(
      ready.exchangeUrl,
      -1,
    );
    this.exchange = createKrakenExchange({
      restUrl: ready.exchangeUrl,
      key,
      secret,
      log: pino({ level: 'silent' }),
    });
    // One connection, so that what a session sets holds.
    this.#database = new pg.Pool({ connectionString: ready.databaseUrl, max: 1, idleTimeoutMillis: 0 });
    this.#database.on('error', () => undefined);
    this.#connection = await Connection.connect({ address: ready.temporalAddress });
    this.temporal = new Client({ connection: this.#connection });
    this.client = new HoldfastClient(this.temporal);
  }

  async #disconnect(): Promise<void> {
    this.exchange.close();
    await this.#database.end();
    await this.#connection.close();
  }

  /** Stops everything in order, does something to its data, and starts it again, with more variables if need be. */
  async restart(
    meanwhile: (root: string) => Promise<unknown> = () => Promise.resolve(),
    variables: NodeJS.ProcessEnv = {},
  ): Promise<void> {
    await this.#disconnect();
    this.#up.signalGroup('SIGINT');
    await this.#up.ended;
    await meanwhile(this.root);
    this.#variables = { ...this.#variables, ...variables };
    const place = ['--data-dir', this.root, '--port-base', String(this.#portBase)];
    this.#up = await startUpWith(this.#variables, ...place);
    await this.#connect();
  }

  async stop(): Promise<void> {
    await this.#disconnect();
    this.#up.signalGroup('SIGINT');
    await this.#up.ended;
    await rm(this.root, { recursive: true, force: true });
  }

  cli<T>(...args: string[]): Promise<T> {
    return holdfastJson<T>(...args, '--data-dir', this.root);
  }

  /** What a person reads. */
  async words(...args: string[]): Promise<string> {
    return (await holdfast(...args, '--data-dir', this.root)).stdout;
  }

  async reconcile(): Promise<readonly Found[]> {
    return (await this.client.reconcileNow(`reconcile-${randomUUID()}`)).findings;
  }

  /** From now on only {@link reconcile} looks, so that nothing is settled before a test has looked. */
  async pauseSchedule(): Promise<void> {
    const schedule = this.temporal.schedule.getHandle('reconcile');
    await schedule.pause();
    await until(async () => (await schedule.describe()).info.runningActions.length === 0);
  }

  /** Opens a position as `holdfast open` does, without its process. */
  async enter(symbol: string, notional: string, side: Side = 'long', confidence = 0.8): Promise<Opened> {
    const tradeId = randomUUID();
    const signal = { source: 'operator', confidence, asOfMs: Date.now(), ttlMs: 30_000 };
    const order = { type: 'market' } as const;
    await this.client.openTrade({ tradeId, symbol, side, notional, order, strategy: 'manual', signal });
    const { stage, positionId, note } = await this.client.progress(tradeId, 'opened');
    if (positionId === null) throw new Error(`${symbol} was not opened: ${stage}, ${note}`);
    const workflowId = tradeWorkflowId(tradeId);
    await until(async () => (await this.state(tradeId)).persistence === 'confirmed');
    return { tradeId, workflowId, positionId, orderId: positionId.replace('kraken-', '') };
  }

  /** Exits by the trades' own doing; resolves when they have ended. */
  async exit(...tradeIds: readonly string[]): Promise<void> {
    await Promise.all(
      tradeIds.map(async (tradeId) => {
        await this.client.requestExit(tradeId, 'the test is over');
        const { stage } = await this.client.result(tradeId);
        if (stage !== 'closed') throw new Error(`${tradeId} ended ${stage}`);
      }),
    );
  }

  /** By hand, as in the Temporal Web UI; resolves when Temporal's list knows it as well. */
  async terminate(...workflowIds: readonly string[]): Promise<void> {
    for (const id of workflowIds) await this.temporal.workflow.getHandle(id).terminate('by hand');
    await until(async () => !(await this.running()).some((id) => workflowIds.includes(id)));
  }

  /** `kill -9`; whoever keeps the stack up starts it again. */
  async killWorker(): Promise<void> {
    const file = path.join(this.root, 'processes', 'worker-1.json');
    const { pid } = JSON.parse(await readFile(file, 'utf8')) as { pid: number };
    process.kill(pid, 'SIGKILL');
  }

  open(...args: string[]): Promise<{ tradeId: string; workflowId: string; positionId: string }> {
    return this.cli('open', '--symbol', 'BTC/USD', '--notional', '250', '--wait', 'opened', ...args);
  }

  /** As `holdfast positions --json` gives them, without its process. */
  async positions(status: 'open' | 'closed' | 'all' = 'open'): Promise<PositionView[]> {
    const rows = await createLedgerReader(this.#database).positions({ status });
    return rows.map((row) => positionView(row, { nowMs: Date.now() }));
  }

  async sql(text: string, values: unknown[] = []): Promise<Record<string, unknown>[]> {
    return (await this.#database.query<Record<string, unknown>>(text, values)).rows;
  }

  /** The rows of a position, gone at one blow, as by a restore of an old backup. */
  async deleteRows(positionId: string): Promise<void> {
    for (const [table, column] of [
      ['TradeOutcome', 'positionId'],
      ['LiveTrade', 'positionId'],
      ['LivePosition', 'positionId'],
    ]) {
      await this.sql(`DELETE FROM "${table}" WHERE "${column}" = $1`, [positionId]);
    }
    await this.sql('BEGIN');
    await this.sql('DELETE FROM "ManagedTrade" WHERE "positionId" = $1', [positionId]);
    await this.sql('DELETE FROM "ManagedPosition" WHERE "id" = $1', [positionId]);
    await this.sql('COMMIT');
  }

  state(tradeId: string): Promise<TradeState> {
    return this.client.state(tradeId);
  }

  /** Of the activity that a running workflow has under way; 0 while there is none. */
  async attempts(workflowId: string): Promise<number> {
    const { raw } = await this.temporal.workflow.getHandle(workflowId).describe();
    return raw.pendingActivities?.[0]?.attempt ?? 0;
  }

  /** Ids of the trades that run. */
  async running(): Promise<string[]> {
    return (await this.client.runningTradeIds()).map(tradeWorkflowId);
  }

  /** Straight on the exchange, past everything of ours; answers the order's id. */
  async place(order: PlacedByHand): Promise<string> {
    const { symbol, side, quantity, workflowId, leg = 'entry', limitPrice, leverage } = order;
    for (;;) {
      const outcome = await this.exchange.submit(
        {
          clientOrderId:
            workflowId === undefined ? `hand${Date.now() % 1e9}` : clientOrderId(workflowId, leg),
          symbol,
          side,
          type: limitPrice === undefined ? 'market' : 'limit',
          quantity,
          ...(limitPrice === undefined ? {} : { limitPrice }),
          ...(leverage === undefined ? {} : { leverage }),
          deadlineMs: Date.now() + 10_000,
        },
        'exit',
      );
      if (outcome.kind === 'accepted') return outcome.exchangeOrderId;
      // The worker uses the same key: its nonce may just have been higher.
      if (outcome.kind === 'refused' && outcome.code.includes('nonce')) continue;
      throw new Error(`the order was not accepted: ${JSON.stringify(outcome)}`);
    }
  }

  async balance(asset: string): Promise<string> {
    const balances = await this.exchange.balances('exit');
    return balances.find((each) => each.asset === asset)?.total ?? '0';
  }

  /** The first page, 50 entries. Asks with higher nonces than `exchange`, which is refused afterwards. */
  async ledger(): Promise<BookedEntry[]> {
    const { exchangeUrl: url } = this.#up.ready;
    const { KRAKEN_API_KEY: key = '', KRAKEN_API_SECRET: secret = '' } = await paperKeys(url, -1);
    const client = new PaperClient({ url, key, secret });
    const { trades } = await client.ok('TradesHistory');
    const { ledger } = await client.ok('Ledgers');
    return Object.values(ledger).map(({ refid, asset, amount, fee }) => {
      return { orderId: trades[refid]?.ordertxid ?? '', asset, amount, fee };
    });
  }
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  await vi.waitUntil(holds, { timeout: 60_000, interval: 100 });
}
