import { readFile } from 'node:fs/promises';
import { poolOf } from '../../../db/data-source.ts';
import { pendingMigrations } from '../../../db/migrate.ts';
import type { Session } from '../session.ts';
import { failed, ok, warning, type Check } from './check.ts';

const OLDEST_NODE = { major: 20, minor: 19 };

/** The programs and servers that Holdfast stands on, with their versions. */
export function serverChecks(session: Session): Check[] {
  return [
    { name: 'holdfast', run: async () => ok(`version ${await ownVersion()}`) },
    { name: 'node', run: () => Promise.resolve(nodeVersion(process.versions.node)) },
    { name: 'temporal', run: () => temporal(session) },
    { name: 'database', run: () => database(session) },
  ];
}

async function ownVersion(): Promise<string> {
  const text = await readFile(new URL('../../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

export function nodeVersion(version: string) {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const { major: least, minor: leastMinor } = OLDEST_NODE;
  if (major > least || (major === least && minor >= leastMinor)) return ok(`version ${version}`);
  return failed(`version ${version}; at least ${least}.${leastMinor} is needed`);
}

async function temporal(session: Session) {
  const { connection, options } = await session.temporal();
  const { namespace } = options;
  const { serverVersion } = await connection.workflowService.getSystemInfo({});
  await connection.workflowService.describeNamespace({ namespace });
  return ok(`server ${serverVersion}, namespace ${namespace}`);
}

async function database(session: Session) {
  const source = await session.database();
  const { rows } = await poolOf(source).query<{ server_version: string }>('SHOW server_version');
  const version = `PostgreSQL ${rows[0]?.server_version ?? 'of unknown version'}`;
  const pending = await pendingMigrations(source);
  if (pending.length === 0) return ok(`${version}, schema up to date`);
  return warning(
    `${version}, schema lacks ${pending.length} migrations from ${pending[0]} on; a worker applies them when it starts`,
  );
}
