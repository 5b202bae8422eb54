import type { Pool, PoolClient, QueryResult, QueryResultRow } from 'pg';
import pg from 'pg';

/** Runs statements with parameters, inside a transaction or on its own. */
export interface Queryable {
  query<R extends QueryResultRow = Record<string, unknown>>(
    text: string,
    values?: unknown[],
  ): Promise<QueryResult<R>>;
}

const RACE_ATTEMPTS = 5;

/**
 * Runs `work` in one transaction; a lost race is run again. Any error means: rolled back, or (connection
 * lost while committing) not known. So everything written through here must be idempotent.
 */
export async function inTransaction<T>(pool: Pool, work: (client: PoolClient) => Promise<T>): Promise<T> {
  return throughRaces(async () => {
    const client = await pool.connect();
    try {
      await client.query('BEGIN');
      const result = await work(client);
      await client.query('COMMIT');
      client.release();
      return result;
    } catch (error) {
      await abandon(client, error);
      throw error;
    }
  });
}

/**
 * Runs a single statement, again after a lost race. With a name it is parsed and planned once per connection;
 * a name belongs to one text for ever.
 */
export async function inStatement<R extends QueryResultRow = Record<string, unknown>>(
  pool: Pool,
  text: string,
  values: unknown[],
  name?: string,
): Promise<QueryResult<R>> {
  return throughRaces(async () => {
    const client = await pool.connect();
    try {
      const result = await client.query<R>({ text, values, ...(name === undefined ? {} : { name }) });
      client.release();
      return result;
    } catch (error) {
      // Without an answer of the server's own the connection may still be busy: it is not used again.
      client.release(isServerAnswer(error) ? undefined : true);
      throw error;
    }
  });
}

async function throughRaces<T>(attempt: () => Promise<T>): Promise<T> {
  for (let attempts = 1; ; attempts += 1) {
    try {
      return await attempt();
    } catch (error) {
      if (!isLostRace(error) || attempts >= RACE_ATTEMPTS) throw error;
    }
  }
}

async function abandon(client: PoolClient, error: unknown): Promise<void> {
  if (!isServerAnswer(error)) {
    client.release(true);
    return;
  }
  try {
    await client.query('ROLLBACK');
    client.release();
  } catch {
    client.release(true);
  }
}

/** The server refused the statement but the connection goes on. */
function isServerAnswer(error: unknown): boolean {
  return error instanceof pg.DatabaseError && error.severity === 'ERROR';
}

/**
 * Deadlocks, and the unique violation that two upserts of one new row can run into on an index other than
 * the one they name: the second attempt finds the row. A true violation stays one.
 */
function isLostRace(error: unknown): boolean {
  return error instanceof pg.DatabaseError && ['40P01', '40001', '23505'].includes(error.code ?? '');
}
