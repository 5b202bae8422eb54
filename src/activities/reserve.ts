import { REFERENCE_VOLATILITY, VOLATILITY_CANDLES } from '../domain/entry.ts';
import { ACCOUNT_CURRENCY } from '../domain/equity.ts';
import type { Decimal } from '../domain/money.ts';
import type { Protections } from '../domain/protections.ts';
import type { RiskLimits } from '../domain/risk.ts';
import { logReturnDeviation, sizeOrder, volatilityScale, type OrderMinimums } from '../domain/sizing.ts';
import { quoteAsset } from '../domain/symbols.ts';
import { clientOrderId } from '../exchange/client-order-id.ts';
import { entryOrderSide } from '../domain/position.ts';
import type { Exchange, Instrument } from '../exchange/port.ts';
import type { EntryPlan, TradeRequest, TradeSettings } from '../workflows/messages.ts';
import type { Ledger } from '../../db/repositories/ledger.ts';
import type { LearningStore } from '../../db/repositories/learning.ts';
import type { LedgerReader } from '../../db/repositories/reader.ts';
import type { Logger } from '../logging.ts';
import { readAccount } from './account.ts';
import { workflowExecution } from './orders.ts';

export type Reservation =
  | { readonly kind: 'reserved'; readonly plan: EntryPlan }
  | { readonly kind: 'rejected'; readonly message: string };

export interface ReserveDependencies {
  readonly exchange: Exchange;
  readonly ledger: Pick<Ledger, 'reserve' | 'releaseReservation'>;
  readonly learning: Pick<LearningStore, 'active'>;
  readonly reader: Pick<LedgerReader, 'hasOpenShort'>;
  readonly limits: RiskLimits;
  readonly protections: Protections;
  readonly settings: TradeSettings;
  readonly timeScale: number;
  readonly now: () => number;
  readonly log: Logger;
}

export function createReserveActivities(dependencies: ReserveDependencies) {
  const { ledger, limits, protections, log, now } = dependencies;
  return {
    /** One transaction under a lock: limits and protections checked, capital reserved, entry intent written. */
    async reserve(request: TradeRequest): Promise<Reservation> {
      const { workflowId } = workflowExecution();
      const planned = await planEntry(dependencies, request);
      if (planned.kind === 'rejected') return reject(log, request, planned.message);
      const { plan, notional, accountEquity } = planned;
      const answer = await ledger.reserve({
        tradeId: request.tradeId,
        symbol: request.symbol,
        side: request.side,
        notional,
        equity: plan.equity,
        accountEquity,
        limits,
        protections,
        signalExpiresAtMs: request.signal.asOfMs + request.signal.ttlMs,
        intent: {
          tradeId: request.tradeId,
          workflowId,
          leg: 'entry',
          clOrdId: clientOrderId(workflowId, 'entry'),
          symbol: request.symbol,
          side: entryOrderSide(request.side),
          orderType: request.order.type,
          quantity: plan.quantity,
          limitPrice: request.order.type === 'limit' ? request.order.price : null,
        },
        nowMs: now(),
      });
      if (answer.kind === 'rejected') return reject(log, request, answer.message);
      log.info(
        {
          tradeId: request.tradeId,
          event: 'reserved',
          symbol: request.symbol,
          side: request.side,
          quantity: plan.quantity,
        },
        `reserved ${notional} for ${request.side} ${request.symbol}`,
      );
      return { kind: 'reserved', plan };
    },

    async releaseReservation(release: { tradeId: string; reason: string }): Promise<void> {
      await ledger.releaseReservation(release.tradeId, release.reason);
    },
  };
}

function reject(log: Logger, request: TradeRequest, message: string): Reservation {
  log.warn({ tradeId: request.tradeId, event: 'rejected', symbol: request.symbol }, `rejected: ${message}`);
  return { kind: 'rejected', message };
}

type Planned =
  | {
      readonly kind: 'planned';
      readonly plan: EntryPlan;
      readonly notional: Decimal;
      readonly accountEquity: Decimal;
    }
  | { readonly kind: 'rejected'; readonly message: string };

async function planEntry(dependencies: ReserveDependencies, request: TradeRequest): Promise<Planned> {
  const { exchange, learning, reader, settings, timeScale } = dependencies;
  const instrument = (await exchange.instruments()).find(({ symbol }) => symbol === request.symbol);
  if (!instrument)
    return { kind: 'rejected', message: `symbol ${request.symbol} is not listed on the exchange` };
  if (!instrument.tradable)
    return { kind: 'rejected', message: `symbol ${request.symbol} can't be traded now` };
  const leverage = request.side === 'short' ? Math.min(...instrument.shortLeverages) : null;
  if (leverage === Infinity)
    return { kind: 'rejected', message: `symbol ${request.symbol} can't be sold short` };

  const [quote] = await exchange.quotes([request.symbol]);
  if (!quote) return { kind: 'rejected', message: `symbol ${request.symbol} has no quote` };
  const quotePrice = request.side === 'long' ? quote.ask : quote.bid;
  const price = request.order.type === 'limit' ? request.order.price : quotePrice;
  const minimums = orderMinimums(instrument);
  const sized = sizeOrder(minimums, request.notional, price);
  if ('refusal' in sized) return { kind: 'rejected', message: sized.refusal };

  const version = await learning.active();
  const sigma = await volatility(exchange, request.symbol, timeScale);
  const scale = volatilityScale(sigma, REFERENCE_VOLATILITY, version.thresholds.volatilityAdjustmentFactor);
  const question = { priority: 'entry', mayHoldMargin: await reader.hasOpenShort() } as const;
  const currency = quoteAsset(request.symbol);
  const account = await readAccount(exchange, { ...question, currency, known: quote });
  const { equity: accountEquity } =
    currency === ACCOUNT_CURRENCY
      ? account
      : await readAccount(exchange, { ...question, currency: ACCOUNT_CURRENCY });
  return {
    kind: 'planned',
    notional: sized.notional,
    accountEquity,
    plan: {
      quantity: sized.quantity,
      quotePrice,
      policy: { version: version.version, thresholds: version.thresholds, timeScale },
      volatilityScale: scale,
      roundTripFee: 2 * instrument.takerFee,
      tickSize: instrument.tickSize,
      minimums,
      leverage,
      equity: account.equity,
      settings,
      marketConditions: {
        bid: quote.bid,
        ask: quote.ask,
        sigma,
        volatilityScale: scale,
        source: request.signal.source,
      },
    },
  };
}

export function orderMinimums(instrument: Instrument): OrderMinimums {
  const { symbol, base, quote, quantityDecimals, minQuantity, minCost } = instrument;
  return { symbol, base, quote, quantityDecimals, minQuantity, minCost };
}

/** Only scales thresholds; a market whose candles can't be had counts as ordinary. */
async function volatility(exchange: Exchange, symbol: string, timeScale: number): Promise<number> {
  try {
    const candles = await exchange.candles(symbol, 60_000 / timeScale, VOLATILITY_CANDLES);
    return logReturnDeviation(candles.map((candle) => candle.close));
  } catch {
    return 0;
  }
}
