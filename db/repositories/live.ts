import type { Pool } from 'pg';
import type { Decimal } from '../../src/domain/money.ts';
import { storedLivePositionTable, type StoredLivePosition } from '../entities/positions.ts';
import { selectRows } from '../sql.ts';
import { inStatement } from '../transaction.ts';

/** What the market moves in an open position. Prices in quote currency. */
export interface LiveUpdate {
  readonly positionId: string;
  /** What is still open, base currency; left as it is where it is missing. */
  readonly quantity?: Decimal;
  readonly currentPrice: Decimal;
  readonly unrealizedPnL: Decimal;
  /** The hold band; null where only the other side, or nothing, exits. */
  readonly exitsBelow: Decimal | null;
  readonly exitsAbove: Decimal | null;
  readonly bestPrice: Decimal;
  /** Whole milliseconds; null when no mark was seen yet. */
  readonly markAgeMs: number | null;
  readonly stage: string;
}

/** One statement whatever the number of rows; rows of closed or unknown positions are left alone. */
const UPDATE_LIVE = `
  WITH news AS (
    SELECT * FROM unnest($1::text[], $2::numeric[], $3::numeric[], $4::numeric[], $5::numeric[],
      $6::numeric[], $7::integer[], $8::text[], $9::numeric[])
    AS news("positionId", "currentPrice", "unrealizedPnL", "exitsBelow", "exitsAbove",
      "bestPrice", "markAgeMs", "stage", "quantity")),
  live AS (
    UPDATE "LivePosition" AS live SET
      "quantity" = coalesce(CASE WHEN news."quantity" > 0 THEN news."quantity" END, live."quantity"),
      "currentPrice" = news."currentPrice", "unrealizedPnL" = news."unrealizedPnL",
      "exitsBelow" = news."exitsBelow", "exitsAbove" = news."exitsAbove",
      "bestPrice" = news."bestPrice", "markAgeMs" = news."markAgeMs", "stage" = news."stage",
      "updatedAt" = clock_timestamp()
    FROM news WHERE live."positionId" = news."positionId" AND live."status" = 'open'
    RETURNING 1)
  SELECT count(*)::integer AS updated FROM live`;

/** Returns how many open positions were updated. */
export async function updateLive(pool: Pool, updates: readonly LiveUpdate[]): Promise<number> {
  if (updates.length === 0) return 0;
  // In one order everywhere, so that two workers never wait for each other in a circle.
  const sorted = [...updates].sort((left, right) => (left.positionId < right.positionId ? -1 : 1));
  const { rows } = await inStatement<{ updated: number }>(pool, UPDATE_LIVE, [
    sorted.map((row) => row.positionId),
    sorted.map((row) => row.currentPrice),
    sorted.map((row) => row.unrealizedPnL),
    sorted.map((row) => row.exitsBelow),
    sorted.map((row) => row.exitsAbove),
    sorted.map((row) => row.bestPrice),
    sorted.map((row) => (row.markAgeMs === null ? null : Math.max(0, Math.round(row.markAgeMs)))),
    sorted.map((row) => row.stage),
    sorted.map((row) => row.quantity ?? null),
  ]);
  return rows[0]?.updated ?? 0;
}

/** Trades of open positions that no guard has written to for so long, by the database's clock; some at a time. */
export async function tradesWithQuietPositions(pool: Pool, quietForMs: number): Promise<string[]> {
  const { rows } = await inStatement<{ tradeId: string }>(
    pool,
    `SELECT position."tradeId" FROM "LivePosition" AS live
     JOIN "ManagedPosition" AS position ON position."id" = live."positionId"
     WHERE live."status" = 'open' AND live."updatedAt" < clock_timestamp() - $1 * interval '1 millisecond'
     ORDER BY live."updatedAt" LIMIT 50`,
    [quietForMs],
  );
  return rows.map(({ tradeId }) => tradeId);
}

export async function livePosition(pool: Pool, positionId: string): Promise<StoredLivePosition | null> {
  const [row] = await selectRows(pool, storedLivePositionTable, 'WHERE "positionId" = $1', [positionId]);
  return row ?? null;
}
