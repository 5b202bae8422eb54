import { pino } from 'pino';
import { startPostgres } from '../../../src/embedded/postgres.ts';
import { identify, isRunning } from '../../../src/embedded/process-identity.ts';
import { resolveTemporalCli } from '../../../src/embedded/temporal-cli.ts';
import { PUNCTUAL_TIMERS, startTemporal } from '../../../src/embedded/temporal.ts';
import type { Process } from './part.ts';
import { temporalOnPostgres, type TemporalOnPostgresOptions } from './temporal-on-postgres.ts';

/** `dev`: the dev server on its file, as `holdfast up` runs it. `postgres`: the full server, as the services run it. */
export const TEMPORAL_KINDS = ['dev', 'postgres'] as const;
export type TemporalKind = (typeof TEMPORAL_KINDS)[number];

/** How PostgreSQL is started, again and again, on the same data. */
export function databaseServer(
  dataDir: string,
  port: number,
  onUrl: (url: string) => void,
): () => Promise<Process> {
  return async () => {
    const server = await startPostgres({
      dataDir,
      port,
      log: () => undefined,
      // The kernel survives every fault of a storm, and with it what was written.
      settings: { fsync: 'off', full_page_writes: 'off', max_connections: '200' },
    });
    onUrl(server.databaseUrl);
    return { pid: server.pid, ended: endOf(server.pid), stop: () => server.stop() };
  };
}

async function endOf(pid: number): Promise<void> {
  const identity = await identify(pid);
  while (identity !== null && (await isRunning(identity)))
    await new Promise((resolve) => setTimeout(resolve, 100));
}

/** How Temporal is started, again and again, on the same data. */
export async function temporalServer(
  kind: TemporalKind,
  options: TemporalOnPostgresOptions,
): Promise<() => Promise<Process>> {
  if (kind === 'postgres') return temporalOnPostgres(options);
  const { directory: dataDir, port, say } = options;
  const log = pino({ level: 'silent' });
  const { path: cli } = await resolveTemporalCli({ log, onProgress: say });
  return () => startTemporal({ cli, dataDir, port, uiPort: null, log, dynamicConfig: [PUNCTUAL_TIMERS] });
}
