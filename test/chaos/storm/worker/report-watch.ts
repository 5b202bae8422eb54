import type { MarketHub } from '../../../../src/market/hub.ts';
import { trueNow } from './clock.ts';

/** How often a worker says which positions it watches. */
export const WATCH_REPORT_MS = 250;

/** A mark older than this is no evaluation: the hub itself asks for another one then. */
const FRESH_MARK_MS = 5_000;

/** A line on a worker's standard output, between those of its log. */
export interface WatchLine {
  readonly event: 'watch';
  /** True time, epoch ms. */
  readonly atMs: number;
  readonly positionIds: readonly string[];
}

let watched: MarketHub | null = null;

/** Tells the storm what this worker has under watch, with a fresh mark, again and again. */
export function reportWatch(hub: MarketHub): void {
  if (watched) return;
  watched = hub;
  setInterval(() => {
    const positionIds = hub.guarded().flatMap((guarded) => {
      const mark = hub.mark(guarded);
      return mark !== null && mark.ageMs < FRESH_MARK_MS ? [guarded.trade.positionId] : [];
    });
    const line: WatchLine = { event: 'watch', atMs: trueNow(), positionIds };
    process.stdout.write(`${JSON.stringify(line)}\n`);
  }, WATCH_REPORT_MS).unref();
}
