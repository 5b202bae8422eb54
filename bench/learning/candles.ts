import { readFileSync } from 'node:fs';
import type { Candle } from '../../src/domain/learning/path.ts';

/** Candles of a file with the columns `time_s,open,high,low,close,volume`. */
export function readCandles(file: URL): Candle[] {
  return readFileSync(file, 'utf8')
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => {
      const [seconds, open, high, low, close] = line.split(',');
      return { timeMs: Number(seconds) * 1000, open: open!, high: high!, low: low!, close: close! };
    });
}
