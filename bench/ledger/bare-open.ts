import type { Pool } from 'pg';
import type { OpenRecords } from '../../src/domain/records.ts';
import { insertInto, Parameters } from '../../db/sql.ts';
import {
  livePositionTable,
  liveTradeTable,
  managedPositionTable,
  managedTradeTable,
} from '../../db/entities/positions.ts';
import type { Table } from '../../db/table.ts';

const BARE = (name: string): string => `Bare${name}`;
const NAMES = ['ManagedPosition', 'ManagedTrade', 'LivePosition', 'LiveTrade'];

/** The same columns, keys, checks and indexes, without references between them. */
export async function createBareTables(pool: Pool): Promise<void> {
  for (const name of NAMES) {
    await pool.query(`CREATE TABLE IF NOT EXISTS "${BARE(name)}" (LIKE "${name}" INCLUDING ALL)`);
  }
}

/** What anybody would write with pg: begin, four inserts, commit; nothing is read back, nothing is idempotent. */
export async function bareOpen(pool: Pool, records: OpenRecords): Promise<void> {
  const client = await pool.connect();
  try {
    await client.query('BEGIN');
    await insert(client, managedPositionTable, records.managedPosition);
    await insert(client, managedTradeTable, records.managedTrade);
    await insert(client, livePositionTable, records.livePosition);
    await insert(client, liveTradeTable, records.liveTrade);
    await client.query('COMMIT');
  } finally {
    client.release();
  }
}

async function insert<Row>(client: Pick<Pool, 'query'>, table: Table<Row>, row: Row): Promise<void> {
  const parameters = new Parameters();
  const text = insertInto({ ...table, name: BARE(table.name) }, row, parameters);
  await client.query(text, parameters.values);
}
