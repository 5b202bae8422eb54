import pg from 'pg';
import { DataSource, type DataSourceOptions } from 'typeorm';
import { entities } from './entities/index.ts';
import { migrations } from './migrations/index.ts';

export interface DatabaseOptions {
  /** Most connections of this process; 8 by default. */
  readonly poolSize?: number;
  readonly applicationName?: string;
  /** Hears of idle connections that broke; they are replaced by themselves. */
  readonly onConnectionError?: (error: Error) => void;
}

/** DATABASE_URL is wrong or nobody answers there. The message is one line and holds no password. */
export class DatabaseUnavailable extends Error {
  override readonly name = 'DatabaseUnavailable';
}

/** A TypeORM data source with a second, small pool: what one connection wrote is proven on another. */
export class Database extends DataSource {
  readonly witness: pg.Pool;

  constructor(options: DataSourceOptions, witness: pg.Pool) {
    super(options);
    this.witness = witness;
  }

  override async destroy(): Promise<void> {
    await this.witness.end();
    await super.destroy();
  }
}

/** Also the longest wait for a free connection. */
const CONNECT_TIMEOUT_MS = 5_000;
/** The server gives up first, so that a connection is not lost to every slow statement. */
const STATEMENT_TIMEOUT_MS = 4_000;
const ANSWER_TIMEOUT_MS = 5_000;
const POOL_SETTINGS: pg.PoolConfig = {
  statement_timeout: STATEMENT_TIMEOUT_MS,
  query_timeout: ANSWER_TIMEOUT_MS,
  idle_in_transaction_session_timeout: 15_000,
  keepAlive: true,
};

/**
 * Connects, or throws {@link DatabaseUnavailable}. A database that dies later fails each call within
 * about five seconds; calls work again as soon as it is back. Close with `dataSource.destroy()`.
 */
export async function openDatabase(databaseUrl: string, options: DatabaseOptions = {}): Promise<Database> {
  checkUrl(databaseUrl);
  const onError = options.onConnectionError ?? (() => undefined);
  const Pool = guardedPool(onError);
  const applicationName = options.applicationName ?? 'holdfast';
  const witness = new Pool({
    ...POOL_SETTINGS,
    connectionString: databaseUrl,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    application_name: `${applicationName} witness`,
    max: 2,
  });
  witness.on('error', onError);
  const database = new Database(
    {
      type: 'postgres',
      driver: { ...pg, Pool },
      url: databaseUrl,
      applicationName,
      poolSize: options.poolSize ?? 8,
      connectTimeoutMS: CONNECT_TIMEOUT_MS,
      poolErrorHandler: onError,
      extra: POOL_SETTINGS,
      entities,
      migrations,
      migrationsTableName: 'SchemaMigration',
      synchronize: false,
      logging: false,
    },
    witness,
  );
  try {
    await database.initialize();
    return database;
  } catch (cause) {
    await witness.end();
    throw new DatabaseUnavailable(`cannot use DATABASE_URL ${maskUrl(databaseUrl)}: ${reason(cause)}`);
  }
}

/** The pool under a data source, for statements that TypeORM need not see. */
export function poolOf(dataSource: DataSource): pg.Pool {
  return (dataSource.driver as unknown as { readonly master: pg.Pool }).master;
}

/** The second pool. Throws a `TypeError` when the data source is not one of {@link openDatabase}. */
export function witnessOf(dataSource: DataSource): pg.Pool {
  if (dataSource instanceof Database) return dataSource.witness;
  throw new TypeError('a ledger needs a data source that openDatabase made');
}

/** A database URL that may be shown: the password is replaced by `***`. */
export function maskUrl(databaseUrl: string): string {
  try {
    const url = new URL(databaseUrl);
    if (url.password !== '') url.password = '***';
    url.searchParams.delete('password');
    return url.href;
  } catch {
    return '(not a URL)';
  }
}

/** A pool with a listener on every connection: one that breaks while checked out would end the process. */
function guardedPool(onError: (error: Error) => void): typeof pg.Pool {
  return class GuardedPool extends pg.Pool {
    constructor(config?: pg.PoolConfig) {
      super(config);
      this.on('connect', (client) => client.on('error', onError));
    }
  };
}

function checkUrl(databaseUrl: string): void {
  let url: URL;
  try {
    url = new URL(databaseUrl);
  } catch {
    throw new DatabaseUnavailable(
      'DATABASE_URL is not a URL: expected postgresql://user:password@host:5432/database',
    );
  }
  if (!['postgres:', 'postgresql:'].includes(url.protocol))
    throw new DatabaseUnavailable(
      `DATABASE_URL begins with ${url.protocol}//, it must begin with postgresql://`,
    );
}

function reason(cause: unknown): string {
  if (cause instanceof AggregateError && cause.errors.length > 0) return reason(cause.errors[0]);
  const { message, code } = cause as NodeJS.ErrnoException;
  switch (code) {
    case 'ECONNREFUSED':
      return 'nobody listens there (ECONNREFUSED)';
    case 'ENOTFOUND':
      return 'the host name is unknown (ENOTFOUND)';
    default:
      return (message || String(code)).split('\n')[0] ?? '';
  }
}
