import { within } from './answers.ts';

export interface PartHealth {
  readonly ok: boolean;
  /** One line for people: an age, or what is wrong. */
  readonly detail: string;
  /** Age of the newest mark, for the feed; how long the answer took, for the others. */
  readonly ageMs: number | null;
}

export const PARTS = ['temporal', 'database', 'feed', 'exchange'] as const;
export type Part = (typeof PARTS)[number];

export interface Health {
  /** Whether trading can be trusted to go on: Temporal, database and feed are well. */
  readonly ok: boolean;
  readonly checkedAtMs: number;
  /** What is not well, of the three that count. */
  readonly failing: readonly Part[];
  readonly parts: Readonly<Record<Part, PartHealth>>;
}

/** Each rejects with what is wrong. */
export interface Probes {
  temporal(): Promise<void>;
  database(): Promise<void>;
  /** Age of the freshest mark of any open position; null when no position is open. */
  freshestMarkAgeMs(): Promise<number | null>;
  /** Asks the exchange for a public quote. */
  exchange(): Promise<void>;
}

/** Beyond this the trades themselves complain of their marks. */
const FEED_STALE_MS = 30_000;
const PROBE_LIMIT_MS = 4_000;
const FRESH_FOR_MS = 1_000;

/** Checks all parts side by side; callers within a second share one answer. */
export function createHealthCheck(probes: Probes, now: () => number): () => Promise<Health> {
  let latest: { readonly atMs: number; readonly health: Promise<Health> } | null = null;
  return () => {
    if (latest && now() - latest.atMs < FRESH_FOR_MS) return latest.health;
    latest = { atMs: now(), health: checkAll(probes, now) };
    return latest.health;
  };
}

async function checkAll(probes: Probes, now: () => number): Promise<Health> {
  const [temporal, database, exchange, age] = await Promise.all([
    answering('Temporal', () => probes.temporal(), now),
    answering('database', () => probes.database(), now),
    answering('exchange', () => probes.exchange(), now),
    within(PROBE_LIMIT_MS, 'database', probes.freshestMarkAgeMs()).catch(() => undefined),
  ]);
  const parts = { temporal, database, feed: feedHealth(age, exchange), exchange };
  const failing = (['temporal', 'database', 'feed'] as const).filter((part) => !parts[part].ok);
  return { ok: failing.length === 0, checkedAtMs: now(), failing, parts };
}

async function answering(name: string, probe: () => Promise<void>, now: () => number): Promise<PartHealth> {
  const startedAtMs = now();
  try {
    await within(PROBE_LIMIT_MS, name, probe());
    const tookMs = now() - startedAtMs;
    return { ok: true, detail: `answered in ${tookMs} ms`, ageMs: tookMs };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { ok: false, detail: message.split('\n')[0] ?? 'failed', ageMs: null };
  }
}

/** With positions open their marks tell; with none, whether a quote can be had at all. */
function feedHealth(ageMs: number | null | undefined, exchange: PartHealth): PartHealth {
  if (ageMs === undefined) return { ok: false, detail: 'unknown: the database does not answer', ageMs: null };
  if (ageMs === null) {
    return { ...exchange, detail: exchange.ok ? 'no open position; a quote could be had' : exchange.detail };
  }
  const ok = ageMs <= FEED_STALE_MS;
  const seconds = Math.round(ageMs / 100) / 10;
  return {
    ok,
    detail: `newest mark is ${seconds} s old${ok ? '' : `, more than ${FEED_STALE_MS / 1_000} s`}`,
    ageMs,
  };
}
