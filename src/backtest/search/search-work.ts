import { parentPort, workerData } from 'node:worker_threads';
import { readSeries } from '../read/read-file.ts';
import { runBacktest } from '../run.ts';
import { DEFAULT_SETTINGS } from '../settings.ts';
import { summarize } from '../summary.ts';
import type { SearchJob, SearchMessage } from './search.ts';

/** The work of one search thread: its share of the candidates, one after the other. */
const { sources, settings, candidates } = workerData as SearchJob;
const tell = (message: SearchMessage) => parentPort?.postMessage(message);

try {
  const series = sources.map(readSeries);
  for (const { index, thresholds } of candidates) {
    const result = runBacktest(series, { ...settings, thresholds });
    const summary = summarize(result, settings.balance ?? DEFAULT_SETTINGS.balance);
    const { endEquity, netPnl, maxDrawdown, trades, winRate } = summary;
    tell({ kind: 'row', index, row: { thresholds, endEquity, netPnl, maxDrawdown, trades, winRate } });
  }
} catch (error) {
  const { name, message } = error instanceof Error ? error : new Error(String(error));
  tell({ kind: 'failed', name, message });
}
