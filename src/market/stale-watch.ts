import type { AlertFacts } from '../domain/alerts.ts';
import { inParallel } from '../in-parallel.ts';
import type { GuardedPosition } from './guarded-position.ts';
import { STALE_MARK_MS, type MarketHub } from './hub.ts';

export interface StaleWatchOptions {
  readonly hub: Pick<MarketHub, 'guarded' | 'mark'>;
  readonly workerId: string;
  readonly raise: (alert: AlertFacts) => void;
  /** The lease under which positions are guarded now: under another one a trade knows nothing of this. */
  readonly leaseId: () => string | null;
  /** Tells a trade since when it has had no mark, epoch ms, or null that it has one again. */
  readonly tell: (tradeId: string, sinceMs: number | null) => Promise<void>;
  readonly now: () => number;
  readonly everyMs?: number;
}

const EVERY_MS = 5_000;
/** After a longer time than this between two looks the process itself was away: it has heard nothing and knows nothing. */
const LOOKS_MISSED = 3;
const TOLD_AT_ONCE = 20;

interface Overdue {
  readonly guarded: GuardedPosition;
  readonly ageMs: number;
}

async function tellOne(run: () => Promise<void>, done: () => void): Promise<void> {
  try {
    await run();
    done();
  } catch {
    // Told at a later look.
  }
}

/** Tells when guarded positions have had no fresh mark for too long, and when that is over. */
export function startStaleWatch(options: StaleWatchOptions): () => void {
  const { hub, workerId, raise, leaseId, tell, now, everyMs = EVERY_MS } = options;
  const guardedSinceMs = new Map<string, number>();
  /** Trades that believe to be without a mark, by lease and position. */
  const told = new Map<string, string>();
  let staleSinceMs: number | null = null;
  let lookedAtMs = now();
  let isTelling = false;

  function overdue(): Overdue[] {
    const guarded = hub.guarded();
    const held = new Set(guarded.map(({ trade }) => trade.positionId));
    for (const positionId of guardedSinceMs.keys())
      if (!held.has(positionId)) guardedSinceMs.delete(positionId);
    return guarded.flatMap((each) => {
      const { positionId } = each.trade;
      const sinceMs = guardedSinceMs.get(positionId) ?? now();
      guardedSinceMs.set(positionId, sinceMs);
      const ageMs = hub.mark(each)?.ageMs ?? now() - sinceMs;
      return ageMs < STALE_MARK_MS ? [] : [{ guarded: each, ageMs }];
    });
  }

  /** Each trade once that its marks ended and once that they are back; one that could not be told is told at a later look. */
  async function tellTrades(stale: readonly Overdue[]): Promise<void> {
    const lease = leaseId();
    const nowMs = now();
    const keyOf = (positionId: string) => `${lease} ${positionId}`;
    const overdueNow = new Set(stale.map(({ guarded }) => keyOf(guarded.trade.positionId)));
    const guardedNow = new Set(hub.guarded().map(({ trade }) => keyOf(trade.positionId)));
    for (const key of told.keys()) if (!guardedNow.has(key)) told.delete(key);
    const ended = stale.map(({ guarded: { trade }, ageMs }) => ({
      key: keyOf(trade.positionId),
      run: () => tell(trade.tradeId, nowMs - ageMs),
      done: () => void told.set(keyOf(trade.positionId), trade.tradeId),
    }));
    const back = [...told].map(([key, tradeId]) => ({
      key,
      run: () => tell(tradeId, null),
      done: () => void told.delete(key),
    }));
    const due = [
      ...ended.filter(({ key }) => !told.has(key)),
      ...back.filter(({ key }) => !overdueNow.has(key)),
    ];
    await inParallel(due, TOLD_AT_ONCE, ({ run, done }) => tellOne(run, done));
  }

  function look(): void {
    const nowMs = now();
    const wasAway = nowMs - lookedAtMs > LOOKS_MISSED * everyMs;
    lookedAtMs = nowMs;
    if (wasAway) return;
    const stale = overdue();
    const positions = stale.length;
    if (!isTelling) {
      isTelling = true;
      void tellTrades(stale).finally(() => (isTelling = false));
    }
    if (positions > 0 && staleSinceMs === null) {
      staleSinceMs = nowMs;
      const ageSeconds = Math.round(Math.max(...stale.map(({ ageMs }) => ageMs)) / 1_000);
      const symbols = [...new Set(stale.map(({ guarded }) => guarded.trade.symbol))].sort().join(', ');
      raise({
        id: `feed-stale:${workerId}:${nowMs}`,
        kind: 'feed-stale',
        atMs: nowMs,
        facts: { workerId, symbols, ageSeconds, positions },
      });
    }
    if (positions === 0 && staleSinceMs !== null) {
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
