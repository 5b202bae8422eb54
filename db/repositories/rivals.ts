import type { Pool } from 'pg';
import type { RivalSignal } from '../../src/domain/learning/study-of-rival.ts';
import type { Side } from '../../src/domain/position.ts';
import { CAPITAL_LIMITS } from '../../src/domain/risk.ts';
import type { SignalFacts } from '../../src/domain/signal-facts.ts';
import { inStatement } from '../transaction.ts';

/**
 * A signal is one position's rival: of that which gave way to it, else of the weakest that was open then and held
 * other exposure than it wanted. Which thresholds were pinned does not matter: learning is to tell what they should be.
 */
const RIVALS = `
  WITH position AS (SELECT * FROM "ManagedPosition" WHERE "id" = $1 AND "status" = 'closed'),
  refused AS (
    SELECT signal."id", signal."symbol", CASE signal."action" WHEN 'BUY' THEN 'long' ELSE 'short' END AS "side",
      signal."confidence", signal."asOf" AS "at", signal."facts"
    FROM "SkippedSignal" AS signal JOIN position
      ON signal."asOf" > position."entryTime" AND signal."asOf" <= position."exitTime"
    WHERE signal."facts" IS NOT NULL AND signal."action" <> 'HOLD' AND (signal."limit" = ANY ($2) OR EXISTS (
      SELECT FROM "Rotation" WHERE "Rotation"."tradeId" = signal."id"))),
  rivals AS (
    SELECT * FROM refused WHERE $1 = (
      SELECT other."id" FROM "ManagedPosition" AS other
      JOIN "LiveTrade" AS live ON live."positionId" = other."id" AND live."purpose" = 'open'
      WHERE other."entryTime" < refused."at" AND (other."exitTime" IS NULL OR other."exitTime" >= refused."at")
        AND (other."symbol", other."side") <> (refused."symbol", refused."side")
      ORDER BY live."signalConfidence", other."entryTime", other."id" LIMIT 1)
    UNION ALL
    SELECT rotation."tradeId", rotation."symbol", rotation."side", rotation."confidence", rotation."createdAt",
      rotation."facts"
    FROM "Rotation" AS rotation JOIN position ON rotation."weakestPositionId" = position."id"
    WHERE rotation."status" = 'taken' AND rotation."facts" IS NOT NULL)
  SELECT * FROM rivals ORDER BY "confidence" DESC, "at", "id" LIMIT $3`;

interface RivalRow extends Record<string, unknown> {
  readonly id: string;
  readonly symbol: string;
  readonly side: Side;
  readonly confidence: number;
  readonly at: Date;
  readonly facts: SignalFacts;
}

/** The strongest first; none of a position that is not closed. */
export async function rivalsOf(pool: Pool, positionId: string, most: number): Promise<RivalSignal[]> {
  const { rows } = await inStatement<RivalRow>(pool, RIVALS, [positionId, CAPITAL_LIMITS, most]);
  return rows.map(({ id, symbol, side, confidence, at, facts }) => ({
    id,
    symbol,
    side,
    confidence,
    atMs: at.getTime(),
    facts,
  }));
}
