import type { Pool } from 'pg';
import { orderIntentTable, type IntentStatus, type OrderIntentRow } from '../entities/orders.ts';
import { inStatement, type Queryable } from '../transaction.ts';
import { selectRows } from '../sql.ts';

/** An order that may be sent, as it is known before. */
export type NewIntent = Pick<
  OrderIntentRow,
  'tradeId' | 'workflowId' | 'leg' | 'clOrdId' | 'symbol' | 'side' | 'orderType' | 'quantity' | 'limitPrice'
>;

export interface IntentPatch {
  readonly status: IntentStatus;
  readonly krakenOrderId?: string | null;
  /** What a refusal or an unknown outcome said. */
  readonly why?: string | null;
}

export type KnownIntent = NewIntent & IntentPatch;

/**
 * Knowledge only grows: a fill is final, a definite end can only turn out to have filled, an accepted order
 * can only end. Late writers with older knowledge change nothing. An absent order may be sent again.
 */
function mayBecome(current: string, next: string): string {
  return `CASE ${current}
    WHEN 'filled' THEN ${next} = 'filled'
    WHEN 'refused' THEN ${next} IN ('refused', 'filled')
    WHEN 'cancelled' THEN ${next} IN ('cancelled', 'filled')
    WHEN 'accepted' THEN ${next} IN ('accepted', 'filled', 'cancelled', 'absent')
    WHEN 'planned' THEN true
    ELSE ${next} <> 'planned' END`;
}

const UPSERT = `
  INSERT INTO "OrderIntent" AS intent ("id", "tradeId", "workflowId", "leg", "clOrdId", "symbol", "side",
    "orderType", "quantity", "limitPrice", "status", "krakenOrderId", "why")
  VALUES ($1, $2, $3, $4, $1, $5, $6, $7, $8, $9, $10, $11, $12)
  ON CONFLICT ("id") DO UPDATE SET
    "status" = EXCLUDED."status", "updatedAt" = clock_timestamp(),
    "krakenOrderId" = coalesce(EXCLUDED."krakenOrderId", intent."krakenOrderId"),
    "why" = coalesce(EXCLUDED."why", intent."why"),
    "quantity" = EXCLUDED."quantity", "limitPrice" = EXCLUDED."limitPrice"
  WHERE ${mayBecome('intent."status"', 'EXCLUDED."status"')}`;

function upsertValues(intent: KnownIntent): unknown[] {
  return [
    intent.clOrdId,
    intent.tradeId,
    intent.workflowId,
    intent.leg,
    intent.symbol,
    intent.side,
    intent.orderType,
    intent.quantity,
    intent.limitPrice,
    intent.status,
    intent.krakenOrderId ?? null,
    intent.why ?? null,
  ];
}

/** The same inside a transaction. */
export async function writeIntent(client: Queryable, intent: KnownIntent): Promise<void> {
  await client.query(UPSERT, upsertValues(intent));
}

/** Writes what is known of an intent, the row included if it is missing; idempotent. */
export async function recordIntent(pool: Pool, intent: KnownIntent): Promise<void> {
  await inStatement(pool, UPSERT, upsertValues(intent));
}

/** Adds knowledge to an intent. False when there is no such row. */
export async function markIntent(pool: Pool, clOrdId: string, patch: IntentPatch): Promise<boolean> {
  const { rows } = await inStatement<{ known: boolean }>(
    pool,
    `WITH marked AS (
       UPDATE "OrderIntent" AS intent SET "status" = $2, "updatedAt" = clock_timestamp(),
         "krakenOrderId" = coalesce($3, intent."krakenOrderId"), "why" = coalesce($4, intent."why")
       WHERE "id" = $1 AND ${mayBecome('intent."status"', '$2')})
     SELECT EXISTS (SELECT FROM "OrderIntent" WHERE "id" = $1) AS known`,
    [clOrdId, patch.status, patch.krakenOrderId ?? null, patch.why ?? null],
  );
  return rows[0]?.known ?? false;
}

export async function intentsOfTrade(db: Queryable, tradeId: string): Promise<OrderIntentRow[]> {
  return selectRows(db, orderIntentTable, 'WHERE "tradeId" = $1 ORDER BY "createdAt", "leg"', [tradeId]);
}
