import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { Decimal } from '../../domain/money.ts';
import type { Thresholds } from '../../domain/thresholds.ts';
import type { SeriesSource } from '../read/read-file.ts';
import type { BacktestSettings } from '../settings.ts';

/** How one set of thresholds did. */
export interface SearchRow {
  readonly thresholds: Thresholds;
  readonly endEquity: Decimal;
  readonly netPnl: Decimal;
  readonly maxDrawdown: number;
  readonly trades: number;
  readonly winRate: number;
}

/** What a search thread is started with. */
export interface SearchJob {
  readonly sources: readonly SeriesSource[];
  readonly settings: Partial<BacktestSettings>;
  readonly candidates: readonly { readonly index: number; readonly thresholds: Thresholds }[];
}

export type SearchMessage =
  | { readonly kind: 'row'; readonly index: number; readonly row: SearchRow }
  | { readonly kind: 'failed'; readonly name: string; readonly message: string };

/**
 * A backtest for each candidate, on all cores; the best equity first, ties in the order given. How many threads
 * shared the work doesn't show in the result.
 */
export async function searchThresholds(
  sources: readonly SeriesSource[],
  settings: Partial<BacktestSettings>,
  candidates: readonly Thresholds[],
  onProgress: (done: number) => void = () => undefined,
): Promise<SearchRow[]> {
  const threads = Math.max(1, Math.min(availableParallelism(), candidates.length));
  const rows = new Array<SearchRow | undefined>(candidates.length);
  let done = 0;
  const numbered = candidates.map((thresholds, index) => ({ index, thresholds }));
  await Promise.all(
    Array.from({ length: threads }, (_, thread) => {
      const share = numbered.filter(({ index }) => index % threads === thread);
      return runThread({ sources, settings, candidates: share }, (index, row) => {
        rows[index] = row;
        done += 1;
        onProgress(done);
      });
    }),
  );
  return rows
    .filter((row) => row !== undefined)
    .map((row, index) => ({ row, index }))
    .sort(
      (left, right) => Number(right.row.endEquity) - Number(left.row.endEquity) || left.index - right.index,
    )
    .map(({ row }) => row);
}

function runThread(job: SearchJob, onRow: (index: number, row: SearchRow) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL('./search-thread.js', import.meta.url), { workerData: job });
    worker.on('message', (message: SearchMessage) => {
      if (message.kind === 'row') onRow(message.index, message.row);
      else reject(Object.assign(new Error(message.message), { name: message.name }));
    });
    worker.on('error', reject);
    worker.on('exit', (code) => {
      if (code === 0) resolve();
      else reject(new Error(`a search thread ended with code ${code}`));
    });
  });
}
