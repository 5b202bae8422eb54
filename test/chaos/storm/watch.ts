import { WATCH_REPORT_MS } from './worker/report-watch.ts';
import type { Strike } from './strikes.ts';

/** A time for which no worker evaluated an open position. */
export interface Gap {
  readonly positionId: string;
  readonly fromMs: number;
  readonly untilMs: number;
  /** The fault it is put down to; `none` when no fault was near, `opening` between the first fill and the first watch. */
  readonly cause: string;
}

/** When a position was there to be watched: from its first fill until its exit was decided or demanded. */
export interface Exposure {
  readonly positionId: string;
  readonly fromMs: number;
  readonly untilMs: number;
}

interface Report {
  readonly atMs: number;
  readonly worker: number;
}

/** Reports come this much later than they should on a busy machine, and that is no gap. */
const LEAST_GAP_MS = 4 * WATCH_REPORT_MS;
/** A worker that is lost is noticed when its lease is over. */
const NOTICED_WITHIN_MS = 15_000;

/** Who watched which position when, from the workers' own reports. */
export class WatchLog {
  readonly #reports = new Map<string, Report[]>();

  add(worker: number, atMs: number, positionIds: readonly string[]): void {
    for (const positionId of positionIds) {
      const reports = this.#reports.get(positionId) ?? [];
      reports.push({ atMs, worker });
      this.#reports.set(positionId, reports);
    }
  }

  /** Times without an evaluation, of each exposure. */
  gaps(exposures: readonly Exposure[], strikes: readonly Strike[]): Gap[] {
    return exposures.flatMap((exposure) => this.#gapsOf(exposure, strikes));
  }

  /** From the strike until every position that was open then was watched again or over, ms. */
  recoveryMs(strike: Strike, exposures: readonly Exposure[]): number {
    const after = exposures
      .filter(({ fromMs, untilMs }) => fromMs <= strike.fromMs && untilMs > strike.fromMs)
      .map(({ positionId, untilMs }) => {
        // The report that was under way at the strike says nothing about the time after it.
        const next = this.#sorted(positionId).find(({ atMs }) => atMs > strike.fromMs + WATCH_REPORT_MS);
        return Math.min(next?.atMs ?? untilMs, untilMs) - strike.fromMs;
      });
    return Math.max(0, ...after);
  }

  #sorted(positionId: string): readonly Report[] {
    return (this.#reports.get(positionId) ?? []).toSorted((left, right) => left.atMs - right.atMs);
  }

  #gapsOf({ positionId, fromMs, untilMs }: Exposure, strikes: readonly Strike[]): Gap[] {
    const inside = this.#sorted(positionId).filter(({ atMs }) => atMs > fromMs && atMs < untilMs);
    const edges: (Report | { atMs: number; worker: null })[] = [
      { atMs: fromMs, worker: null },
      ...inside,
      { atMs: untilMs, worker: null },
    ];
    return edges.flatMap((edge, index) => {
      const next = edges[index + 1];
      if (!next || next.atMs - edge.atMs <= LEAST_GAP_MS) return [];
      const gap = { fromMs: edge.atMs, untilMs: next.atMs };
      return [{ positionId, ...gap, cause: causeOf(gap, edge.worker, strikes) }];
    });
  }
}

/**
 * What struck the worker that had the position, else what struck everybody; of several the one that was nearest
 * before the gap.
 */
function causeOf(
  gap: { readonly fromMs: number; readonly untilMs: number },
  worker: number | null,
  strikes: readonly Strike[],
): string {
  const near = strikes.filter(
    ({ fromMs, untilMs }) =>
      fromMs < gap.untilMs - LEAST_GAP_MS / 2 && untilMs + NOTICED_WITHIN_MS > gap.fromMs,
  );
  const ofWorker = near.filter((strike) => worker !== null && strike.worker === worker);
  const ofServers = near.filter((strike) => strike.worker === null);
  const likely = [ofWorker, ofServers, near].find(({ length }) => length > 0) ?? [];
  const distance = ({ fromMs }: Strike) => Math.abs(fromMs - gap.fromMs);
  const [nearest] = likely.toSorted((left, right) => distance(left) - distance(right));
  return nearest?.kind ?? (worker === null ? 'opening' : 'none');
}

/** Order statistics of some times, ms. */
export function spread(times: readonly number[]): { n: number; p50: number; p99: number; max: number } {
  const sorted = times.toSorted((left, right) => left - right);
  const at = (share: number) => Math.round(sorted[Math.ceil(share * sorted.length) - 1] ?? 0);
  return { n: sorted.length, p50: at(0.5), p99: at(0.99), max: at(1) };
}
