import type { Pool } from 'pg';
import { findingTable, type FindingRow, type FindingStatus } from '../entities/oversight.ts';
import { selectRows } from '../sql.ts';
import { inStatement } from '../transaction.ts';

export interface SeenFinding {
  /** Stable: the same disagreement has the same id in every run. */
  readonly id: string;
  readonly kind: string;
  readonly subject: string;
  readonly seen: Readonly<Record<string, unknown>>;
  readonly status: Extract<FindingStatus, 'seen' | 'human'>;
  readonly nowMs: number;
  /** A look sooner than this after the last one is the same look, ms; 0 by default. */
  readonly apartMs?: number;
}

export interface FindingStore {
  /** Notes one look. A finding that was settled begins anew with its first look; what waits for a person stays so. */
  raise(finding: SeenFinding): Promise<{ looks: number; status: FindingStatus }>;
  /**
   * Settles what was merely seen and is gone in this run, so that two looks are always two in a row; of the
   * kinds named, what waited for a person or its settlement as well.
   */
  clearUnseen(seenIds: readonly string[], nowMs: number, kinds?: readonly string[]): Promise<void>;
  /** Only a person can settle it, or has to know that its settlement fails. */
  needPerson(id: string, why: string): Promise<void>;
  /** Somebody has begun to settle it. */
  act(id: string, action: string): Promise<void>;
  settle(id: string, action: string, proof: Readonly<Record<string, unknown>>, nowMs: number): Promise<void>;
  list(filter?: { readonly unsettled?: boolean; readonly sinceMs?: number }): Promise<FindingRow[]>;
}

const IS_ANOTHER_LOOK = `EXCLUDED."lastSeenAt" >= finding."lastSeenAt" + $7 * interval '1 millisecond'`;
const RAISE = `
  INSERT INTO "Finding" AS finding ("id", "kind", "subject", "firstSeenAt", "lastSeenAt", "looks", "status", "seen")
  VALUES ($1, $2, $3, $4, $4, 1, $5, $6)
  ON CONFLICT ("id") DO UPDATE SET
    "lastSeenAt" = CASE WHEN finding."status" = 'settled' OR ${IS_ANOTHER_LOOK}
      THEN EXCLUDED."lastSeenAt" ELSE finding."lastSeenAt" END,
    "seen" = CASE finding."status" WHEN 'human' THEN finding."seen" || EXCLUDED."seen" ELSE EXCLUDED."seen" END,
    "looks" = CASE WHEN finding."status" = 'settled' THEN 1 WHEN ${IS_ANOTHER_LOOK}
      THEN finding."looks" + 1 ELSE finding."looks" END,
    "firstSeenAt" = CASE finding."status" WHEN 'settled' THEN EXCLUDED."firstSeenAt" ELSE finding."firstSeenAt" END,
    "action" = CASE finding."status" WHEN 'settled' THEN NULL ELSE finding."action" END,
    "proof" = CASE finding."status" WHEN 'settled' THEN NULL ELSE finding."proof" END,
    "status" = CASE WHEN finding."status" IN ('settled', 'seen') THEN EXCLUDED."status"
      WHEN EXCLUDED."status" = 'human' THEN 'human' ELSE finding."status" END
  RETURNING "looks", "status"`;

export function createFindingStore(pool: Pool): FindingStore {
  return {
    async raise({ id, kind, subject, seen, status, nowMs, apartMs = 0 }) {
      const values = [id, kind, subject, new Date(nowMs), status, JSON.stringify(seen), apartMs];
      const { rows } = await inStatement<{ looks: number; status: FindingStatus }>(pool, RAISE, values);
      const [row] = rows;
      if (!row) throw new Error(`finding ${id} was not written`);
      return row;
    },
    async clearUnseen(seenIds, nowMs, kinds = []) {
      await inStatement(
        pool,
        `UPDATE "Finding" SET "status" = 'settled', "action" = 'gone by itself', "proof" = $2
         WHERE ("status" = 'seen' OR "status" IN ('human', 'acting') AND "kind" = ANY ($3::text[])) AND "id" <> ALL ($1::text[])`,
        [seenIds, JSON.stringify({ notSeenAtMs: nowMs }), kinds],
      );
    },
    async needPerson(id, why) {
      await inStatement(
        pool,
        `UPDATE "Finding" SET "status" = 'human', "seen" = "seen" || jsonb_build_object('why', $2::text) WHERE "id" = $1`,
        [id, why],
      );
    },
    async act(id, action) {
      await inStatement(
        pool,
        `UPDATE "Finding" SET "status" = 'acting', "action" = $2 WHERE "id" = $1 AND "status" IN ('seen', 'acting')`,
        [id, action],
      );
    },
    async settle(id, action, proof, nowMs) {
      await inStatement(
        pool,
        `UPDATE "Finding" SET "status" = 'settled', "action" = $2, "proof" = $3 WHERE "id" = $1`,
        [id, action, JSON.stringify({ ...proof, settledAtMs: nowMs })],
      );
    },
    list({ unsettled = false, sinceMs = 0 } = {}) {
      return selectRows(
        pool,
        findingTable,
        `WHERE "lastSeenAt" >= $1 AND (NOT $2 OR "status" <> 'settled') ORDER BY "lastSeenAt" DESC, "id"`,
        [new Date(sinceMs), unsettled],
      );
    },
  };
}
