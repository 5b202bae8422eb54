import { setTimeout as delay } from 'node:timers/promises';
import type { Policy } from '../../src/domain/exit-policy.ts';
import { divide, roundDown } from '../../src/domain/money.ts';
import { openRecords } from '../../src/domain/records.ts';
import { STARTING_THRESHOLDS } from '../../src/domain/thresholds.ts';
import { tradeFacts } from '../../src/domain/trade-facts.ts';
import { minimumsOf } from '../../src/backtest/fills.ts';
import { clientOrderId } from '../../src/exchange/client-order-id.ts';
import { createKrakenExchange, type KrakenExchange } from '../../src/exchange/kraken/kraken-exchange.ts';
import type { Pair } from '../../src/exchange/paper/pairs.ts';
import { TASK_QUEUE } from '../../src/client.ts';
import { tradeWorkflowId } from '../../src/workflows/trade-id.ts';
import { openPosition } from '../../src/workflows/enter.ts';
import { tradeStart } from '../../src/workflows/trade-start.ts';
import { newTradeState } from '../../src/workflows/trade-state.ts';
import type { EntryPlan, OpenPosition, TradeInput, TradeRequest } from '../../src/workflows/messages.ts';
import { openDatabase } from '../../db/data-source.ts';
import { createRepositories } from '../../db/repositories/index.ts';
import type { KnownIntent } from '../../db/repositories/ledger.ts';
import { inParallel } from '../../src/in-parallel.ts';
import { BENCH_KEYS, type BenchServers } from './servers.ts';

/** A position to be opened; the exchange really holds what its entry bought. */
export interface Wanted {
  readonly tradeId: string;
  readonly pair: Pair;
  /** Where its emergency stop exits, as a fraction of the pair's start price, whatever its entry came to. */
  readonly exitsAt: number;
}

const NOTIONAL = '60';
/** As far apart as the policy allows, so that nothing but the emergency stop ends a position. */
const HELD = { ...STARTING_THRESHOLDS, minHoldTimeMinutes: 60 };

/**
 * Opens positions quickly: the entry orders are placed on the exchange by several keys at once, rows are written
 * in bulk, and each trade begins in the state that a position taken over by reconciliation begins in.
 */
export class PositionOpener {
  readonly #servers: BenchServers;
  readonly #lanes: readonly KrakenExchange[];

  private constructor(servers: BenchServers, lanes: readonly KrakenExchange[]) {
    this.#servers = servers;
    this.#lanes = lanes;
  }

  static async create(servers: BenchServers): Promise<PositionOpener> {
    const keys = (await servers.exchange.keys()).slice(-BENCH_KEYS);
    const silent = () => undefined;
    const log = { debug: silent, info: silent, warn: silent, error: silent };
    const lanes = keys.map((key) =>
      createKrakenExchange({ restUrl: servers.exchange.url, ...key, tier: 'unlimited', log }),
    );
    return new PositionOpener(servers, lanes);
  }

  close(): void {
    for (const lane of this.#lanes) lane.close();
  }

  /** Resolves when the exchange holds them, the rows are there, and their workflows were started. */
  async open(
    wanted: readonly Wanted[],
    workflowType: 'trade' | 'pollingTrade' = 'trade',
  ): Promise<TradeInput[]> {
    const reconcile = this.#servers.temporal.schedule.getHandle('reconcile');
    // These positions come to be as none of Holdfast's do, and for a moment none of the three views knows them all.
    await reconcile.pause();
    while (await this.#isReconciling()) await delay(250);
    const inputs = await inParallel(wanted, this.#lanes.length, (each, index) =>
      this.#enter(each, this.#lanes[index % this.#lanes.length]!),
    );
    await this.#writeRows(inputs);
    await inParallel(inputs, 20, (input) =>
      this.#servers.temporal.workflow.start(workflowType, {
        ...tradeStart(input),
        taskQueue: TASK_QUEUE,
      }),
    );
    // To reconciliation a polling trade is none: it would take each of their positions over.
    if (workflowType === 'trade') await reconcile.unpause();
    return inputs;
  }

  async #isReconciling(): Promise<boolean> {
    const { count } = await this.#servers.temporal.workflow.count(
      `WorkflowType = 'reconcile' AND ExecutionStatus = 'Running'`,
    );
    return count > 0;
  }

  async #enter({ tradeId, pair, exitsAt }: Wanted, lane: KrakenExchange): Promise<TradeInput> {
    const workflowId = tradeWorkflowId(tradeId);
    const quantity = roundDown(divide(NOTIONAL, pair.startPrice), pair.lotDecimals);
    const outcome = await lane.submit(
      {
        clientOrderId: clientOrderId(workflowId, 'entry'),
        symbol: pair.symbol,
        side: 'buy',
        type: 'market',
        quantity,
        deadlineMs: Date.now() + 30_000,
      },
      'entry',
    );
    if (outcome.kind !== 'accepted') throw new Error(`no entry for ${tradeId}: ${JSON.stringify(outcome)}`);
    const order = await lane.order(outcome.exchangeOrderId, 'entry');
    const position =
      order && openPosition({ exchangeOrderId: order.exchangeOrderId, isFinished: true, fills: order.fills });
    if (!position) throw new Error(`the entry of ${tradeId} did not fill`);
    const request: TradeRequest = {
      tradeId,
      symbol: pair.symbol,
      side: 'long',
      notional: NOTIONAL,
      order: { type: 'market' },
      strategy: 'bench',
      signal: { source: 'bench', confidence: 1, asOfMs: Date.now(), ttlMs: 60_000 },
    };
    const emergencyLossStop = (Number(pair.startPrice) * exitsAt) / Number(position.entry.averagePrice) - 1;
    const policy = { version: 1, thresholds: { ...HELD, emergencyLossStop }, timeScale: 1 };
    return { request, resume: openState(request, planOf(pair, quantity, policy), position) };
  }

  async #writeRows(inputs: readonly TradeInput[]): Promise<void> {
    const database = await openDatabase(this.#servers.databaseUrl);
    try {
      const { ledger } = createRepositories(database);
      await inParallel(inputs, 10, async ({ resume }) => {
        if (!resume?.plan || !resume.position) return;
        await ledger.recordIntent(entryIntent(resume.request, resume.plan, resume.position));
        await ledger.persistOpen(openRecords(tradeFacts(resume, resume.plan, resume.position)));
      });
    } finally {
      await database.destroy();
    }
  }
}

function entryIntent(
  { tradeId, symbol }: TradeRequest,
  plan: EntryPlan,
  position: OpenPosition,
): KnownIntent {
  const workflowId = tradeWorkflowId(tradeId);
  return {
    clOrdId: clientOrderId(workflowId, 'entry'),
    workflowId,
    tradeId,
    leg: 'entry',
    symbol,
    side: 'buy',
    orderType: 'market',
    quantity: plan.quantity,
    limitPrice: null,
    status: 'accepted',
    krakenOrderId: position.entryOrderId,
  };
}

function planOf(pair: Pair, quantity: string, policy: Policy): EntryPlan {
  return {
    quantity,
    quotePrice: pair.startPrice,
    policy,
    volatilityScale: 1,
    roundTripFee: 0.0052,
    tickSize: pair.tickSize,
    minimums: minimumsOf(pair),
    leverage: null,
    equity: '1000000',
    settings: { listingLagMs: 1_000, persistBudgetMs: 120_000, entryRestMs: 300_000, partialRestMs: 30_000 },
    marketConditions: {},
  };
}

function openState(request: TradeRequest, plan: EntryPlan, position: OpenPosition) {
  const state = newTradeState(request);
  return { ...state, stage: 'open' as const, plan, position, persistence: 'confirmed' as const };
}
