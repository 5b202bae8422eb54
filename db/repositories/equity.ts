import type { Pool } from 'pg';
import { drawdownOf, type AccountValue } from '../../src/domain/equity.ts';
import { compare, type Decimal } from '../../src/domain/money.ts';
import { equitySnapshotTable, type EquitySnapshotRow } from '../entities/capital.ts';
import { insertInto, Parameters, selectRows } from '../sql.ts';
import { inStatement, inTransaction, type Queryable } from '../transaction.ts';

export interface TakenSnapshot extends AccountValue {
  /** When the exchange was asked. */
  readonly takenAtMs: number;
  readonly cause: 'interval' | 'close';
}

/** What the account was worth over time. */
export interface EquityStore {
  /** Keeps a snapshot; null when a newer one, which says more, is there already. */
  record(snapshot: TakenSnapshot): Promise<EquitySnapshotRow | null>;
  latest(): Promise<EquitySnapshotRow | null>;
  /** From then on in order of time, at most about `most`: of each stretch the deepest drawdown, and the newest. */
  since(sinceMs: number, most: number): Promise<EquitySnapshotRow[]>;
  /** Deepest drawdown from then on, a fraction of the peak; null without a snapshot. */
  deepestDrawdown(sinceMs: number): Promise<number | null>;
  /** Has the peak counted anew from the newest equity. Null while there is no snapshot. */
  resetPeak(reset: {
    actor: string;
    reason: string | null;
    nowMs: number;
  }): Promise<EquitySnapshotRow | null>;
}

/** Serializes snapshots: each one's peak rests on the one before. */
const EQUITY_LOCK = 7_041_956;

export function createEquityStore(pool: Pool): EquityStore {
  return {
    record: ({ takenAtMs, ...snapshot }) =>
      append(pool, (latest) => {
        if (latest && latest.takenAt >= takenAtMs) return null;
        const { equity } = snapshot;
        const peak = latest && compare(latest.peak, equity) > 0 ? latest.peak : equity;
        return { ...withPeak(snapshot, peak), takenAt: takenAtMs, actor: null, reason: null };
      }),
    latest: () => readLatest(pool),
    async since(sinceMs, most) {
      const { rows } = await inStatement<{ takenAt: Date }>(pool, STRETCHES, [new Date(sinceMs), most]);
      return selectRows(pool, equitySnapshotTable, 'WHERE "takenAt" = ANY ($1) ORDER BY "takenAt"', [
        rows.map(({ takenAt }) => takenAt),
      ]);
    },
    async deepestDrawdown(sinceMs) {
      const { rows } = await inStatement<{ deepest: number | null }>(
        pool,
        'SELECT max("drawdown") AS deepest FROM "EquitySnapshot" WHERE "takenAt" >= $1',
        [new Date(sinceMs)],
      );
      return rows[0]?.deepest ?? null;
    },
    resetPeak: ({ actor, reason, nowMs }) =>
      append(pool, (latest) => {
        if (!latest) return null;
        const { equity, cash, exposure, takenAt } = latest;
        const values = { equity, cash, exposure, cause: 'reset' as const };
        return { ...withPeak(values, equity), takenAt: Math.max(nowMs, takenAt + 1), actor, reason };
      }),
  };
}

const STRETCHES = `
  WITH span AS (
    SELECT "takenAt", "drawdown", ntile($2) OVER (ORDER BY "takenAt") AS stretch
    FROM "EquitySnapshot" WHERE "takenAt" >= $1)
  (SELECT DISTINCT ON (stretch) "takenAt" FROM span ORDER BY stretch, "drawdown" DESC, "takenAt" DESC)
  UNION SELECT max("takenAt") FROM span`;

async function readLatest(db: Queryable): Promise<EquitySnapshotRow | null> {
  const [row] = await selectRows(db, equitySnapshotTable, 'ORDER BY "takenAt" DESC LIMIT 1');
  return row ?? null;
}

function withPeak<T extends AccountValue>(value: T, peak: Decimal) {
  return { ...value, peak, drawdown: drawdownOf(value.equity, peak) };
}

async function append(
  pool: Pool,
  next: (latest: EquitySnapshotRow | null) => EquitySnapshotRow | null,
): Promise<EquitySnapshotRow | null> {
  return inTransaction(pool, async (client) => {
    await client.query('SELECT pg_advisory_xact_lock($1)', [EQUITY_LOCK]);
    const row = next(await readLatest(client));
    if (!row) return null;
    const parameters = new Parameters();
    await client.query(insertInto(equitySnapshotTable, row, parameters), parameters.values);
    return row;
  });
}
