import { closeRecords, openRecords, type OrderRecord, type TradeFacts } from '../../src/domain/records.ts';
import { multiply, type Decimal } from '../../src/domain/money.ts';
import { NO_PROTECTIONS } from '../../src/domain/protections.ts';
import { NO_LIMITS } from '../../src/domain/risk.ts';
import type { ClosedOutcome, NewIntent, ReserveRequest } from '../../db/repositories/ledger.ts';

/** A day in the past, whole milliseconds. */
export const OPENED_AT_MS = Date.UTC(2026, 0, 15, 12, 0, 0, 123);

export function sampleOrder(
  orderId: string,
  over: Partial<{ quantity: Decimal; price: Decimal; atMs: number }> = {},
): OrderRecord {
  const { quantity = '0.00412345', price = '60123.4', atMs = OPENED_AT_MS } = over;
  return {
    exchangeOrderId: orderId,
    exchangeTradeId: `T${orderId}`,
    summary: {
      quantity,
      cost: multiply(quantity, price),
      fee: '0.64460',
      averagePrice: price,
      firstFillMs: atMs,
      lastFillMs: atMs + 7,
    },
    requestedAtMs: atMs - 40,
    submittedAtMs: atMs - 20,
    quotePrice: '60120.1',
  };
}

export function sampleFacts(tradeId: string, over: Partial<TradeFacts> = {}): TradeFacts {
  return {
    tradeId,
    strategy: 'manual',
    symbol: 'BTC/USD',
    side: 'long',
    confidence: 0.8,
    thresholdsVersion: 1,
    marketConditions: { volatilityScale: 1.25, note: { b: 1, a: [1, 2] } },
    entry: sampleOrder(`O${tradeId}`),
    ...over,
  };
}

export function sampleOpen(tradeId: string, over: Partial<TradeFacts> = {}) {
  return openRecords(sampleFacts(tradeId, over));
}

export function sampleClose(tradeId: string, over: Partial<TradeFacts> = {}, price = '60500.0') {
  const facts = sampleFacts(tradeId, over);
  const { quantity } = facts.entry.summary;
  const exit = sampleOrder(`X${tradeId}`, { quantity, price, atMs: OPENED_AT_MS + 600_000 });
  return closeRecords(facts, [exit], 'take-profit');
}

export function sampleOutcome(tradeId: string, over: Partial<ClosedOutcome> = {}): ClosedOutcome {
  const { managedPosition, exitTrades } = sampleClose(tradeId);
  return {
    positionId: managedPosition.id,
    tradeId,
    symbol: managedPosition.symbol,
    side: managedPosition.side,
    thresholdsVersion: 1,
    confidence: 0.8,
    volatilityScale: 1,
    quantity: managedPosition.quantity,
    entryPrice: managedPosition.entryPrice,
    exitPrice: managedPosition.exitPrice ?? '0',
    entryTimeMs: managedPosition.entryTime,
    exitTimeMs: managedPosition.exitTime ?? 0,
    entryFee: '0.64460',
    exitFee: exitTrades[0]?.fee ?? '0',
    netPnl: managedPosition.realizedPnL ?? '0',
    returnFraction: 0.006263784,
    exitRule: 'take-profit',
    equityAtEntry: '10000',
    timeScale: 1,
    ...over,
  };
}

export function sampleIntent(tradeId: string, over: Partial<NewIntent> = {}): NewIntent {
  return {
    tradeId,
    workflowId: `trade-${tradeId}`,
    leg: 'entry',
    clOrdId: `hfe${tradeId}`.slice(0, 18),
    symbol: 'BTC/USD',
    side: 'buy',
    orderType: 'market',
    quantity: '0.00412345',
    limitPrice: null,
    ...over,
  };
}

export function sampleReserve(tradeId: string, over: Partial<ReserveRequest> = {}): ReserveRequest {
  return {
    tradeId,
    symbol: 'BTC/USD',
    side: 'long',
    notional: '250',
    signalExpiresAtMs: null,
    limits: NO_LIMITS,
    protections: NO_PROTECTIONS,
    equity: '10000',
    intent: sampleIntent(tradeId),
    nowMs: OPENED_AT_MS,
    ...over,
  };
}
