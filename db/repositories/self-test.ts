import pg, { type Pool } from 'pg';
import { inTransaction } from '../transaction.ts';

/** Rows of the self-test carry this strategy, and nothing else is ever deleted. */
export const SELF_TEST_STRATEGY = 'self-test';

export interface SelfTestStore {
  /** Number of rows that a position has in the four tables. */
  countRows(positionId: string): Promise<number>;
  /**
   * Tries what the schema must refuse: an open position without an entry trade. False when it was accepted; throws
   * what was refused for any other reason.
   */
  isOrphanRefused(positionId: string): Promise<boolean>;
  /** Removes all that a self-test wrote; returns how many rows are left of it. */
  cleanUp(positionId: string): Promise<number>;
}

const FOREIGN_KEY_VIOLATION = '23503';

const TABLES = ['"LiveTrade"', '"LivePosition"', '"ManagedTrade"'] as const;

export function createSelfTestStore(pool: Pool): SelfTestStore {
  async function countRows(positionId: string): Promise<number> {
    const parts = TABLES.map((table) => `SELECT count(*) AS n FROM ${table} WHERE "positionId" = $1`);
    const all = [...parts, `SELECT count(*) AS n FROM "ManagedPosition" WHERE "id" = $1`].join(' UNION ALL ');
    const { rows } = await pool.query<{ total: string }>(`SELECT sum(n) AS total FROM (${all}) AS counted`, [
      positionId,
    ]);
    return Number(rows[0]?.total ?? 0);
  }

  return {
    countRows,
    async isOrphanRefused(positionId) {
      try {
        await pool.query(
          `INSERT INTO "ManagedPosition" ("id", "tradeId", "strategy", "symbol", "side", "quantity", "entryPrice", "entryTime",
             "entryTradeId", "status", "fees", "thresholdsVersion", "marketConditions")
           VALUES ($1, $1, $2, 'BTC/USD', 'long', 1, 1, now(), $3, 'open', 0, 1, '{}')`,
          [positionId, SELF_TEST_STRATEGY, `trade-missing-${positionId}`],
        );
        return false;
      } catch (error) {
        if (error instanceof pg.DatabaseError && error.code === FOREIGN_KEY_VIOLATION) return true;
        throw error;
      }
    },
    async cleanUp(positionId) {
      await inTransaction(pool, async (client) => {
        const mine = await client.query(
          'SELECT 1 FROM "ManagedPosition" WHERE "id" = $1 AND "strategy" = $2',
          [positionId, SELF_TEST_STRATEGY],
        );
        if (mine.rowCount === 0) return;
        await client.query('SET CONSTRAINTS ALL DEFERRED');
        await client.query('DELETE FROM "TradeOutcome" WHERE "positionId" = $1', [positionId]);
        for (const table of TABLES)
          await client.query(`DELETE FROM ${table} WHERE "positionId" = $1`, [positionId]);
        await client.query('DELETE FROM "ManagedPosition" WHERE "id" = $1', [positionId]);
      });
      return countRows(positionId);
    },
  };
}
