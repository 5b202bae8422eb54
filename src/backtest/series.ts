import type { Decimal } from '../domain/money.ts';

export type CandleField = 'open' | 'high' | 'low' | 'close';

interface Rows {
  readonly symbol: string;
  /** As given, for messages and the report. */
  readonly file: string;
  readonly length: number;
  /** Not falling; of a candle its start. */
  readonly timesMs: Float64Array;
}

/**
 * Candles of one length, oldest first, times rising. Prices stand twice: as float64 to look at, and as the decimals
 * that were written, to book with.
 */
export interface CandleSeries extends Rows {
  readonly kind: 'candles';
  readonly intervalMs: number;
  readonly prices: Readonly<Record<CandleField, Float64Array>>;
  readonly price: (row: number, field: CandleField) => Decimal;
}

/** Trades, oldest first. */
export interface TradeSeries extends Rows {
  readonly kind: 'trades';
  readonly prices: Float64Array;
  readonly price: (row: number) => Decimal;
  /** 1 where the taker bought, -1 where it sold, 0 where the file doesn't say. */
  readonly takers: Int8Array;
}

export type Series = CandleSeries | TradeSeries;
