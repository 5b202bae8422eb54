import type { Pool } from 'pg';
import { big, compare, text, type Decimal } from '../../src/domain/money.ts';
import type { Side } from '../../src/domain/position.ts';
import { checkProtections, type ProtectionRefusal, type Protections } from '../../src/domain/protections.ts';
import {
  checkEntry,
  type EntryRequest,
  type Refusal,
  type RiskLimits,
  type RiskSnapshot,
} from '../../src/domain/risk.ts';
import { inTransaction, type Queryable } from '../transaction.ts';
import { readEquityStanding } from './equity.ts';
import { writeIntent, type NewIntent } from './intents.ts';
import { readActiveHalt, readRealizedToday } from './loss-history.ts';
import { readProtectionHistory } from './protection-history.ts';

export interface ReserveRequest extends EntryRequest {
  readonly side: Side;
  readonly limits: RiskLimits;
  readonly protections: Protections;
  /** From the exchange's balances, quote currency; null when not known. */
  readonly equity: Decimal | null;
  /** The same in the account's currency, where that is another one. */
  readonly accountEquity?: Decimal | null;
  readonly intent: NewIntent;
  readonly nowMs: number;
}

export type Reservation =
  | { readonly kind: 'reserved' }
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
    const earlier = await client.query<{ status: string; reason: string | null }>(
      'SELECT "status", "reason" FROM "CapitalReservation" WHERE "tradeId" = $1',
      [request.tradeId],
    );
    const [held] = earlier.rows;
    if (held?.status === 'held') return { kind: 'reserved' };
    const ended = held ? (held.reason ?? 'its capital was released') : null;
    const refusal = await judge(client, request, ended);
    if (refusal) return { kind: 'rejected', ...refusal };
    await client.query(
      `INSERT INTO "CapitalReservation" ("tradeId", "symbol", "side", "notional", "status")
       VALUES ($1, $2, $3, $4, 'held')`,
      [request.tradeId, request.symbol, request.side, request.notional],
    );
    await writeIntent(client, { ...request.intent, status: 'planned' });
    return { kind: 'reserved' };
  });
}

async function judge(
  client: Queryable,
  request: ReserveRequest,
  ended: string | null,
): Promise<AnyRefusal | null> {
  const { limits, protections, symbol, nowMs } = request;
  const refusal = checkEntry(limits, await readSnapshot(client, request, ended), request);
  if (refusal) return refusal;
  const history = await readProtectionHistory(client, protections, symbol, nowMs);
  return checkProtections(protections, history, request);
}

/** Capital in use: what is reserved, and open positions (adopted ones) that have no reservation. */
const IN_USE = `
  SELECT "symbol", "notional" FROM "CapitalReservation" WHERE "status" = 'held'
  UNION ALL
  SELECT "symbol", "quantity" * "entryPrice" FROM "ManagedPosition" AS position
  WHERE "status" = 'open' AND NOT EXISTS (
    SELECT FROM "CapitalReservation" AS held
    WHERE held."tradeId" = position."tradeId" AND held."status" = 'held')`;

async function readSnapshot(
  client: Queryable,
  request: ReserveRequest,
  ended: string | null,
): Promise<RiskSnapshot> {
  const { nowMs, accountEquity: equity = request.equity } = request;
  const { rows } = await client.query<{ total: string; ofSymbol: string; exposure: string }>(
    `SELECT count(*) AS total, count(*) FILTER (WHERE "symbol" = $1) AS "ofSymbol",
       coalesce(sum("notional"), 0) AS exposure
     FROM (${IN_USE}) AS in_use`,
    [request.symbol],
  );
  const [use] = rows;
  if (!use) throw new Error('an aggregate always has one row');
  const { latest, dayStart } = await readEquityStanding(client, nowMs);
  return {
    nowMs,
    halt: await readActiveHalt(client),
    openPositions: Number(use.total),
    openPositionsOfSymbol: Number(use.ofSymbol),
    exposure: text(big(use.exposure)),
    realizedToday: await readRealizedToday(client, nowMs),
    equity,
    dayStartEquity: dayStart,
    // Without a snapshot nothing is known of a time before this equity.
    peakEquity: equity !== null && latest && compare(latest.peak, equity) > 0 ? latest.peak : equity,
    ended,
  };
}
