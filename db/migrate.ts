import type { QueryConfig } from 'pg';
import type { DataSource } from 'typeorm';
import { poolOf } from './data-source.ts';

/** Any fixed number: the same for every process of ours. */
const MIGRATION_LOCK = 7_041_953;
/** Another process's migrations are waited for this long. */
const LOCK_WAIT_MS = 60_000;

/** Brings the schema up to date and returns what was applied; safe in any number of processes at once. */
export async function migrate(dataSource: DataSource): Promise<string[]> {
  return underLock(dataSource, async () => {
    const applied = await dataSource.runMigrations({ transaction: 'each' });
    return applied.map((migration) => migration.name);
  });
}

/** Names of the migrations that this schema lacks, oldest first. Only reads. */
export async function pendingMigrations(dataSource: DataSource): Promise<string[]> {
  const pool = poolOf(dataSource);
  const { rows: tables } = await pool.query<{ known: boolean }>(
    `SELECT to_regclass('"SchemaMigration"') IS NOT NULL AS known`,
  );
  const { rows } = tables[0]?.known
    ? await pool.query<{ name: string }>('SELECT name FROM "SchemaMigration"')
    : { rows: [] };
  const applied = new Set(rows.map(({ name }) => name));
  return dataSource.migrations
    .map((migration) => migration.name ?? migration.constructor.name)
    .filter((name) => !applied.has(name));
}

/** Takes back the newest migration. */
export async function revertLast(dataSource: DataSource): Promise<void> {
  await underLock(dataSource, () => dataSource.undoLastMigration({ transaction: 'each' }));
}

async function underLock<T>(dataSource: DataSource, work: () => Promise<T>): Promise<T> {
  const client = await poolOf(dataSource).connect();
  try {
    await client.query(`SET statement_timeout = ${LOCK_WAIT_MS}`);
    // pg takes a time-out per query; its types leave it out.
    const lock: QueryConfig & { query_timeout: number } = {
      text: 'SELECT pg_advisory_lock($1)',
      values: [MIGRATION_LOCK],
      query_timeout: LOCK_WAIT_MS + 5_000,
    };
    await client.query<never>(lock);
    return await work();
  } finally {
    // Ending the connection gives the lock back, whatever happened to it.
    client.release(true);
  }
}
