import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chown, mkdir, readdir, readFile, rename, rm, rmdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import {
  isPostmasterOf,
  postgresBinaries,
  spawnUser,
  unprivilegedRun,
  type PostgresBinaries,
  type UnprivilegedRun,
} from './postgres-host.ts';

export interface PostgresOptions {
  /** Created and initialised when missing; kept across restarts. */
  readonly dataDir: string;
  /** On 127.0.0.1. */
  readonly port: number;
  /** Gets the server's log, line by line. */
  readonly log: (line: string) => void;
  /** Server settings (`fsync`: `off`), over our own. */
  readonly settings?: Readonly<Record<string, string>>;
}

export interface RunningPostgres {
  /** Of the database `holdfast`, with its password: never log it. */
  readonly databaseUrl: string;
  /** Of the server process (postmaster). */
  readonly pid: number;
  /** Orderly: open transactions are rolled back, the data is written out. */
  stop(): Promise<void>;
  /** As `kill -9` does. */
  kill(): void;
}

const DATABASE = 'holdfast';
const USER = 'holdfast';
const PASSWORD_FILE = 'holdfast.password';
const START_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 20_000;
/** How long an earlier server on the same data may take to vanish. */
const PREDECESSOR_TIMEOUT_MS = 30_000;
const RETRY_MS = 250;

/**
 * Runs the server in a session of its own, so that Ctrl-C on the terminal reaches us and not it,
 * and stops it when our end of the pipe closes, so that it never outlives us, not even a `kill -9`.
 */
const LIFELINE = `exec 3<&0
"$@" </dev/null 3<&- & server=$!
{ read -r _ <&3; kill -INT $server; } 2>/dev/null & lifeline=$!
exec 3<&-
wait $server; code=$?
kill $lifeline 2>/dev/null
exit $code`;

/**
 * Starts PostgreSQL on a data directory of its own and makes sure of the database `holdfast`.
 * A predecessor that was killed is waited for, within bounds. Throws an `Error` that says what is in
 * the way: the port, a server on the same data, a directory that can't be reached.
 */
export async function startPostgres(options: PostgresOptions): Promise<RunningPostgres> {
  const dataDir = path.resolve(options.dataDir);
  const binaries = await postgresBinaries();
  await mkdir(path.dirname(dataDir), { recursive: true });
  const how = await unprivilegedRun([binaries.postgres, path.dirname(dataDir)]);
  await initialise({ ...options, dataDir }, binaries, how);
  const password = (await readFile(path.join(dataDir, PASSWORD_FILE), 'utf8')).trim();

  const child = await startPatiently({ ...options, dataDir }, binaries, how);
  const closed = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const pid = await postmasterPid(dataDir);
  if (pid === null) throw new Error(`PostgreSQL in ${dataDir} ended right after its start`);
  const running: RunningPostgres = {
    databaseUrl: `postgresql://${USER}:${password}@127.0.0.1:${options.port}/${DATABASE}`,
    pid,
    stop: () => stopServer(child, pid, closed),
    kill: () => signal(child, pid, 'SIGKILL'),
  };
  try {
    await createDatabase(running.databaseUrl);
  } catch (error) {
    await running.stop();
    throw error;
  }
  return running;
}

/** Initialises beside the target and renames, so that a crash never leaves half a cluster behind. */
async function initialise(
  options: PostgresOptions,
  binaries: PostgresBinaries,
  how: UnprivilegedRun,
): Promise<void> {
  const { dataDir } = options;
  const present = await readdir(dataDir).catch(() => null);
  if (present?.includes('PG_VERSION')) return;
  if (present && present.length > 0)
    throw new Error(`${dataDir} is neither empty nor PostgreSQL's: choose another data directory`);

  const fresh = `${dataDir}.initialising`;
  await rm(fresh, { recursive: true, force: true });
  await mkdir(fresh, { recursive: true, mode: 0o700 });
  if (how.user) await chown(fresh, how.user.uid, how.user.gid);
  const passwordFile = `${fresh}.password`;
  await writeFile(passwordFile, `${randomBytes(16).toString('hex')}\n`, { mode: 0o600 });
  if (how.user) await chown(passwordFile, how.user.uid, how.user.gid);
  await runInitdb({ ...options, dataDir: fresh }, binaries, how, passwordFile);
  await rename(passwordFile, path.join(fresh, PASSWORD_FILE));
  if (present) await rmdir(dataDir);
  await rename(fresh, dataDir);
}

async function runInitdb(
  { dataDir, settings, log }: PostgresOptions,
  binaries: PostgresBinaries,
  how: UnprivilegedRun,
  passwordFile: string,
): Promise<void> {
  const args = [
    `--pgdata=${dataDir}`,
    `--username=${USER}`,
    '--auth=scram-sha-256',
    `--pwfile=${passwordFile}`,
    '--encoding=UTF8',
    '--locale=C',
    '--locale-provider=builtin',
    '--builtin-locale=C.UTF-8',
    ...(settings?.fsync === 'off' ? ['--no-sync'] : []),
  ];
  const child = spawnAs(how, binaries.initdb, args, false);
  const tail = collectLines(child, log);
  child.stdin?.end();
  const code = await exitCode(child);
  if (code !== 0)
    throw new Error(`initdb failed in ${dataDir} (exit ${code}): ${tail().slice(-3).join(' ')}`);
}

type Attempt =
  | { readonly kind: 'ready'; readonly child: ChildProcess }
  | { readonly kind: 'failed'; readonly log: readonly string[] };

/** Tries again while a killed predecessor still holds the data; everything else is final. */
async function startPatiently(
  options: PostgresOptions,
  binaries: PostgresBinaries,
  how: UnprivilegedRun,
): Promise<ChildProcess> {
  const { dataDir, port } = options;
  const untilMs = Date.now() + PREDECESSOR_TIMEOUT_MS;
  for (;;) {
    await waitForPredecessor(dataDir, untilMs);
    const attempt = await startOnce(options, binaries, how);
    if (attempt.kind === 'ready') return attempt.child;
    const log = attempt.log.join('\n');
    if (/could not bind|Address already in use/.test(log))
      throw new Error(
        `port ${port} on 127.0.0.1 is taken: PostgreSQL needs it; choose another (--port-base) or stop its owner`,
      );
    const predecessor = /shared memory block .* is still in use|lock file "postmaster\.pid"/.test(log);
    if (!predecessor || Date.now() >= untilMs)
      throw new Error(`PostgreSQL did not start in ${dataDir}: ${attempt.log.slice(-4).join(' | ')}`);
    await delay(RETRY_MS);
  }
}

async function waitForPredecessor(dataDir: string, untilMs: number): Promise<void> {
  for (;;) {
    const pid = await postmasterPid(dataDir);
    if (pid === null) return;
    if (!(await isPostmasterOf(pid, dataDir))) {
      // A recycled id would make the new server believe that the old one still runs.
      await rm(path.join(dataDir, 'postmaster.pid'), { force: true });
      return;
    }
    if (Date.now() >= untilMs)
      throw new Error(
        `a PostgreSQL server (pid ${pid}) already runs on ${dataDir}: stop it, or choose another --data-dir`,
      );
    await delay(RETRY_MS);
  }
}

async function startOnce(
  options: PostgresOptions,
  binaries: PostgresBinaries,
  how: UnprivilegedRun,
): Promise<Attempt> {
  const settings = {
    listen_addresses: '127.0.0.1',
    // No socket files: they would be left behind by a kill and shared with strangers.
    unix_socket_directories: '',
    log_min_messages: 'warning',
    log_timezone: 'UTC',
    timezone: 'UTC',
    ...options.settings,
  };
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const server = [binaries.postgres, '-D', options.dataDir, '-p', String(options.port), ...flags];
  const child = spawnAs(how, '/bin/sh', ['-c', LIFELINE, 'holdfast-postgres', ...server], true);
  // Its end is the signal; a late write into it must not crash us.
  child.stdin?.on('error', () => undefined);
  const tail = collectLines(child, options.log);
  const ended = exitCode(child);
  const untilMs = Date.now() + START_TIMEOUT_MS;
  while (isAlive(child) && Date.now() < untilMs) {
    if (await isReady(options.dataDir)) return { kind: 'ready', child };
    await Promise.race([ended, delay(50)]);
  }
  child.stdin?.end();
  await ended;
  return { kind: 'failed', log: tail() };
}

/** The server writes `ready` into the last line of its lock file once it takes connections. */
async function isReady(dataDir: string): Promise<boolean> {
  const lines = await lockFile(dataDir);
  return lines?.[7]?.trim() === 'ready';
}

async function postmasterPid(dataDir: string): Promise<number | null> {
  const pid = Number.parseInt((await lockFile(dataDir))?.[0] ?? '');
  return Number.isSafeInteger(pid) && pid > 0 ? pid : null;
}

async function lockFile(dataDir: string): Promise<string[] | null> {
  const content = await readFile(path.join(dataDir, 'postmaster.pid'), 'utf8').catch(() => null);
  return content === null ? null : content.split('\n');
}

function spawnAs(
  how: UnprivilegedRun,
  file: string,
  args: readonly string[],
  detached: boolean,
): ChildProcess {
  const [program = file, ...rest] = [...how.prefix, file, ...args];
  return spawn(program, rest, {
    cwd: '/',
    detached,
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, LC_ALL: 'C', PGTZ: 'UTC' },
    ...spawnUser(how),
  });
}

const KEPT_LINES = 40;

/** Passes lines on and keeps the newest for an error message. */
function collectLines(child: ChildProcess, log: (line: string) => void): () => readonly string[] {
  const kept: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    let rest = '';
    stream?.setEncoding('utf8').on('data', (chunk: string) => {
      const lines = (rest + chunk).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines.filter((candidate) => candidate.trim() !== '')) {
        kept.push(line);
        if (kept.length > KEPT_LINES) kept.shift();
        log(line);
      }
    });
  }
  return () => kept;
}

function exitCode(child: ChildProcess): Promise<number | string> {
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signalName) => resolve(code ?? signalName ?? 'unknown'));
  });
}

function isAlive(child: ChildProcess): boolean {
  return child.exitCode === null && child.signalCode === null;
}

function signal(child: ChildProcess, pid: number, name: NodeJS.Signals): void {
  // The shell ends with its server: while it lives the id is the server's and nobody else's.
  if (!isAlive(child)) return;
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

async function stopServer(child: ChildProcess, pid: number, closed: Promise<void>): Promise<void> {
  for (const name of ['SIGINT', 'SIGQUIT', 'SIGKILL'] as const) {
    signal(child, pid, name);
    const inTime = new AbortController();
    const late = delay(STOP_TIMEOUT_MS, 'late', { signal: inTime.signal }).catch(() => 'late');
    const outcome = await Promise.race([closed, late]);
    inTime.abort();
    if (outcome !== 'late') return;
  }
}

async function createDatabase(databaseUrl: string): Promise<void> {
  const admin = new URL(databaseUrl);
  admin.pathname = '/postgres';
  const client = new pg.Client({ connectionString: admin.href, connectionTimeoutMillis: 10_000 });
  client.on('error', () => undefined);
  await client.connect();
  try {
    const { rowCount } = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [DATABASE]);
    if (rowCount === 0) await client.query(`CREATE DATABASE ${DATABASE} ENCODING 'UTF8'`);
  } finally {
    await client.end();
  }
}
