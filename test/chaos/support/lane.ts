import { randomBytes } from 'node:crypto';
import { WorkflowNotFoundError } from '@temporalio/client';
import { pino } from 'pino';
import { HoldfastClient } from '../../../src/client.ts';
import { startNodeChild, type LogLine, type NodeChild } from '../../../src/embedded/node-child.ts';
import type { Side } from '../../../src/domain/position.ts';
import { modernAsset } from '../../../src/domain/symbols.ts';
import { createKrakenExchange, type KrakenExchange } from '../../../src/exchange/kraken/kraken-exchange.ts';
import { PAIR_ROWS } from '../../../src/exchange/paper/pair-table.ts';
import { findPair } from '../../../src/exchange/paper/pairs.ts';
import { startPaperExchange, type PaperExchange } from '../../../src/exchange/paper/server.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { PaperControl } from '../../support/paper-control.ts';
import { createTestNamespace, type TestNamespace } from '../../support/temporal-namespace.ts';
import { bareEnvironment } from '../../support/up.ts';

/** How many workers a lane may see in its life. */
const KEYS = 40;
/** The policy's minutes shrink, and with them how long the rest of a limit order may rest. */
export const TIME_SCALE = 10;

const SPOT_USD = PAIR_ROWS.filter(([, quote]) => quote === 'ZUSD').map(
  ([base, , decimals, , , , , price]) => {
    const pair = findPair(`${modernAsset(base)}/USD`);
    if (!pair) throw new Error(`${base} is not listed against USD`);
    return { symbol: pair.symbol, decimals, price };
  },
);

/** A price rounded as the pair wants it. */
const rounded = (price: number, decimals: number) => price.toFixed(decimals);

/**
 * One exchange, one database, one namespace and the workers of one story. Each worker has an API key of
 * its own, as every process must: nonces of one key would decide what the deadline has to.
 */
export class Lane {
  readonly paper: PaperControl;
  readonly client: HoldfastClient;
  readonly temporal: TestNamespace;
  readonly #exchange: PaperExchange;
  readonly #database: TestDatabase;
  readonly #keys: readonly { key: string; secret: string }[];
  readonly #workers: NodeChild[] = [];
  readonly #log: LogLine[] = [];
  #nextSymbol = 0;

  private constructor(
    parts: { exchange: PaperExchange; database: TestDatabase; temporal: TestNamespace },
    keys: readonly { key: string; secret: string }[],
  ) {
    this.#exchange = parts.exchange;
    this.#database = parts.database;
    this.temporal = parts.temporal;
    this.#keys = keys;
    this.paper = new PaperControl(parts.exchange.url);
    this.client = new HoldfastClient(parts.temporal.client);
  }

  static async open(): Promise<Lane> {
    const keys = Array.from({ length: KEYS }, (_, index) => ({
      key: `worker-${index + 1}`,
      secret: randomBytes(64).toString('base64'),
    }));
    const [exchange, database, temporal] = await Promise.all([
      startPaperExchange({
        port: 0,
        journalFile: null,
        market: { source: 'manual' },
        balances: { ZUSD: '1000000' },
        tier: 'unlimited',
        keys,
      }),
      createTestDatabase(),
      createTestNamespace(),
    ]);
    return new Lane({ exchange, database, temporal }, keys);
  }

  /** The newest worker; the only one that is up, unless an older one is frozen. */
  get worker(): NodeChild {
    const newest = this.#workers.at(-1);
    if (!newest) throw new Error('no worker was started');
    return newest;
  }

  get exchangeUrl(): string {
    return this.#exchange.url;
  }

  get exchangeWsUrl(): string {
    return this.#exchange.wsUrl;
  }

  get databaseUrl(): string {
    return this.#database.url;
  }

  get hasWorker(): boolean {
    return this.#workers.length > 0;
  }

  async startWorker(variables: NodeJS.ProcessEnv = {}): Promise<NodeChild> {
    const key = this.#keys[this.#workers.length];
    if (!key) throw new Error(`a lane has ${KEYS} keys at most`);
    const worker = await startNodeChild({
      name: key.key,
      args: ['worker'],
      readyWithinMs: 180_000,
      env: {
        ...bareEnvironment(),
        TEMPORAL_ADDRESS: this.temporal.address,
        TEMPORAL_NAMESPACE: this.temporal.namespace,
        DATABASE_URL: this.#database.url,
        KRAKEN_API_URL: this.exchangeUrl,
        KRAKEN_WS_URL: this.#exchange.wsUrl,
        KRAKEN_API_KEY: key.key,
        KRAKEN_API_SECRET: key.secret,
        PREDICTION_URL: 'none',
        HOLDFAST_TIME_SCALE: String(TIME_SCALE),
        HOLDFAST_MAX_OPEN_POSITIONS: '1000',
        ...variables,
      },
      onLog: (line) => this.#log.push({ worker: key.key, ...line }),
    });
    this.#workers.push(worker);
    return worker;
  }

  /** A second hand on the account, past everything of ours. */
  byHand(): KrakenExchange {
    const key = this.#keys.at(-1);
    if (!key) throw new Error('a lane has no keys');
    return createKrakenExchange({ restUrl: this.exchangeUrl, ...key, log: pino({ level: 'silent' }) });
  }

  /** What workers said about a trade, for people who read why a test failed. */
  story(tradeId: string): string {
    return this.#log
      .filter((line) => line.tradeId === tradeId)
      .map(
        ({ worker, time, msg, outcome }) =>
          `${String(time)} ${String(worker)} ${String(msg)} ${outcome === undefined ? '' : JSON.stringify(outcome)}`,
      )
      .join('\n');
  }

  /** By Temporal: no lease of this worker runs any more. */
  async hasLostLease(worker: NodeChild): Promise<boolean> {
    const running = this.temporal.client.workflow.list({
      query: `WorkflowType = 'guard' AND ExecutionStatus = 'Running'`,
    });
    for await (const { workflowId } of running) if (workflowId.includes(`-${worker.pid}-`)) return false;
    return true;
  }

  isAlive({ pid }: NodeChild): boolean {
    return isAlive(pid);
  }

  linesOf(worker: NodeChild, event: string): number {
    return this.#log.filter((line) => line.pid === worker.pid && line.event === event).length;
  }

  /** A pair that this lane has not traded yet, quoted at its usual price. */
  async freshSymbol(): Promise<{
    symbol: string;
    price: string;
    /** Quotes it at so many times its usual price. */
    move: (times: number) => Promise<void>;
    takeProfit: () => Promise<void>;
  }> {
    const pair = SPOT_USD[this.#nextSymbol % SPOT_USD.length];
    if (!pair) throw new Error('no pair is listed');
    this.#nextSymbol += 1;
    const { symbol, decimals } = pair;
    const price = rounded(Number(pair.price), decimals);
    const move = (times: number) => {
      const moved = rounded(Number(pair.price) * times, decimals);
      return this.paper.price(symbol, moved, moved);
    };
    await move(1);
    return { symbol, price, move, takeProfit: () => move(1.6) };
  }

  /** By a limit at that price, else at market. */
  async openTrade(
    tradeId: string,
    symbol: string,
    { limit = null, side = 'long' }: { limit?: string | null; side?: Side } = {},
  ): Promise<void> {
    await this.client.openTrade({
      tradeId,
      symbol,
      side,
      notional: '200',
      order: limit === null ? { type: 'market' } : { type: 'limit', price: limit },
      strategy: 'protocol test',
      signal: { source: 'protocol test', confidence: 1, asOfMs: Date.now(), ttlMs: 300_000 },
    });
  }

  /** By a signal, which needs no worker: it waits in the trade until somebody goes on with it. */
  async forceExit(tradeId: string): Promise<void> {
    const handle = this.temporal.client.workflow.getHandle(`trade-${tradeId}`);
    await handle.signal('forceExit', { reason: 'protocol test' }).catch((error: unknown) => {
      // A trade that was given up has nothing left to exit.
      if (!(error instanceof WorkflowNotFoundError)) throw error;
    });
  }

  async close(): Promise<void> {
    await Promise.all(
      this.#workers.map(async (worker) => {
        if (isAlive(worker.pid)) await worker.kill();
      }),
    );
    await this.temporal.close();
    await this.#exchange.close();
    await this.#database.drop();
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
