import type { Pool } from 'pg';
import { entryBlocks, type EntryBlock } from '../../src/domain/entry-blocks.ts';
import type { Protections } from '../../src/domain/protections.ts';
import type { RiskLimits } from '../../src/domain/risk.ts';
import { riskRulesTable, type RiskRulesRow } from '../entities/capital.ts';
import { selectRows } from '../sql.ts';
import { inStatement, type Queryable } from '../transaction.ts';
import { peakOf, readLossHistory } from './loss-history.ts';
import { readProtectionHistory } from './protection-history.ts';

export interface RiskRules {
  readonly limits: RiskLimits;
  readonly protections: Protections;
}

/** What the owner allows, and what that forbids now. */
export interface RiskStore {
  /** A worker says by which rules it reserves; whoever only reads goes by those of the worker that started last. */
  publishRules(rules: RiskRules, workerId: string): Promise<void>;
  /** Null while no worker has ever started. */
  rules(): Promise<RiskRulesRow | null>;
  /** Everything that refuses entries at this moment, judged by the rows alone. */
  blocks(nowMs: number): Promise<EntryBlock[]>;
}

const PUBLISH = `
  INSERT INTO "RiskRules" ("id", "limits", "protections", "workerId") VALUES ('current', $1, $2, $3)
  ON CONFLICT ("id") DO UPDATE SET "limits" = EXCLUDED."limits", "protections" = EXCLUDED."protections",
    "workerId" = EXCLUDED."workerId", "setAt" = clock_timestamp()`;

export function createRiskStore(pool: Pool): RiskStore {
  const rules = async () => (await selectRows(pool, riskRulesTable))[0] ?? null;
  return {
    async publishRules({ limits, protections }, workerId) {
      await inStatement(pool, PUBLISH, [JSON.stringify(limits), JSON.stringify(protections), workerId]);
    },
    rules,
    async blocks(nowMs) {
      const inForce = await rules();
      return inForce === null ? [] : readBlocks(pool, inForce, nowMs);
    },
  };
}

async function readBlocks(db: Queryable, { limits, protections }: RiskRules, nowMs: number) {
  const { peak, ...losses } = await readLossHistory(db, nowMs);
  return entryBlocks(limits, protections, {
    nowMs,
    ...losses,
    peakEquity: peakOf(losses.equity, peak),
    histories: new Map(
      await Promise.all(
        (await closedSymbols(db, protections, nowMs)).map(
          async (symbol) => [symbol, await readProtectionHistory(db, protections, symbol, nowMs)] as const,
        ),
      ),
    ),
  });
}

/** In which something closed so recently that a protection may still look at it. */
async function closedSymbols(db: Queryable, protections: Protections, nowMs: number): Promise<string[]> {
  const { cooldownMs, stoplossGuard, lowProfit } = protections;
  const widestMs = Math.max(cooldownMs ?? 0, stoplossGuard?.windowMs ?? 0, lowProfit?.windowMs ?? 0);
  if (widestMs === 0) return [];
  const { rows } = await db.query<{ symbol: string }>(
    `SELECT DISTINCT "symbol" FROM "ManagedPosition" WHERE "status" = 'closed' AND "exitTime" > $1 ORDER BY "symbol"`,
    [new Date(nowMs - widestMs)],
  );
  return rows.map(({ symbol }) => symbol);
}
