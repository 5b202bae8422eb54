import type { AlertFacts } from '../domain/alerts.ts';
import { STALE_MARK_MS, type MarketHub } from './hub.ts';

export interface StaleWatchOptions {
  readonly hub: Pick<MarketHub, 'guarded' | 'mark'>;
  readonly workerId: string;
  readonly raise: (alert: AlertFacts) => void;
  readonly now: () => number;
  readonly everyMs?: number;
}

const EVERY_MS = 5_000;

/** Tells when guarded positions have had no fresh mark for too long, and when that is over. */
export function startStaleWatch(options: StaleWatchOptions): () => void {
  const { hub, workerId, raise, now, everyMs = EVERY_MS } = options;
  const guardedSinceMs = new Map<string, number>();
  let staleSinceMs: number | null = null;

  /** Longest time without a mark of each symbol that is overdue, and the positions that wait for one. */
  function overdue(): { ages: Map<string, number>; positions: number } {
    const ages = new Map<string, number>();
    let positions = 0;
    const guarded = hub.guarded();
    const held = new Set(guarded.map(({ trade }) => trade.positionId));
    for (const positionId of guardedSinceMs.keys())
      if (!held.has(positionId)) guardedSinceMs.delete(positionId);
    for (const each of guarded) {
      const { positionId, symbol } = each.trade;
      const sinceMs = guardedSinceMs.get(positionId) ?? now();
      guardedSinceMs.set(positionId, sinceMs);
      const ageMs = hub.mark(each)?.ageMs ?? now() - sinceMs;
      if (ageMs < STALE_MARK_MS) continue;
      ages.set(symbol, Math.max(ageMs, ages.get(symbol) ?? 0));
      positions += 1;
    }
    return { ages, positions };
  }

  function look(): void {
    const { ages, positions } = overdue();
    const nowMs = now();
    if (ages.size > 0 && staleSinceMs === null) {
      staleSinceMs = nowMs;
      const ageSeconds = Math.round(Math.max(...ages.values()) / 1_000);
      const symbols = [...ages.keys()].sort().join(', ');
      raise({
        id: `feed-stale:${workerId}:${nowMs}`,
        kind: 'feed-stale',
        atMs: nowMs,
        facts: { workerId, symbols, ageSeconds, positions },
      });
    }
    if (ages.size === 0 && staleSinceMs !== null) {
      raise({
        id: `feed-stale:${workerId}:${staleSinceMs}:over`,
        kind: 'feed-stale',
        atMs: nowMs,
        facts: { workerId, over: true },
      });
      staleSinceMs = null;
    }
  }

  const timer = setInterval(look, everyMs);
  return () => clearInterval(timer);
}
