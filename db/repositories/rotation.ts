import type { Decimal } from '../../src/domain/money.ts';
import type { Side } from '../../src/domain/position.ts';
import type { OpenCandidate } from '../../src/domain/rotation.ts';
import type { SignalFacts } from '../../src/domain/signal-facts.ts';
import type { Thresholds } from '../../src/domain/thresholds.ts';
import { rotationTable, type RotationRow, type RotationStatus } from '../entities/capital.ts';
import { insertInto, Parameters, selectRows } from '../sql.ts';
import type { Queryable } from '../transaction.ts';

/** What an entry that finds no free capital needs so that a weaker position may make room for it. */
export interface RotationRequest {
  /** Of the signal, 0..1. */
  readonly confidence: number;
  /** The entry waits no longer than that. */
  readonly expiresAtMs: number;
  readonly timeScale: number;
  readonly facts: SignalFacts;
}

/** All of it under the lock that reserves, inside its transaction. */

/** Claims whose entry never came for the money. */
export async function expireRotations(client: Queryable, nowMs: number): Promise<void> {
  await client.query(
    `UPDATE "Rotation" SET "status" = 'expired', "endedAt" = "expiresAt" WHERE "status" = 'waiting' AND "expiresAt" <= $1`,
    [new Date(nowMs)],
  );
}

export async function waitingRotation(client: Queryable, tradeId: string): Promise<RotationRow | null> {
  const [row] = await selectRows(client, rotationTable, `WHERE "tradeId" = $1 AND "status" = 'waiting'`, [
    tradeId,
  ]);
  return row ?? null;
}

export async function endRotation(
  client: Queryable,
  tradeId: string,
  status: Exclude<RotationStatus, 'waiting'>,
  nowMs: number,
): Promise<void> {
  await client.query(
    `UPDATE "Rotation" SET "status" = $2, "endedAt" = $3 WHERE "tradeId" = $1 AND "status" = 'waiting'`,
    [tradeId, status, new Date(nowMs)],
  );
}

export async function beginRotation(
  client: Queryable,
  entry: { tradeId: string; symbol: string; side: Side; notional: Decimal; limit: string; nowMs: number },
  { confidence, expiresAtMs, facts }: RotationRequest,
  weakest: OpenCandidate,
): Promise<RotationRow> {
  const { nowMs, ...wanted } = entry;
  const row: RotationRow = {
    id: `${entry.tradeId} ${weakest.tradeId}`,
    ...wanted,
    confidence,
    weakestTradeId: weakest.tradeId,
    weakestPositionId: weakest.positionId,
    weakestConfidence: weakest.confidence,
    status: 'waiting',
    facts,
    createdAt: nowMs,
    expiresAt: expiresAtMs,
    endedAt: null,
  };
  const parameters = new Parameters();
  await client.query(insertInto(rotationTable, row, parameters), parameters.values);
  return row;
}

/** Open positions that nobody waits for yet and that have not declined to this entry before. */
export async function rotationCandidates(
  client: Queryable,
  tradeId: string,
  timeScale: number,
): Promise<OpenCandidate[]> {
  const { rows } = await client.query<CandidateRow>(
    `SELECT position."id", position."tradeId", position."symbol", position."side", position."entryTime",
       live."signalConfidence", version."version", version."thresholds",
       coalesce(held."notional", position."quantity" * position."entryPrice") AS notional
     FROM "ManagedPosition" AS position
     JOIN "LiveTrade" AS live ON live."positionId" = position."id" AND live."purpose" = 'open'
     JOIN "ThresholdVersion" AS version ON version."version" = position."thresholdsVersion"
     LEFT JOIN "CapitalReservation" AS held ON held."tradeId" = position."tradeId" AND held."status" = 'held'
     WHERE position."status" = 'open' AND NOT EXISTS (
       SELECT FROM "Rotation" AS rotation WHERE rotation."weakestTradeId" = position."tradeId"
       AND (rotation."status" = 'waiting' OR rotation."tradeId" = $1))`,
    [tradeId],
  );
  return rows.map((row) => ({
    tradeId: row.tradeId,
    positionId: row.id,
    symbol: row.symbol,
    side: row.side,
    notional: row.notional,
    confidence: Number(row.signalConfidence),
    openedAtMs: row.entryTime.getTime(),
    policy: { version: row.version, thresholds: row.thresholds, timeScale },
  }));
}

interface CandidateRow extends Record<string, unknown> {
  readonly id: string;
  readonly tradeId: string;
  readonly symbol: string;
  readonly side: Side;
  readonly entryTime: Date;
  readonly signalConfidence: string;
  readonly version: number;
  readonly thresholds: Thresholds;
  readonly notional: string;
}
