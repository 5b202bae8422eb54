import type { CloseRequest } from '../../src/activities/ledger.ts';
import { add, ZERO } from '../../src/domain/money.ts';
import { returnFraction, summarizeFills, type Side } from '../../src/domain/position.ts';
import { closeRecords, openRecords, type OrderRecord, type TradeFacts } from '../../src/domain/records.ts';
import type { OrderSnapshot } from '../../src/exchange/port.ts';

/** What is recorded of orders that really filled, as a trade's workflow would have it. */

/** Quote currency that an account begins with. */
export const CASH = '1000000';

export function orderRecord({ exchangeOrderId, openedAtMs, fills }: OrderSnapshot): OrderRecord {
  const summary = summarizeFills(fills);
  if (!summary) throw new Error(`order ${exchangeOrderId} has not filled`);
  return {
    exchangeOrderId,
    exchangeTradeId: fills[0]?.fillId ?? '',
    summary,
    requestedAtMs: openedAtMs,
    submittedAtMs: openedAtMs,
    quotePrice: summary.averagePrice,
  };
}

export function factsOf(tradeId: string, side: Side, entry: OrderSnapshot): TradeFacts {
  return {
    tradeId,
    strategy: 'property',
    symbol: entry.symbol,
    side,
    confidence: 0.8,
    thresholdsVersion: 1,
    marketConditions: {},
    entry: orderRecord(entry),
  };
}

export function closeOf(facts: TradeFacts, exits: readonly OrderRecord[]): CloseRequest {
  const { tradeId, symbol, side, entry } = facts;
  const records = closeRecords(facts, exits, 'forced');
  const { id, exitPrice, exitTime, realizedPnL } = records.managedPosition;
  return {
    workflowId: `trade-${tradeId}`,
    legs: [],
    open: openRecords(facts),
    records,
    outcome: {
      positionId: id,
      tradeId,
      symbol,
      side,
      thresholdsVersion: facts.thresholdsVersion,
      confidence: facts.confidence,
      volatilityScale: 1,
      timeScale: 1,
      equityAtEntry: CASH,
      quantity: entry.summary.quantity,
      entryPrice: entry.summary.averagePrice,
      exitPrice: exitPrice ?? ZERO,
      entryTimeMs: entry.summary.firstFillMs,
      exitTimeMs: exitTime ?? 0,
      entryFee: entry.summary.fee,
      exitFee: add(ZERO, ...exits.map(({ summary }) => summary.fee)),
      netPnl: realizedPnL ?? ZERO,
      returnFraction: returnFraction(side, entry.summary.averagePrice, exitPrice ?? ZERO),
      exitRule: 'forced',
    },
  };
}
