import { readFileSync } from 'node:fs';
import { DataError } from '../data-error.ts';
import type { Series } from '../series.ts';
import { readCandlesCsv } from './read-candles.ts';
import { readOhlcJson } from './read-ohlc-json.ts';
import { readTradesCsv } from './read-trades.ts';

export interface SeriesSource {
  readonly kind: 'candles' | 'trades';
  readonly symbol: string;
  readonly file: string;
  /** Length of a candle; null tells it from the file. */
  readonly intervalMs: number | null;
}

/** Reads candles (CSV or Kraken's OHLC reply as JSON) or trades (CSV). Throws {@link DataError}. */
export function readSeries({ kind, symbol, file, intervalMs }: SeriesSource): Series {
  const bytes = contents(file);
  if (bytes.length === 0) throw new DataError(`${file} is empty: it holds no row`);
  if (kind === 'trades') return readTradesCsv(symbol, file, bytes);
  const isJson = /^\s*\{/.test(bytes.subarray(0, 100).toString('latin1'));
  return isJson
    ? readOhlcJson(symbol, file, bytes.toString('utf8'), intervalMs)
    : readCandlesCsv(symbol, file, bytes, intervalMs);
}

function contents(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new DataError(`${file} can't be read: ${code ?? 'unknown failure'}`);
  }
}
