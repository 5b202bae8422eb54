import type { Pool } from 'pg';
import { big, text, type Decimal } from '../../src/domain/money.ts';

/** What closed trades came to. Amounts in quote currency; null where no trade says anything. */
export interface TradeStats {
  readonly sinceMs: number;
  readonly closedTrades: number;
  readonly openPositions: number;
  readonly wins: number;
  /** Fraction of closed trades with a net profit. */
  readonly winRate: number | null;
  /** Net P&L in all, and per trade. */
  readonly netPnl: Decimal;
  readonly expectedValue: Decimal | null;
  /** Net profit of the winners over net loss of the others; null without a loss. */
  readonly profitFactor: number | null;
  readonly averageHoldMs: number | null;
  readonly fees: Decimal;
  /** Deepest fall of the realized P&L from its peak. */
  readonly maxDrawdown: Decimal;
  readonly byExitReason: Readonly<Record<string, { readonly trades: number; readonly netPnl: Decimal }>>;
}

const TOTALS = `
  WITH closed AS (
    SELECT "realizedPnL" AS pnl, "fees", "exitTime" - "entryTime" AS held,
      sum("realizedPnL") OVER (ORDER BY "exitTime", "id") AS curve, "exitTime", "id"
    FROM "ManagedPosition" WHERE "status" = 'closed' AND "exitTime" >= $1),
  falls AS (
    SELECT *, greatest(max(curve) OVER (ORDER BY "exitTime", "id"), 0) - curve AS fall FROM closed)
  SELECT count(*)::integer AS trades,
    (SELECT count(*)::integer FROM "ManagedPosition" WHERE "status" = 'open') AS open,
    (count(*) FILTER (WHERE pnl > 0))::integer AS wins,
    coalesce(sum(pnl), 0) AS net, round(avg(pnl), 12) AS mean,
    coalesce(sum(pnl) FILTER (WHERE pnl > 0), 0) AS won, coalesce(-sum(pnl) FILTER (WHERE pnl < 0), 0) AS lost,
    (extract(epoch FROM avg(held)) * 1000)::double precision AS held,
    coalesce(sum("fees"), 0) AS fees, coalesce(max(fall), 0) AS fall
  FROM falls`;

interface Totals {
  readonly trades: number;
  readonly open: number;
  readonly wins: number;
  readonly net: string;
  readonly mean: string | null;
  readonly won: string;
  readonly lost: string;
  readonly held: number | null;
  readonly fees: string;
  readonly fall: string;
}

export async function readStats(pool: Pool, sinceMs: number): Promise<TradeStats> {
  const since = new Date(sinceMs);
  const { rows } = await pool.query<Totals & Record<string, unknown>>(TOTALS, [since]);
  const reasons = await pool.query<{ reason: string; trades: number; net: string }>(
    `SELECT "exitReason" AS reason, count(*)::integer AS trades, sum("realizedPnL") AS net FROM "ManagedPosition"
     WHERE "status" = 'closed' AND "exitTime" >= $1 GROUP BY "exitReason" ORDER BY count(*) DESC, "exitReason"`,
    [since],
  );
  const [totals] = rows;
  if (!totals) throw new Error('an aggregate always has one row');
  const lost = Number(totals.lost);
  return {
    sinceMs,
    closedTrades: totals.trades,
    openPositions: totals.open,
    wins: totals.wins,
    winRate: totals.trades > 0 ? totals.wins / totals.trades : null,
    netPnl: plain(totals.net),
    expectedValue: totals.mean === null ? null : plain(totals.mean),
    profitFactor: lost > 0 ? Number(totals.won) / lost : null,
    averageHoldMs: totals.held === null ? null : Math.round(totals.held),
    fees: plain(totals.fees),
    maxDrawdown: plain(totals.fall),
    byExitReason: Object.fromEntries(
      reasons.rows.map(({ reason, trades, net }) => [reason, { trades, netPnl: plain(net) }]),
    ),
  };
}

function plain(numeric: string): Decimal {
  return text(big(numeric));
}
