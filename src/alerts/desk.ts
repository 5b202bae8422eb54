import { setTimeout as delay } from 'node:timers/promises';
import type { AlertRow } from '../../db/entities/alerts.ts';
import type { AlertStore } from '../../db/repositories/alerts.ts';
import type { HoldfastClient } from '../client.ts';
import { withText, type Alert, type AlertFacts, type AlertKind, type Destination } from '../domain/alerts.ts';
import type { Logger } from '../logging.ts';

export interface AlertDeskOptions {
  readonly store: Pick<AlertStore, 'handOver' | 'prune'>;
  readonly client: Pick<HoldfastClient, 'raiseAlerts'>;
  readonly destinations: readonly Destination[];
  readonly kinds: readonly AlertKind[];
  readonly now: () => number;
  readonly log: Logger;
}

export interface AlertDesk {
  /** Tells at once, past the database. Returns immediately and never throws; the same id is told once. */
  raise(alert: AlertFacts): void;
  close(): Promise<void>;
}

/** Beyond a second people don't notice, and an empty look costs the database next to nothing. */
const LOOK_EVERY_MS = 1_000;
/** Without a destination rows are only marked, so that one that is added later doesn't begin with old news. */
const LOOK_WITHOUT_DESTINATION_MS = 60_000;
const AT_ONCE = 100;
const PRUNE_EVERY_MS = 3_600_000;
const KEPT_MS = 90 * 24 * 3_600_000;
const FIRST_RETRY_MS = 250;
const LONGEST_RETRY_MS = 5_000;
const REMEMBERED = 1_000;

/**
 * Carries alerts to the workflows that deliver them: rows that the database wrote beside what they tell of,
 * and what can't wait for the database. Nothing that trades waits for it.
 */
export function startAlertDesk(options: AlertDeskOptions): AlertDesk {
  const { store, client, destinations, kinds, now, log } = options;
  const stopping = new AbortController();
  const raised = new Set<string>();
  let isFailing = false;

  async function tell(alerts: readonly Alert[]): Promise<void> {
    const wanted = alerts.filter(({ kind }) => kind === 'test' || kinds.includes(kind));
    if (wanted.length === 0) return;
    for (const destination of destinations) await client.raiseAlerts(destination, wanted);
  }

  async function tellAtLast(alert: Alert): Promise<void> {
    for (
      let pauseMs = FIRST_RETRY_MS;
      !stopping.signal.aborted;
      pauseMs = Math.min(pauseMs * 2, LONGEST_RETRY_MS)
    ) {
      try {
        await tell([alert]);
        return;
      } catch (err) {
        log.warn({ event: 'alert-not-handed-over', alertId: alert.id, err }, 'an alert waits for Temporal');
        await pause(pauseMs);
      }
    }
  }

  async function handOverRows(): Promise<void> {
    try {
      let count: number;
      do count = await store.handOver(AT_ONCE, (rows) => tell(rows.map(alertOf)));
      while (count === AT_ONCE);
      isFailing = false;
    } catch (err) {
      if (!isFailing) log.warn({ event: 'alerts-not-handed-over', err }, 'alerts wait in the database');
      isFailing = true;
    }
  }

  async function prune(): Promise<void> {
    try {
      await store.prune(now() - KEPT_MS);
    } catch (err) {
      log.warn({ event: 'alerts-not-pruned', err }, 'old alerts could not be removed');
    }
  }

  function pause(ms: number): Promise<void> {
    return delay(ms, undefined, { signal: stopping.signal }).catch(() => undefined);
  }

  async function run(): Promise<void> {
    const everyMs = destinations.length > 0 ? LOOK_EVERY_MS : LOOK_WITHOUT_DESTINATION_MS;
    let pruneAtMs = 0;
    while (!stopping.signal.aborted) {
      await handOverRows();
      if (now() >= pruneAtMs) {
        await prune();
        pruneAtMs = now() + PRUNE_EVERY_MS;
      }
      await pause(everyMs);
    }
  }

  const running = run();
  return {
    raise(alert) {
      if (destinations.length === 0 || raised.has(alert.id)) return;
      raised.add(alert.id);
      for (const id of raised) if (raised.size > REMEMBERED) raised.delete(id);
      void tellAtLast(withText(alert));
    },
    async close() {
      stopping.abort();
      await running;
    },
  };
}

function alertOf({ id, kind, facts, occurredAt }: AlertRow): Alert {
  return withText({ id, kind, facts, atMs: occurredAt });
}
