import { setTimeout as delay } from 'node:timers/promises';
import { WorkflowFailedError, type Client } from '@temporalio/client';
import { HoldfastClient } from '../../../src/client.ts';
import { tradeWorkflowId } from '../../../src/workflows/trade-id.ts';
import type { PlannedTrade } from './plan.ts';
import type { StormMarket } from './market.ts';

/** Trades under way at once. */
const AT_ONCE = 24;
const RETRY_MS = 500;
/** Long, so that an outage delays entries more often than it rejects them. */
const SIGNAL_TTL_MS = 60_000;

export interface TradersOptions {
  readonly temporal: Client;
  readonly market: StormMarket;
  /** Least, after each trade. */
  readonly pauseMs: number;
  /** Called with the number of trades opened so far, after each. */
  readonly onOpened: (opened: number) => void;
}

/** Opens the planned trades, some at a time, and demands the exits that the plan wants. */
export class Traders {
  readonly #options: TradersOptions;
  readonly #client: HoldfastClient;
  readonly #ends = new Map<string, string>();
  readonly #demandedAtMs = new Map<string, number>();
  readonly #watching = new Map<string, Promise<void>>();
  #isOver = false;

  constructor(options: TradersOptions) {
    this.#options = options;
    this.#client = new HoldfastClient(options.temporal);
  }

  /** How trades ended: a stage, or `failed`. */
  get ends(): ReadonlyMap<string, string> {
    return this.#ends;
  }

  /** When the plan's own exits were demanded, epoch ms. */
  get demandedAtMs(): ReadonlyMap<string, number> {
    return this.#demandedAtMs;
  }

  get underWay(): string[] {
    return [...this.#watching.keys()].filter((tradeId) => !this.#ends.has(tradeId));
  }

  async openAll(trades: readonly PlannedTrade[]): Promise<void> {
    for (const [index, trade] of trades.entries()) {
      while (this.underWay.length >= AT_ONCE) await delay(50);
      await this.#open(trade);
      this.#watching.set(trade.tradeId, this.#follow(trade));
      if (trade.exitAfterMs !== null) void this.#demandExit(trade.tradeId, trade.exitAfterMs);
      this.#options.onOpened(index + 1);
      await delay(this.#options.pauseMs);
    }
  }

  /** No more exits are demanded. */
  stop(): void {
    this.#isOver = true;
  }

  async #open({ tradeId, symbol, side, notional, limitOffset }: PlannedTrade): Promise<void> {
    const { market } = this.#options;
    const away = side === 'long' ? -1 : 1;
    await this.#until(() =>
      this.#client.openTrade({
        tradeId,
        symbol,
        side,
        notional,
        order:
          limitOffset === null
            ? { type: 'market' }
            : { type: 'limit', price: market.price(symbol, away * limitOffset) },
        strategy: 'storm',
        signal: { source: 'storm', confidence: 1, asOfMs: Date.now(), ttlMs: SIGNAL_TTL_MS },
      }),
    );
  }

  async #follow({ tradeId }: PlannedTrade): Promise<void> {
    const end = await this.#until(async () => {
      try {
        return (await this.#client.result(tradeId)).stage;
      } catch (error) {
        if (error instanceof WorkflowFailedError) return 'failed';
        throw error;
      }
    });
    if (end !== null) this.#ends.set(tradeId, end);
  }

  /** By a signal: it needs no worker and waits in the trade until somebody goes on with it. */
  async #demandExit(tradeId: string, afterMs: number): Promise<void> {
    await delay(afterMs);
    await this.#until(async () => {
      if (this.#ends.has(tradeId)) return;
      const handle = this.#options.temporal.workflow.getHandle(tradeWorkflowId(tradeId));
      const { status } = await handle.describe();
      if (status.name !== 'RUNNING') return;
      await handle.signal('forceExit', { reason: 'storm' });
      this.#demandedAtMs.set(tradeId, Date.now());
    });
  }

  /** Temporal may be away: asks until it answers, or the storm is over. */
  async #until<T>(ask: () => Promise<T>): Promise<T | null> {
    while (!this.#isOver) {
      try {
        return await ask();
      } catch {
        await delay(RETRY_MS);
      }
    }
    return null;
  }
}
