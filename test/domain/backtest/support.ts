import { readCandlesCsv } from '../../../src/backtest/read/read-candles.ts';
import { readTradesCsv } from '../../../src/backtest/read/read-trades.ts';
import { runBacktest } from '../../../src/backtest/run.ts';
import type { Backtest } from '../../../src/backtest/result.ts';
import type { BacktestSettings } from '../../../src/backtest/settings.ts';
import { STARTING_THRESHOLDS, type Thresholds } from '../../../src/domain/thresholds.ts';

/** Midnight UTC, 1 July 2019. */
export const START_S = 1_561_939_200;
export const START_MS = START_S * 1000;
export const MINUTE_MS = 60_000;

export type Ohlc = readonly [open: number, high: number, low: number, close: number];

/** One candle a minute from {@link START_S} on; null leaves a minute out. */
export function minutesCsv(candles: readonly (Ohlc | null)[]): string {
  return candles
    .flatMap((candle, minute) => (candle ? [[START_S + minute * 60, ...candle, 1, 1].join(',')] : []))
    .join('\n');
}

export function candles(csv: string, symbol = 'BTC/USD') {
  return readCandlesCsv(symbol, 'candles.csv', Buffer.from(csv), null);
}

export function trades(csv: string, symbol = 'BTC/USD') {
  return readTradesCsv(symbol, 'trades.csv', Buffer.from(csv));
}

export function flat(price: number, minutes: number): Ohlc[] {
  return Array.from({ length: minutes }, () => [price, price, price, price] as const);
}

/** Enters once at the open of the second candle, 100 USD, and leaves exits to price and time. */
export function tradeOnce(
  side: 'long' | 'short',
  rows: readonly (Ohlc | null)[],
  thresholds: Partial<Thresholds> = {},
  settings: Partial<BacktestSettings> = {},
): Backtest {
  return runBacktest([candles(minutesCsv(rows))], {
    signals: [{ symbol: 'BTC/USD', timeMs: START_MS + MINUTE_MS, side, notional: '100', confidence: 0.5 }],
    predicts: false,
    thresholds: { ...STARTING_THRESHOLDS, ...thresholds },
    ...settings,
  });
}
