import type { Pool } from 'pg';
import type { Decimal } from '../../src/domain/money.ts';
import type { Side } from '../../src/domain/position.ts';
import { baseAsset } from '../../src/domain/symbols.ts';
import type { LiveTradeRow, ManagedTradeRow } from '../../src/domain/records.ts';
import { tradeOutcomeTable, type TradeOutcomeRow } from '../entities/learning.ts';
import { capitalReservationTable, orderIntentTable, type OrderIntentRow } from '../entities/orders.ts';
import type { CapitalReservationRow } from '../entities/orders.ts';
import {
  liveTradeTable,
  managedTradeTable,
  storedLivePositionTable,
  storedPositionTable,
  type StoredLivePosition,
  type StoredPosition,
} from '../entities/positions.ts';
import { columnList, selectRows } from '../sql.ts';
import { decodeRow } from '../table.ts';
import { readStats, type TradeStats } from './stats.ts';

export type { TradeStats } from './stats.ts';

export interface PositionFilter {
  /** `all` by default. */
  readonly status?: 'open' | 'closed' | 'all';
  readonly symbol?: string;
  /** Newest first; all of them by default. */
  readonly limit?: number;
}

/** A position with what the market makes of it; `live` is null only if somebody deleted the row. */
export type PositionView = StoredPosition & { readonly live: StoredLivePosition | null };

/** Everything the database knows of one trade, each list in order of time. */
export interface TradeHistory {
  readonly tradeId: string;
  readonly reservation: CapitalReservationRow | null;
  readonly intents: readonly OrderIntentRow[];
  readonly position: PositionView | null;
  readonly trades: readonly ManagedTradeRow[];
  readonly liveTrades: readonly LiveTradeRow[];
  readonly outcome: TradeOutcomeRow | null;
}

/** A position's row as reconciliation compares it. */
export type AuditedPosition = Pick<
  StoredPosition,
  'id' | 'tradeId' | 'status' | 'symbol' | 'side' | 'quantity' | 'entryTime' | 'createdAt'
> & {
  /** Whether its entry trade, live position and live trade are there. */
  readonly isComplete: boolean;
};

/** An open position with what its entry bought: what it may hold of an asset, at most. */
export interface OpenClaim {
  readonly tradeId: string;
  /** Base currency. */
  readonly quantity: Decimal;
}

/** Reads only. Times in and out are epoch ms. */
export interface LedgerReader {
  positions(filter?: PositionFilter): Promise<PositionView[]>;
  /** By position id or trade id. */
  position(id: string): Promise<PositionView | null>;
  /** By trade id or position id; null when nothing is known of it. */
  trade(id: string): Promise<TradeHistory | null>;
  /** Open positions by symbol; symbols without one are missing. */
  openPositionCounts(): Promise<Map<string, number>>;
  hasOpenShort(): Promise<boolean>;
  /** Other open positions whose holding the exchange tells only together with this one's. */
  claimsBeside(position: { positionId: string; symbol: string; side: Side }): Promise<OpenClaim[]>;
  /** For reconciliation: all open ones, and those that were written since. */
  auditedPositions(sinceMs: number): Promise<AuditedPosition[]>;
  /** Intents that were written since, or are not finished. */
  intents(sinceMs: number): Promise<OrderIntentRow[]>;
  heldReservations(): Promise<{ tradeId: string; symbol: string; notional: string; createdAtMs: number }[]>;
  /** Over trades that closed since. */
  stats(sinceMs: number): Promise<TradeStats>;
  /** For a spreadsheet, oldest first: closed positions, orders with their fills summed, outcomes. */
  exportTrades(sinceMs?: number): Promise<StoredPosition[]>;
  exportFills(sinceMs?: number): Promise<LiveTradeRow[]>;
  exportOutcomes(sinceMs?: number): Promise<TradeOutcomeRow[]>;
}

export function createLedgerReader(pool: Pool): LedgerReader {
  return {
    positions: (filter) => readPositions(pool, filter),
    position: (id) => readPosition(pool, id),
    trade: (id) => readTrade(pool, id),
    async openPositionCounts() {
      const { rows } = await pool.query<{ symbol: string; count: number }>(
        `SELECT "symbol", count(*)::integer AS count FROM "ManagedPosition" WHERE "status" = 'open' GROUP BY "symbol"`,
      );
      return new Map(rows.map(({ symbol, count }) => [symbol, count]));
    },
    async hasOpenShort() {
      const { rows } = await pool.query<{ found: boolean }>(
        `SELECT EXISTS (SELECT FROM "ManagedPosition" WHERE "status" = 'open' AND "side" = 'short') AS found`,
      );
      return rows[0]?.found ?? false;
    },
    async claimsBeside({ positionId, symbol, side }) {
      const rows = await selectRows(
        pool,
        storedPositionTable,
        `WHERE "status" = 'open' AND "id" <> $1 AND "side" = $2
           AND CASE WHEN $2 = 'long' THEN split_part("symbol", '/', 1) = $3 ELSE "symbol" = $4 END`,
        [positionId, side, baseAsset(symbol), symbol],
      );
      return rows.map(({ tradeId, quantity }) => ({ tradeId, quantity }));
    },
    auditedPositions: (sinceMs) => readAuditedPositions(pool, sinceMs),
    intents: (sinceMs) =>
      selectRows(
        pool,
        orderIntentTable,
        `WHERE "createdAt" >= $1 OR "status" IN ('planned', 'sent', 'accepted', 'unknown') ORDER BY "createdAt"`,
        [new Date(sinceMs)],
      ),
    async heldReservations() {
      const rows = await selectRows(
        pool,
        capitalReservationTable,
        `WHERE "status" = 'held' ORDER BY "createdAt"`,
      );
      return rows.map(({ tradeId, symbol, notional, createdAt }) => ({
        tradeId,
        symbol,
        notional,
        createdAtMs: createdAt,
      }));
    },
    stats: (sinceMs) => readStats(pool, sinceMs),
    exportTrades: (sinceMs = 0) =>
      selectRows(
        pool,
        storedPositionTable,
        `WHERE "status" = 'closed' AND "exitTime" >= $1 ORDER BY "exitTime", "id"`,
        [new Date(sinceMs)],
      ),
    exportFills: (sinceMs = 0) =>
      selectRows(pool, liveTradeTable, 'WHERE "executedAt" >= $1 ORDER BY "executedAt", "id"', [
        new Date(sinceMs),
      ]),
    exportOutcomes: (sinceMs = 0) =>
      selectRows(pool, tradeOutcomeTable, 'WHERE "closedAt" >= $1 ORDER BY "closedAt", "positionId"', [
        new Date(sinceMs),
      ]),
  };
}

const LIVE = storedLivePositionTable;
const WITH_LIVE = `SELECT ${columnList(storedPositionTable, 'position')},
  ${Object.keys(LIVE.columns)
    .map((name) => `live."${name}" AS "live.${name}"`)
    .join(', ')}
  FROM "ManagedPosition" AS position LEFT JOIN "LivePosition" AS live ON live."positionId" = position."id"`;

function toView(raw: Record<string, unknown>): PositionView {
  const live = raw['live.id'] === null ? null : decodeRow(LIVE, raw, 'live.');
  return { ...decodeRow(storedPositionTable, raw), live };
}

async function readPositions(
  pool: Pool,
  { status = 'all', symbol, limit }: PositionFilter = {},
): Promise<PositionView[]> {
  const { rows } = await pool.query<Record<string, unknown>>(
    `${WITH_LIVE} WHERE ($1 = 'all' OR position."status" = $1) AND ($2::text IS NULL OR position."symbol" = $2)
     ORDER BY position."createdAt" DESC, position."id" LIMIT $3`,
    [status, symbol ?? null, limit ?? null],
  );
  return rows.map(toView);
}

async function readPosition(pool: Pool, id: string): Promise<PositionView | null> {
  const { rows } = await pool.query<Record<string, unknown>>(
    `${WITH_LIVE} WHERE position."id" = $1 OR position."tradeId" = $1`,
    [id],
  );
  return rows[0] ? toView(rows[0]) : null;
}

async function readAuditedPositions(pool: Pool, sinceMs: number): Promise<AuditedPosition[]> {
  const { rows } = await pool.query<Record<string, unknown> & { isComplete: boolean }>(
    `SELECT ${columnList(storedPositionTable, 'position')},
       EXISTS (SELECT FROM "ManagedTrade" WHERE "id" = position."entryTradeId")
       AND EXISTS (SELECT FROM "LivePosition" WHERE "positionId" = position."id")
       AND EXISTS (SELECT FROM "LiveTrade" WHERE "positionId" = position."id" AND "purpose" = 'open') AS "isComplete"
     FROM "ManagedPosition" AS position WHERE "status" = 'open' OR "createdAt" >= $1`,
    [new Date(sinceMs)],
  );
  return rows.map((row) => ({ ...decodeRow(storedPositionTable, row), isComplete: row.isComplete }));
}

async function readTrade(pool: Pool, id: string): Promise<TradeHistory | null> {
  const position = await readPosition(pool, id);
  const tradeId = position?.tradeId ?? id;
  const [reservation] = await selectRows(pool, capitalReservationTable, 'WHERE "tradeId" = $1', [tradeId]);
  const intents = await selectRows(
    pool,
    orderIntentTable,
    'WHERE "tradeId" = $1 ORDER BY "createdAt", "leg"',
    [tradeId],
  );
  if (!position && !reservation && intents.length === 0) return null;
  const positionId = [position?.id ?? null];
  const ofPosition = 'WHERE "positionId" = $1';
  const [outcome] = await selectRows(pool, tradeOutcomeTable, ofPosition, positionId);
  return {
    tradeId,
    reservation: reservation ?? null,
    intents,
    position,
    trades: await selectRows(
      pool,
      managedTradeTable,
      `${ofPosition} ORDER BY "executedAt", "id"`,
      positionId,
    ),
    liveTrades: await selectRows(
      pool,
      liveTradeTable,
      `${ofPosition} ORDER BY "executedAt", "id"`,
      positionId,
    ),
    outcome: outcome ?? null,
  };
}
