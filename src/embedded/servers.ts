import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import { startPostgres } from './postgres.ts';
import { identify, isRunning } from './process-identity.ts';
import type { Running } from './supervisor.ts';
import { resolveTemporalCli } from './temporal-cli.ts';
import { startTemporal } from './temporal.ts';

/** The two servers of an embedded stack as parts that a supervisor can keep up. */

export interface RunningDatabase extends Running {
  readonly databaseUrl: string;
}

const LOOK_EVERY_MS = 250;

export async function runPostgres(options: {
  dataDir: string;
  port: number;
  log: Logger;
}): Promise<RunningDatabase> {
  const { dataDir, port, log } = options;
  const server = await startPostgres({
    dataDir,
    port,
    log: (line) => log.debug({ part: 'postgres' }, line),
  });
  const ended = endOf(server.pid);
  return {
    pid: server.pid,
    databaseUrl: server.databaseUrl,
    ended,
    stop: () => server.stop(),
    kill: async () => {
      server.kill();
      await ended;
    },
  };
}

export async function runTemporal(options: {
  dataDir: string;
  port: number;
  uiPort: number;
  log: Logger;
  env: NodeJS.ProcessEnv;
  onProgress: (line: string) => void;
  dynamicConfig: readonly string[];
  signal?: AbortSignal | undefined;
}): Promise<Running> {
  const { env, log, onProgress, signal } = options;
  const cli = await resolveTemporalCli({ env, log, onProgress, signal });
  const server = await startTemporal({ ...options, cli: cli.path });
  return {
    ...server,
    ended: server.ended.then(({ code, signal }) => `ended with ${signal ?? `code ${code}`}`),
  };
}

async function endOf(pid: number): Promise<string> {
  const identity = await identify(pid);
  while (identity !== null && (await isRunning(identity)))
    await delay(LOOK_EVERY_MS, undefined, { ref: false });
  return 'ended';
}
