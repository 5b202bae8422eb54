import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { freePort } from './port-base.ts';
import type {} from 'vitest';
import type { TestProject } from 'vitest/node';
import { startPostgres } from '../../src/embedded/postgres.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Of the run's PostgreSQL, as its superuser; see database.ts for one of your own. */
    databaseUrl: string;
  }
}

/** One server for the whole run; durable enough for a test, quick enough for many. */
export async function setUpPostgres(project: TestProject): Promise<() => Promise<void>> {
  const directory = await mkdtemp(path.join(tmpdir(), 'holdfast-test-postgres-'));
  const server = await startPostgres({
    dataDir: path.join(directory, 'data'),
    port: await freePort(),
    log: () => undefined,
    settings: { fsync: 'off', full_page_writes: 'off', max_connections: '300' },
  });
  project.provide('databaseUrl', server.databaseUrl);
  return async () => {
    await server.stop();
    await rm(directory, { recursive: true, force: true });
  };
}
