import { big, compare, text, type Decimal } from '../../src/domain/money.ts';
import type { LossSnapshot, RiskSnapshot } from '../../src/domain/risk.ts';
import type { Queryable } from '../transaction.ts';

type LossHistory = Omit<LossSnapshot, 'peakEquity'> &
  Pick<RiskSnapshot, 'halt'> & {
    /** By the newest snapshot, like the equity; null without one. */
    readonly peak: Decimal | null;
  };

const DAY_MS = 86_400_000;

/** One statement: it is asked under the lock that reserves. */
const LOSSES = `
  SELECT halt."reason", halt."startedAt", latest."equity", latest."peak",
    (SELECT coalesce(sum("realizedPnL"), 0) FROM "ManagedPosition"
     WHERE "status" = 'closed' AND "exitTime" >= $1) AS today,
    coalesce(
      (SELECT "equity" FROM "EquitySnapshot" WHERE "takenAt" < $1 ORDER BY "takenAt" DESC LIMIT 1),
      (SELECT "equity" FROM "EquitySnapshot" WHERE "takenAt" >= $1 ORDER BY "takenAt" LIMIT 1)) AS "dayStart"
  FROM (SELECT 1) AS always
  LEFT JOIN (SELECT * FROM "Halt" WHERE "endedAt" IS NULL ORDER BY "startedAt" LIMIT 1) AS halt ON true
  LEFT JOIN (SELECT * FROM "EquitySnapshot" ORDER BY "takenAt" DESC LIMIT 1) AS latest ON true`;

interface LossRow extends Record<string, unknown> {
  readonly reason: string | null;
  readonly startedAt: Date | null;
  readonly equity: string | null;
  readonly peak: string | null;
  readonly today: string;
  readonly dayStart: string | null;
}

/** The oldest halt in force, and what was lost: net P&L of what closed since midnight UTC, and equity as it was read. */
export async function readLossHistory(db: Queryable, nowMs: number): Promise<LossHistory> {
  const { rows } = await db.query<LossRow>(LOSSES, [new Date(Math.floor(nowMs / DAY_MS) * DAY_MS)]);
  const [row] = rows;
  if (!row) throw new Error('this statement always has one row');
  const { reason, startedAt, equity, peak, today, dayStart } = row;
  return {
    halt: startedAt && { reason: reason ?? '', startedAtMs: startedAt.getTime() },
    realizedToday: text(big(today)),
    equity: decimal(equity),
    peak: decimal(peak),
    dayStartEquity: decimal(dayStart),
  };
}

/** The peak of an equity that is newer than the snapshots; without one nothing is known of a time before. */
export function peakOf(equity: Decimal | null, peak: Decimal | null): Decimal | null {
  return equity !== null && peak !== null && compare(peak, equity) > 0 ? peak : equity;
}

function decimal(numeric: string | null): Decimal | null {
  return numeric === null ? null : text(big(numeric));
}
