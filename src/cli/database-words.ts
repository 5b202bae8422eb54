/** What a refusal of PostgreSQL, by its SQLSTATE, asks of a person. */
const TO_DO: Readonly<Record<string, string>> = {
  '25006':
    'it takes no writes: is it a standby, or default_transaction_read_only on? Point DATABASE_URL at the primary',
  '42501': 'the user in DATABASE_URL may not do this: grant it, or use the owner of the tables',
  '42703': 'the schema is not the one of this version; a worker brings it up to date when it starts',
  '42P01': 'the schema is not the one of this version; a worker brings it up to date when it starts',
  '53100': 'its disk is full: make room there',
  '53300': 'it has no connection left: raise max_connections, or stop what holds them',
  '57014': 'it took too long: look for locks and load (pg_stat_activity)',
  '57P01': 'it is being shut down',
};

/** One line: what the database said, and what to do about it where that is known. */
export function databaseWords(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const [said = ''] = error.message.split('\n');
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  const toDo = TO_DO[code];
  return toDo === undefined ? said : `${said}; ${toDo}`;
}
