import { MockActivityEnvironment } from '@temporalio/testing';
import pino from 'pino';
import { openDatabase } from '../../db/data-source.ts';
import { createRepositories } from '../../db/repositories/index.ts';
import { createReserveActivities, type Reservation } from '../../src/activities/reserve.ts';
import { NO_PROTECTIONS, type Protections } from '../../src/domain/protections.ts';
import { NO_LIMITS, type RiskLimits } from '../../src/domain/risk.ts';
import type { Exchange, Instrument } from '../../src/exchange/port.ts';
import type { TradeRequest } from '../../src/workflows/messages.ts';
import { tradeWorkflowId } from '../../src/workflows/trade-id.ts';

/**
 * A worker that only reserves, as a process of its own: `node --import tsx reserve-process.ts DATABASE`. It says
 * `ready`; for each message it is sent it reserves everything at once and answers.
 */

export type Rules = Partial<RiskLimits> & Partial<Protections>;

export interface ReserveOrder {
  readonly rules: Rules;
  readonly requests: readonly TradeRequest[];
  readonly price: string;
  readonly nowMs: number;
}

export interface Answered {
  readonly tradeId: string;
  readonly symbol: string;
  readonly answer: Reservation;
}

const [databaseUrl = ''] = process.argv.slice(2);
const database = await openDatabase(databaseUrl, { poolSize: 4 });
const { ledger, learning, reader, signals } = createRepositories(database);

process.on('message', (order: ReserveOrder) => {
  void reserveAll(order).then((answers) => process.send?.(answers));
});
process.on('disconnect', () => process.exit());
process.send?.('ready');

function reserveAll({ rules, requests, price, nowMs }: ReserveOrder): Promise<Answered[]> {
  const activities = createReserveActivities({
    exchange: exchangeAt(price, nowMs, [...new Set(requests.map(({ symbol }) => symbol))]),
    accountCurrency: 'USD',
    ledger,
    learning,
    reader,
    signals,
    client: { giveWay: async () => null },
    limits: pick(NO_LIMITS, rules),
    protections: pick(NO_PROTECTIONS, rules),
    settings: { listingLagMs: 0, persistBudgetMs: 1_000, entryRestMs: 1_000, partialRestMs: 1_000 },
    timeScale: 1,
    now: () => nowMs,
    log: pino({ level: 'silent' }),
  });
  return Promise.all(
    requests.map(async (request) => {
      const { tradeId, symbol } = request;
      const environment = new MockActivityEnvironment({
        workflowExecution: { workflowId: tradeWorkflowId(tradeId), runId: 'run' },
      });
      const ask = () => activities.reserve(request);
      const answer = await asTemporalWould(() => environment.run<[], Reservation, typeof ask>(ask));
      return { tradeId, symbol, answer };
    }),
  );
}

/** A worker that gets no connection in time fails its activity, which is tried again. */
async function asTemporalWould<T>(activity: () => Promise<T>): Promise<T> {
  for (let attempts = 1; ; attempts += 1) {
    try {
      return await activity();
    } catch (error) {
      if (attempts === 10) throw error;
    }
  }
}

/** The rules of one kind, with what is not named switched off. */
function pick<T extends object>(off: T, rules: Rules): T {
  const named = Object.entries(rules).filter(([name]) => name in off);
  return { ...off, ...Object.fromEntries(named) };
}

/** Answers at once and alike: the paper exchange's call limits would keep 200 entries from being at once. */
function exchangeAt(price: string, nowMs: number, listed: readonly string[]): Exchange {
  return {
    instruments: async () => listed.map(instrument),
    quotes: async (symbols: readonly string[]) =>
      symbols.map((symbol) => ({
        symbol,
        bid: price,
        ask: price,
        last: price,
        receivedAtMs: nowMs,
        via: 'request' as const,
      })),
    candles: async () => [],
    balances: async () => [{ asset: 'USD', total: '10000', held: '0' }],
  } satisfies Partial<Exchange> as unknown as Exchange;
}

function instrument(symbol: string): Instrument {
  return {
    symbol,
    base: symbol.split('/')[0]!,
    quote: 'USD',
    priceDecimals: 2,
    quantityDecimals: 8,
    tickSize: '0.01',
    minQuantity: '0.0001',
    minCost: '0.5',
    takerFee: 0.004,
    shortLeverages: [],
    tradable: true,
  };
}
