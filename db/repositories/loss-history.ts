import { big, text, type Decimal } from '../../src/domain/money.ts';
import type { RiskSnapshot } from '../../src/domain/risk.ts';
import type { Queryable } from '../transaction.ts';

/** Net P&L of what closed since midnight UTC; a loss is negative. */
export async function readRealizedToday(db: Queryable, nowMs: number): Promise<Decimal> {
  const { rows } = await db.query<{ today: string }>(
    `SELECT coalesce(sum("realizedPnL"), 0) AS today FROM "ManagedPosition"
     WHERE "status" = 'closed' AND "exitTime" >= $1`,
    [new Date(Math.floor(nowMs / 86_400_000) * 86_400_000)],
  );
  return text(big(rows[0]?.today ?? '0'));
}

/** The oldest that is in force. */
export async function readActiveHalt(db: Queryable): Promise<RiskSnapshot['halt']> {
  const { rows } = await db.query<{ reason: string; startedAt: Date }>(
    'SELECT "reason", "startedAt" FROM "Halt" WHERE "endedAt" IS NULL ORDER BY "startedAt" LIMIT 1',
  );
  const [halt] = rows;
  return halt ? { reason: halt.reason, startedAtMs: halt.startedAt.getTime() } : null;
}
