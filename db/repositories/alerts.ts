import type { Pool } from 'pg';
import { alertTable, type AlertRow } from '../entities/alerts.ts';
import { selectRows } from '../sql.ts';
import { inStatement, inTransaction } from '../transaction.ts';

/** What happened and is to be told. Rows are written by triggers, in the transaction of what they tell of. */
export interface AlertStore {
  /**
   * Gives the oldest rows that nobody took over yet to `take`, and marks them once it resolves. They are locked
   * meanwhile: another process gets others. When it rejects, or this process dies, they wait as before, so `take`
   * may be given a row again. Returns how many there were.
   */
  handOver(limit: number, take: (alerts: readonly AlertRow[]) => Promise<void>): Promise<number>;
  /** The newest first. */
  list(filter?: { readonly limit?: number }): Promise<AlertRow[]>;
  /** Removes what was handed over before that time; returns how many. */
  prune(beforeMs: number): Promise<number>;
}

export function createAlertStore(pool: Pool): AlertStore {
  return {
    handOver: (limit, take) =>
      inTransaction(pool, async (client) => {
        const alerts = await selectRows(
          client,
          alertTable,
          'WHERE "handedOverAt" IS NULL ORDER BY "occurredAt" LIMIT $1 FOR UPDATE SKIP LOCKED',
          [limit],
        );
        if (alerts.length === 0) return 0;
        await take(alerts);
        const ids = alerts.map(({ id }) => id);
        await client.query(
          'UPDATE "Alert" SET "handedOverAt" = clock_timestamp() WHERE "id" = ANY ($1::text[])',
          [ids],
        );
        return alerts.length;
      }),
    list: ({ limit = 50 } = {}) =>
      selectRows(pool, alertTable, 'ORDER BY "occurredAt" DESC, "id" LIMIT $1', [limit]),
    async prune(beforeMs) {
      const { rowCount } = await inStatement(pool, 'DELETE FROM "Alert" WHERE "handedOverAt" < $1', [
        new Date(beforeMs),
      ]);
      return rowCount ?? 0;
    },
  };
}
