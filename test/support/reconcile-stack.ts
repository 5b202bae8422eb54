import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Client, Connection } from '@temporalio/client';
import pg from 'pg';
import { pino } from 'pino';
import type { AuditedFinding } from '../../src/activities/reconcile.ts';
import { paperKeys } from '../../src/embedded/stack-children.ts';
import { clientOrderId } from '../../src/exchange/client-order-id.ts';
import { createKrakenExchange, type KrakenExchange } from '../../src/exchange/kraken/kraken-exchange.ts';
import type { OrderSide } from '../../src/domain/position.ts';
import type { PositionView } from '../../src/views/position-view.ts';
import type { TradeState } from '../../src/workflows/messages.ts';
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

/** A whole stack, and a second hand on its exchange account, its database and its Temporal. */
export class ReconcileStack {
  readonly root: string;
  #up: Up;
  readonly #variables: NodeJS.ProcessEnv;
  readonly #portBase: number;
  paper!: PaperControl;
  exchange!: KrakenExchange;
  #database!: pg.Client;
  #connection!: Connection;
  temporal!: Client;

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
    const { KRAKEN_API_KEY: key = '', KRAKEN_API_SECRET: secret = '' } = await paperKeys(ready.exchangeUrl);
    this.exchange = createKrakenExchange({
      restUrl: ready.exchangeUrl,
      key,
      secret,
      log: pino({ level: 'silent' }),
    });
    this.#database = new pg.Client(ready.databaseUrl);
    this.#database.on('error', () => undefined);
    await this.#database.connect();
    this.#connection = await Connection.connect({ address: ready.temporalAddress });
    this.temporal = new Client({ connection: this.#connection });
  }

  async #disconnect(): Promise<void> {
    this.exchange.close();
    await this.#database.end();
    await this.#connection.close();
  }

  /** Stops everything in order, does something to its data, and starts it again. */
  async restart(meanwhile: (root: string) => Promise<unknown>): Promise<void> {
    await this.#disconnect();
    this.#up.signalGroup('SIGINT');
    await this.#up.ended;
    await meanwhile(this.root);
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
    return (await this.cli<{ findings: Found[] }>('reconcile')).findings;
  }

  open(...args: string[]): Promise<{ tradeId: string; workflowId: string; positionId: string }> {
    return this.cli('open', '--symbol', 'BTC/USD', '--notional', '250', '--wait', 'opened', ...args);
  }

  positions(status = 'open'): Promise<PositionView[]> {
    return this.cli('positions', '--status', status);
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
    return this.temporal.workflow.getHandle(`trade-${tradeId}`).query<TradeState>('state');
  }

  /** Ids of the trades that run. */
  async running(): Promise<string[]> {
    const found: string[] = [];
    const query = `WorkflowType = 'trade' AND ExecutionStatus = 'Running'`;
    for await (const { workflowId } of this.temporal.workflow.list({ query })) found.push(workflowId);
    return found;
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
}
