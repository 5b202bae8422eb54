import type { Pool } from 'pg';
import { fitEntry, type EntrySize, type FittedSize, type ShrinkRules } from '../../src/domain/entry-size.ts';
import { big, isPositive, text, ZERO, type Decimal } from '../../src/domain/money.ts';
import type { Side } from '../../src/domain/position.ts';
import { checkProtections, type ProtectionRefusal, type Protections } from '../../src/domain/protections.ts';
import {
  CAPITAL_LIMITS,
  checkEntry,
  without,
  type EntryRequest,
  type Refusal,
  type RiskLimits,
  type RiskSnapshot,
} from '../../src/domain/risk.ts';
import { weakestToRotate, type GivingWay } from '../../src/domain/rotation.ts';
import type { RotationRow } from '../entities/capital.ts';
import { inTransaction, type Queryable } from '../transaction.ts';
import { writeIntent, type NewIntent } from './intents.ts';
import { peakOf, readLossHistory } from './loss-history.ts';
import { readProtectionHistory } from './protection-history.ts';
import {
  beginRotation,
  endRotation,
  expireRotations,
  rotationCandidates,
  waitingRotation,
  type RotationRequest,
} from './rotation.ts';

export interface ReserveRequest extends EntryRequest {
  readonly side: Side;
  readonly limits: RiskLimits;
  readonly protections: Protections;
  /** From the exchange's balances, quote currency; null when not known. */
  readonly equity: Decimal | null;
  /** The same in the account's currency, where that is another one. */
  readonly accountEquity?: Decimal | null;
  /** Cash that nothing holds, quote currency; null where the entry needs none. */
  readonly freeCash?: Decimal | null;
  /** For `notional` in full. */
  readonly intent: NewIntent;
  /** Where the entry may be smaller than asked; without it a limit that leaves too little refuses. */
  readonly shrink?: ShrinkRules;
  /** A weaker position may make room; without it a reached limit is the end. */
  readonly rotation?: RotationRequest;
  readonly nowMs: number;
}

export type Reservation =
  | ({ readonly kind: 'reserved' } & EntrySize)
  /** Capital is fully used, and a position may make room: it has to be asked, and its money waited for. */
  | { readonly kind: 'waiting'; readonly weakest: GivingWay; readonly message: string }
  | { readonly kind: 'rejected'; readonly limit: AnyRefusal['limit']; readonly message: string };

type AnyRefusal = Refusal | ProtectionRefusal;

/** Serializes all reserving: limits that are checked and used up under one lock can't be exceeded together. */
const RESERVE_LOCK = 7_041_954;

/**
 * Checks limits and protections, holds the capital and writes the entry intent, all or nothing. A trade that holds its
 * reservation gets the same answer again; a rejection holds nothing and is judged anew.
 */
export async function reserve(pool: Pool, request: ReserveRequest): Promise<Reservation> {
  return inTransaction(pool, async (client) => {
    await client.query('SELECT pg_advisory_xact_lock($1)', [RESERVE_LOCK]);
    const earlier = await client.query<EarlierRow>(EARLIER, [request.tradeId]);
    const [held] = earlier.rows;
    if (held?.status === 'held')
      return { kind: 'reserved', quantity: text(big(held.quantity)), notional: text(big(held.notional)) };
    const ended = held ? (held.reason ?? 'its capital was released') : null;
    const refuse = await judgeBy(client, request);
    const snapshot = await readSnapshot(client, request, ended);
    const { wanted, fitted } = sizes(request, snapshot);
    const { quantity, notional, tooLittle } = fitted;
    const refusal = refuse(snapshot, notional);
    if (refusal) {
      const rotation = await makeRoom(client, { ...request, notional: wanted }, snapshot, refusal, refuse);
      if (!rotation) {
        const { limit, message } = refusal;
        return {
          kind: 'rejected',
          limit,
          message: SIZE_LIMITS.includes(limit) && tooLittle ? `${message}; ${tooLittle}` : message,
        };
      }
      const { weakestTradeId: tradeId, weakestPositionId: positionId } = rotation;
      const message = `${refusal.message}; waiting for the capital of trade ${tradeId} (confidence ${rotation.weakestConfidence} against ${rotation.confidence})`;
      return { kind: 'waiting', weakest: { tradeId, positionId }, message };
    }
    await client.query(
      `INSERT INTO "CapitalReservation" ("tradeId", "symbol", "side", "notional", "status")
       VALUES ($1, $2, $3, $4, 'held')`,
      [request.tradeId, request.symbol, request.side, notional],
    );
    await writeIntent(client, { ...request.intent, quantity, status: 'planned' });
    if (request.rotation) await endRotation(client, request.tradeId, 'taken', request.nowMs);
    return { kind: 'reserved', quantity, notional };
  });
}

interface EarlierRow extends Record<string, unknown> {
  readonly status: string;
  readonly reason: string | null;
  readonly notional: string;
  readonly quantity: string;
}

/** Both are written together. */
const EARLIER = `
  SELECT held."status", held."reason", held."notional", intent."quantity"
  FROM "CapitalReservation" AS held
  JOIN "OrderIntent" AS intent ON intent."tradeId" = held."tradeId" AND intent."leg" = 'entry'
  WHERE held."tradeId" = $1`;

/** What shrinking an entry can help against. */
const SIZE_LIMITS: readonly string[] = ['maxNotional', 'maxEquityShare', 'maxExposure', 'funds'];

/** What is asked for is taken whole where it may not be smaller. */
function sizes(request: ReserveRequest, standing: RiskSnapshot): { wanted: Decimal; fitted: FittedSize } {
  const { notional, intent, shrink, limits, protections, equity } = request;
  const asked = { quantity: intent.quantity, notional };
  if (!shrink) return { wanted: notional, fitted: { ...asked, tooLittle: null } };
  return fitEntry(asked, { limits, protections, equity, standing }, shrink);
}

/** Notes that the position did not make room; the entry may find another. */
export async function declineRotation(pool: Pool, tradeId: string, nowMs: number): Promise<void> {
  await inTransaction(pool, (client) => endRotation(client, tradeId, 'declined', nowMs));
}

type Judge = (snapshot: RiskSnapshot, notional: Decimal) => AnyRefusal | null;

async function judgeBy(client: Queryable, request: ReserveRequest): Promise<Judge> {
  const { limits, protections, symbol, nowMs } = request;
  const history = await readProtectionHistory(client, protections, symbol, nowMs);
  return (snapshot, notional) => {
    const entry = { ...request, notional };
    return checkEntry(limits, snapshot, entry) ?? checkProtections(protections, history, entry);
  };
}

/** The position that is waited for: the one that was asked already, or the weakest whose going is all that is missing. */
async function makeRoom(
  client: Queryable,
  request: ReserveRequest,
  snapshot: RiskSnapshot,
  refusal: AnyRefusal,
  refuse: Judge,
): Promise<RotationRow | null> {
  const { rotation, tradeId, symbol, side, notional, nowMs } = request;
  if (!rotation) return null;
  if (!CAPITAL_LIMITS.includes(refusal.limit)) {
    await endRotation(client, tradeId, 'expired', nowMs);
    return null;
  }
  await expireRotations(client, nowMs);
  const asked = await waitingRotation(client, tradeId);
  if (asked) return asked;
  const weakest = weakestToRotate(
    await rotationCandidates(client, tradeId, rotation.timeScale),
    { symbol, side, confidence: rotation.confidence },
    nowMs,
    (candidate) => refuse(without(snapshot, candidate, symbol), notional) === null,
  );
  if (!weakest) return null;
  const { limit } = refusal;
  return beginRotation(client, { tradeId, symbol, side, notional, limit, nowMs }, rotation, weakest);
}

/**
 * Capital in use: what is reserved, open positions (adopted ones) that have no reservation, and what others wait for.
 * The room that a position makes is theirs: of their claim only what goes beyond that position's counts while it is
 * still there, and all of it from then on.
 */
const IN_USE = `
  WITH used AS (
    SELECT "tradeId", "symbol", "side", "notional" FROM "CapitalReservation" WHERE "status" = 'held'
    UNION ALL
    SELECT "tradeId", "symbol", "side", "quantity" * "entryPrice" FROM "ManagedPosition" AS position
    WHERE "status" = 'open' AND NOT EXISTS (
      SELECT FROM "CapitalReservation" AS held
      WHERE held."tradeId" = position."tradeId" AND held."status" = 'held')),
  claims AS (
    SELECT claim."symbol", claim."side", used."tradeId" IS NULL AS "isFree",
      greatest(claim."notional" - coalesce(used."notional", 0), 0) AS beyond,
      CASE WHEN used."side" = 'long' THEN greatest(claim."notional" - used."notional", 0)
        ELSE claim."notional" END AS cash
    FROM "Rotation" AS claim LEFT JOIN used ON used."tradeId" = claim."weakestTradeId"
    WHERE claim."status" = 'waiting' AND claim."tradeId" <> $2 AND claim."expiresAt" > $3),
  in_use AS (
    SELECT "symbol", "notional", 1 AS positions FROM used
    UNION ALL SELECT "symbol", beyond, CASE WHEN "isFree" THEN 1 ELSE 0 END FROM claims)
  SELECT coalesce(sum(positions), 0) AS total, count(*) FILTER (WHERE "symbol" = $1) AS "ofSymbol",
    coalesce(sum("notional"), 0) AS exposure,
    (SELECT coalesce(sum(cash), 0) FROM claims WHERE "side" = 'long') AS claimed
  FROM in_use`;

async function readSnapshot(
  client: Queryable,
  request: ReserveRequest,
  ended: string | null,
): Promise<RiskSnapshot> {
  const { nowMs, accountEquity: equity = request.equity } = request;
  const { rows } = await client.query<{ total: string; ofSymbol: string; exposure: string; claimed: string }>(
    IN_USE,
    [request.symbol, request.tradeId, new Date(nowMs)],
  );
  const [use] = rows;
  if (!use) throw new Error('an aggregate always has one row');
  const { halt, peak, realizedToday, dayStartEquity } = await readLossHistory(client, nowMs);
  return {
    nowMs,
    halt,
    openPositions: Number(use.total),
    openPositionsOfSymbol: Number(use.ofSymbol),
    exposure: text(big(use.exposure)),
    freeCash: unclaimed(request.freeCash ?? null, use.claimed),
    realizedToday,
    equity,
    dayStartEquity,
    peakEquity: peakOf(equity, peak),
    ended,
  };
}

/** What others wait for is not free, also once it has come. */
function unclaimed(freeCash: Decimal | null, claimed: string): Decimal | null {
  if (freeCash === null) return null;
  const left = text(big(freeCash).minus(big(claimed)));
  return isPositive(left) ? left : ZERO;
}
