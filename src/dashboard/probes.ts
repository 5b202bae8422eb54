import type { Client } from '@temporalio/client';
import type { Pool } from 'pg';
import type { Exchange } from '../exchange/port.ts';
import type { Probes } from './health.ts';

export interface ProbeDependencies {
  readonly pool: () => Promise<Pool>;
  readonly temporal: () => Promise<Client>;
  readonly exchange: Pick<Exchange, 'quotes'>;
  /** Whose quote is asked for. */
  readonly symbol: string;
  readonly now: () => number;
}

/** The mark is as old as the row said, plus the time since the row was written; before its first mark, since it opened. */
const FRESHEST_MARK = `
  SELECT min(coalesce("markAgeMs", 0) + extract(epoch FROM clock_timestamp() - "updatedAt") * 1000)::double precision AS age
  FROM "LivePosition" WHERE "status" = 'open'`;

export function createProbes({ pool, temporal, exchange, symbol }: ProbeDependencies): Probes {
  return {
    async temporal() {
      const { connection, options } = await temporal();
      await connection.workflowService.describeNamespace({ namespace: options.namespace });
    },
    async database() {
      await (await pool()).query('SELECT 1');
    },
    async freshestMarkAgeMs() {
      const { rows } = await (await pool()).query<{ age: number | null }>(FRESHEST_MARK);
      const age = rows[0]?.age ?? null;
      return age === null ? null : Math.max(0, Math.round(age));
    },
    async exchange() {
      await exchange.quotes([symbol]);
    },
  };
}
