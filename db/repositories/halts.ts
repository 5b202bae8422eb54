import { randomUUID } from 'node:crypto';
import type { Pool } from 'pg';
import { haltTable, type HaltRow } from '../entities/oversight.ts';
import { selectRows } from '../sql.ts';
import { inTransaction } from '../transaction.ts';

export interface NewHalt {
  readonly reason: string;
  readonly actor: string;
  /** Whether every position is told to exit as well. */
  readonly flatten: boolean;
}

export interface HaltEnd {
  readonly actor: string;
  readonly reason: string | null;
}

/** The kill switch: rows, so that it outlives every process. Blocks entries, never exits. */
export interface HaltStore {
  start(halt: NewHalt): Promise<HaltRow>;
  /** Ends every halt; returns how many there were. */
  resume(end: HaltEnd): Promise<number>;
  /** The oldest that is in force. */
  active(): Promise<HaltRow | null>;
  list(): Promise<HaltRow[]>;
}

export function createHaltStore(pool: Pool): HaltStore {
  return {
    async start({ reason, actor, flatten }) {
      const id = randomUUID();
      return inTransaction(pool, async (client) => {
        await client.query(
          'INSERT INTO "Halt" ("id", "reason", "actor", "flatten") VALUES ($1, $2, $3, $4)',
          [id, reason, actor, flatten],
        );
        const [row] = await selectRows(client, haltTable, 'WHERE "id" = $1', [id]);
        if (!row) throw new Error(`halt ${id} was not written`);
        return row;
      });
    },
    async resume({ actor, reason }) {
      return inTransaction(pool, async (client) => {
        const { rowCount } = await client.query(
          `UPDATE "Halt" SET "endedAt" = clock_timestamp(), "endedBy" = $1, "endReason" = $2
           WHERE "endedAt" IS NULL`,
          [actor, reason],
        );
        return rowCount ?? 0;
      });
    },
    async active() {
      const [row] = await selectRows(pool, haltTable, 'WHERE "endedAt" IS NULL ORDER BY "startedAt" LIMIT 1');
      return row ?? null;
    },
    list: () => selectRows(pool, haltTable, 'ORDER BY "startedAt" DESC'),
  };
}
