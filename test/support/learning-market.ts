import { closeRecords, openRecords, type OrderRecord, type TradeFacts } from '../../src/domain/records.ts';
import { big, multiply, text } from '../../src/domain/money.ts';
import { returnFraction } from '../../src/domain/position.ts';
import type { Outcome } from '../../src/domain/learning/study.ts';
import type { Candle } from '../../src/exchange/port.ts';
import type { Ledger } from '../../db/repositories/ledger.ts';

/** A market whose price is a function of time alone, so that every process sees the same, and trades in it. */

const MINUTE_MS = 60_000;
const QUANTITY = '0.01';
const FEE_RATE = 0.0026;

export function priceAt(timeMs: number): string {
  const minute = timeMs / MINUTE_MS;
  const wave = 0.012 * Math.sin(minute / 9) + 0.008 * Math.sin(minute / 31);
  return (60_000 * (1 + wave)).toFixed(1);
}

/** Candles up to `nowMs`, oldest first; in `GAP/USD` half an hour of every hour is missing. */
export function candlesUntil(nowMs: number, symbol: string, intervalMs: number, count: number): Candle[] {
  const endMs = Math.floor(nowMs / intervalMs) * intervalMs;
  const candles = Array.from({ length: count }, (_, index) => {
    const startMs = endMs - (count - index) * intervalMs;
    const open = priceAt(startMs);
    const close = priceAt(startMs + intervalMs);
    const [low, high] = Number(open) < Number(close) ? [open, close] : [close, open];
    return { startMs, open, high, low, close, volume: '1' };
  });
  return symbol === 'GAP/USD'
    ? candles.filter(({ startMs }) => Math.floor(startMs / (30 * MINUTE_MS)) % 2 === 0)
    : candles;
}

/** Records a trade of forty minutes that was opened at `entryTimeMs`, as its workflow does; gives the outcome. */
export async function closeTrade(
  ledger: Ledger,
  tradeId: string,
  entryTimeMs: number,
  over: Partial<Outcome> = {},
  signalConfidence = 0.8,
): Promise<Outcome> {
  const { symbol = 'BTC/USD' } = over;
  const exitTimeMs = entryTimeMs + 40 * MINUTE_MS;
  const facts: TradeFacts = {
    tradeId,
    strategy: 'manual',
    symbol,
    side: 'long',
    confidence: signalConfidence,
    thresholdsVersion: over.thresholdsVersion ?? 1,
    marketConditions: {},
    entry: order(`O${tradeId}`, entryTimeMs),
  };
  const exit = order(`X${tradeId}`, exitTimeMs);
  const open = openRecords(facts);
  const close = closeRecords(facts, [exit], 'take-profit');
  const outcome: Outcome = {
    positionId: close.managedPosition.id,
    tradeId,
    symbol,
    side: 'long',
    thresholdsVersion: 1,
    confidence: signalConfidence,
    volatilityScale: 1,
    quantity: QUANTITY,
    entryPrice: facts.entry.summary.averagePrice,
    exitPrice: exit.summary.averagePrice,
    entryTimeMs,
    exitTimeMs,
    entryFee: facts.entry.summary.fee,
    exitFee: exit.summary.fee,
    netPnl: close.managedPosition.realizedPnL ?? '0',
    returnFraction: returnFraction('long', facts.entry.summary.averagePrice, exit.summary.averagePrice),
    exitRule: 'take-profit',
    equityAtEntry: '10000',
    timeScale: 1,
    ...over,
  };
  await ledger.recordClose(close, open, outcome, []);
  return outcome;
}

function order(exchangeOrderId: string, atMs: number): OrderRecord {
  const averagePrice = priceAt(atMs);
  const cost = multiply(QUANTITY, averagePrice);
  return {
    exchangeOrderId,
    exchangeTradeId: `T${exchangeOrderId}`,
    summary: {
      quantity: QUANTITY,
      cost,
      fee: text(big(cost).times(String(FEE_RATE)).round(5)),
      averagePrice,
      firstFillMs: atMs,
      lastFillMs: atMs,
    },
    requestedAtMs: atMs,
    submittedAtMs: atMs,
    quotePrice: averagePrice,
  };
}
