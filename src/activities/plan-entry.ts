import { VOLATILITY_CANDLES } from '../domain/entry.ts';
import type { Decimal } from '../domain/money.ts';
import {
  logReturnDeviation,
  sizeOrder,
  volatilityRatio,
  volatilityScale,
  type OrderMinimums,
} from '../domain/sizing.ts';
import { quoteAsset } from '../domain/symbols.ts';
import type { Exchange, Instrument } from '../exchange/port.ts';
import type { EntryPlan, TradeRequest, TradeSettings } from '../workflows/messages.ts';
import type { LearningStore } from '../../db/repositories/learning.ts';
import type { LedgerReader } from '../../db/repositories/reader.ts';
import { readAccount } from './account.ts';

export interface PlanDependencies {
  readonly exchange: Exchange;
  readonly accountCurrency: string;
  readonly reader: Pick<LedgerReader, 'hasOpenShort'>;
  readonly settings: TradeSettings;
  readonly timeScale: number;
}

/** The thresholds that a new trade pins. */
export type ActiveThresholds = Pick<Awaited<ReturnType<LearningStore['active']>>, 'version' | 'thresholds'>;

export interface PlannedEntry {
  readonly kind: 'planned';
  readonly plan: EntryPlan;
  readonly notional: Decimal;
  /** What the account is worth, in its own currency. */
  readonly accountEquity: Decimal;
  /** Cash that nothing holds, quote currency; null for a short, which needs margin instead. */
  readonly freeCash: Decimal | null;
  /** Standard deviation of one-minute log returns; 0 where it is not known. */
  readonly sigma: number;
  readonly takerFee: number;
}

/** Why there can be no such order, whatever the limits allow. */
export interface ImpossibleEntry {
  readonly kind: 'impossible';
  readonly limit: 'not-tradable' | 'no-short-sale' | 'no-quote' | 'order-minimum';
  readonly message: string;
}

/** The order that the request comes to by today's instruments, quotes and volatility, and what the account has for it. */
export async function planEntry(
  { exchange, accountCurrency, reader, settings, timeScale }: PlanDependencies,
  request: TradeRequest,
  active: ActiveThresholds,
): Promise<PlannedEntry | ImpossibleEntry> {
  const instrument = (await exchange.instruments()).find(({ symbol }) => symbol === request.symbol);
  if (!instrument)
    return impossible('not-tradable', `symbol ${request.symbol} is not listed on the exchange`);
  if (!instrument.tradable) return impossible('not-tradable', `symbol ${request.symbol} can't be traded now`);
  const leverage = request.side === 'short' ? Math.min(...instrument.shortLeverages) : null;
  if (leverage === Infinity)
    return impossible('no-short-sale', `symbol ${request.symbol} can't be sold short`);

  const [quote] = await exchange.quotes([request.symbol]);
  if (!quote) return impossible('no-quote', `symbol ${request.symbol} has no quote`);
  const quotePrice = request.side === 'long' ? quote.ask : quote.bid;
  const price = request.order.type === 'limit' ? request.order.price : quotePrice;
  const minimums = orderMinimums(instrument);
  const sized = sizeOrder(minimums, request.notional, price);
  if ('refusal' in sized) return impossible('order-minimum', sized.refusal);

  const sigma = await volatility(exchange, request.symbol, timeScale);
  const scale = volatilityScale(volatilityRatio(sigma), active.thresholds.volatilityAdjustmentFactor);
  const question = { priority: 'entry', mayHoldMargin: await reader.hasOpenShort() } as const;
  const currency = quoteAsset(request.symbol);
  const account = await readAccount(exchange, { ...question, currency, known: quote });
  const { equity: accountEquity } =
    currency === accountCurrency
      ? account
      : await readAccount(exchange, { ...question, currency: accountCurrency });
  return {
    kind: 'planned',
    notional: sized.notional,
    accountEquity,
    freeCash: request.side === 'long' ? account.free : null,
    sigma,
    takerFee: instrument.takerFee,
    plan: {
      quantity: sized.quantity,
      quotePrice,
      policy: { version: active.version, thresholds: active.thresholds, timeScale },
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
        roundTripFee: 2 * instrument.takerFee,
        source: request.signal.source,
      },
    },
  };
}

function impossible(limit: ImpossibleEntry['limit'], message: string): ImpossibleEntry {
  return { kind: 'impossible', limit, message };
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
