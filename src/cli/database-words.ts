/** What a refusal of PostgreSQL means, by its SQLSTATE, and what to do about it. */
const MEANING: Readonly<Record<string, string>> = {
  '25006':
    'the database takes no writes: is it a standby, or default_transaction_read_only on? Point DATABASE_URL at the primary',
  '42501': 'the user in DATABASE_URL may not do this: grant it, or use the owner of the tables',
  '42703': 'the schema is not of this version; a worker brings it up to date when it starts',
  '42P01': 'the schema is not of this version; a worker brings it up to date when it starts',
  '53100': 'the disk of the database is full: make room there',
  '53300': 'the database has no connection left: raise max_connections, or stop what holds them',
  '57014': 'the database took too long: look for locks and load in pg_stat_activity',
  '57P01': 'the database is being shut down',
};

/** One line: what it means and what to do, where that is known, and what the database said. */
export function databaseWords(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const [said = ''] = error.message.split('\n');
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  const meaning = MEANING[code];
  return meaning === undefined ? said : `${meaning} (${said})`;
}
