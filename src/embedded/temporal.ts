import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Connection } from '@temporalio/client';
import type { Logger } from 'pino';
import { spawnGuarded, type GuardedProcess, type ProcessEnd } from './guarded-process.ts';
import { assertPortFree } from './ports.ts';

/** The search attributes of a trade, as DESIGN's Temporal section names them. */
export const SEARCH_ATTRIBUTES = {
  HoldfastSymbol: 'Keyword',
  HoldfastSide: 'Keyword',
  HoldfastStage: 'Keyword',
  HoldfastPositionId: 'Keyword',
  HoldfastExitRule: 'Keyword',
  HoldfastReturn: 'Double',
} as const satisfies Readonly<Record<string, 'Keyword' | 'Double'>>;

/** Short timers fire on time instead of within a second of it: for tests. */
export const PUNCTUAL_TIMERS = 'history.timerProcessorMaxTimeShift="1ms"';

const READY_WITHIN_MS = 60_000;
const STOP_WITHIN_MS = 20_000;
/** The namespace that the dev server comes with. */
export const DEFAULT_NAMESPACE = 'default';

export interface StartTemporalOptions {
  /** Path of the Temporal CLI. */
  readonly cli: string;
  /** Holds `temporal.db`; must exist. */
  readonly dataDir: string;
  readonly port: number;
  /** Null starts it without the Web UI. */
  readonly uiPort: number | null;
  readonly log: Logger;
  readonly searchAttributes?: Readonly<Record<string, string>>;
  /** `key=JSON value` pairs. */
  readonly dynamicConfig?: readonly string[];
}

export interface EmbeddedTemporal {
  readonly address: string;
  readonly namespace: string;
  readonly uiUrl: string | null;
  readonly pid: number;
  /** Settles when the process ends, wanted or not. */
  readonly ended: Promise<ProcessEnd>;
  /** Asks it to stop and waits for the process to end. */
  stop(): Promise<void>;
  /** kill -9. */
  kill(): Promise<void>;
}

/**
 * Starts the Temporal dev server on its database file and waits until it answers for the namespace.
 * @throws PortTaken, or Error with the server's own last words when it ends or stays silent before that.
 */
export async function startTemporal(options: StartTemporalOptions): Promise<EmbeddedTemporal> {
  const { port, uiPort, log } = options;
  // Whatever listens there already would answer in our server's stead.
  await assertPortFree(port, 'temporal');
  if (uiPort !== null) await assertPortFree(uiPort, 'temporalUi');
  const server = await spawnGuarded(options.cli, serverArguments(options));
  const lastWords = collectOutput(server, log);
  const address = `127.0.0.1:${port}`;
  try {
    await waitUntilServing(server, address);
  } catch (error) {
    server.child.kill('SIGKILL');
    await server.ended;
    const words = lastWords();
    const cause = error instanceof Error ? error.message : String(error);
    throw new Error(`Temporal did not start on port ${port}: ${cause}${words === '' ? '' : `: ${words}`}`, {
      cause: error,
    });
  }
  return {
    address,
    namespace: DEFAULT_NAMESPACE,
    uiUrl: uiPort === null ? null : `http://127.0.0.1:${uiPort}`,
    pid: server.pid,
    ended: server.ended,
    stop: () => stopServer(server, log),
    kill: async () => {
      server.child.kill('SIGKILL');
      await server.ended;
    },
  };
}

/**
 * The server asks a silent connection soon whether anybody is still there. A frozen worker, or one whose network is
 * cut, would else go on swallowing the tasks that its open polls receive, each until its time-out.
 */
const KEEP_ALIVE = ['frontend.keepAliveTime="2s"', 'frontend.keepAliveTimeout="2s"'];

function serverArguments(options: StartTemporalOptions): string[] {
  const { uiPort, searchAttributes = SEARCH_ATTRIBUTES } = options;
  const dynamicConfig = [...KEEP_ALIVE, ...(options.dynamicConfig ?? [])];
  return [
    ...['server', 'start-dev', '--ip', '127.0.0.1', '--port', String(options.port)],
    ...(uiPort === null ? ['--headless'] : ['--ui-port', String(uiPort)]),
    ...['--db-filename', join(options.dataDir, 'temporal.db')],
    ...['--sqlite-pragma', 'journal_mode=wal', '--sqlite-pragma', 'synchronous=1'],
    ...Object.entries(searchAttributes).flatMap(([name, type]) => ['--search-attribute', `${name}=${type}`]),
    ...dynamicConfig.flatMap((pair) => ['--dynamic-config-value', pair]),
    ...['--log-format', 'json', '--log-level', 'warn', '--color', 'never'],
  ];
}

/** Logs what the server writes and keeps its last lines, for the error if it doesn't come up. */
function collectOutput(server: GuardedProcess, log: Logger): () => string {
  const kept: string[] = [];
  const { stdout, stderr } = server.child;
  for (const stream of [stdout, stderr]) {
    if (stream === null) continue;
    createInterface({ input: stream }).on('line', (line) => {
      if (line.trim() === '') return;
      kept.push(line.trim());
      if (kept.length > 5) kept.shift();
      log.debug({ part: 'temporal' }, line);
    });
  }
  return () => kept.join(' | ');
}

async function waitUntilServing(server: GuardedProcess, address: string): Promise<void> {
  const until = Date.now() + READY_WITHIN_MS;
  let last: unknown = new Error('no answer');
  while (Date.now() < until) {
    const end = server.end();
    if (end !== null) throw new Error(`it ended with ${end.signal ?? end.code}`);
    try {
      await askForNamespace(address);
      return;
    } catch (error) {
      last = error;
    }
    await Promise.race([server.ended, new Promise((resolve) => setTimeout(resolve, 100))]);
  }
  throw last;
}

async function askForNamespace(address: string): Promise<void> {
  const connection = await Connection.connect({ address, connectTimeout: 2_000 });
  try {
    await connection.withDeadline(Date.now() + 2_000, () =>
      connection.workflowService.describeNamespace({ namespace: DEFAULT_NAMESPACE }),
    );
  } finally {
    await connection.close();
  }
}

/** After SIGTERM it goes on answering for some seconds: only the end of the process means stopped. */
async function stopServer(server: GuardedProcess, log: Logger): Promise<void> {
  if (server.end() !== null) return;
  server.child.kill('SIGTERM');
  const timer = setTimeout(() => {
    log.warn({ part: 'temporal', pid: server.pid }, 'Temporal did not stop in time, killing it');
    server.child.kill('SIGKILL');
  }, STOP_WITHIN_MS);
  await server.ended;
  clearTimeout(timer);
}
