import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Logger } from 'pino';
import { acquireFileLock, LockHeld, type FileLock } from './file-lock.ts';
import { identify, isRunning, waitUntilGone, type ProcessIdentity } from './process-identity.ts';
import { lockFileOf, readyFileOf, type ReadyLine } from './ready.ts';

/** The data directory of one stack, held by this process alone until `release`. */
export interface DataDir {
  readonly path: string;
  readonly temporal: string;
  readonly postgres: string;
  readonly exchange: string;
  /** Remembers a process of the stack, so that the next start can end it if we are killed. */
  recordProcess(name: string, pid: number): Promise<void>;
  forgetProcess(name: string): Promise<void>;
  writeReady(ready: ReadyLine): Promise<void>;
  removeReady(): Promise<void>;
  release(): Promise<void>;
}

/** Another stack runs in the directory. */
export class DataDirInUse extends Error {
  constructor(path: string, pid: number) {
    super(
      `another holdfast (process ${pid}) runs in ${path}: stop it first, ` +
        'or choose another --data-dir and --port-base',
    );
    this.name = 'DataDirInUse';
  }
}

const ORPHAN_ENDS_WITHIN_MS = 15_000;

/**
 * Creates and locks the directory, and ends whatever a killed predecessor left running in it.
 * @throws DataDirInUse while another stack runs there.
 */
export async function openDataDir(path: string, log: Logger): Promise<DataDir> {
  const root = resolve(path);
  const processes = join(root, 'processes');
  const temporal = join(root, 'temporal');
  const exchange = join(root, 'exchange');
  await makeDirectories(root, [processes, temporal, exchange]);
  const lock = await lockOrExplain(root);
  if (lock.tookOverFrom !== null) {
    log.info({ pid: lock.tookOverFrom.pid }, 'the last holdfast here was killed; picking up where it was');
  }
  try {
    await rm(readyFileOf(root), { force: true });
    await endOrphans(processes, log);
  } catch (error) {
    await lock.release();
    throw error;
  }
  return {
    path: root,
    temporal,
    postgres: join(root, 'postgres'),
    exchange,
    recordProcess: async (name, pid) => {
      const identity = await identify(pid);
      if (identity !== null) await writeAtomically(join(processes, `${name}.json`), identity);
    },
    forgetProcess: (name) => rm(join(processes, `${name}.json`), { force: true }),
    writeReady: (ready) => writeAtomically(readyFileOf(root), ready),
    removeReady: () => rm(readyFileOf(root), { force: true }),
    release: () => lock.release(),
  };
}

async function makeDirectories(root: string, inside: readonly string[]): Promise<void> {
  try {
    await mkdir(root, { recursive: true });
    for (const path of inside) await mkdir(path, { recursive: true });
  } catch (error) {
    const { message } = error as Error;
    throw new Error(`--data-dir ${root} can't be used: ${message}`, { cause: error });
  }
}

async function lockOrExplain(root: string): Promise<FileLock> {
  try {
    return await acquireFileLock(lockFileOf(root));
  } catch (error) {
    if (error instanceof LockHeld) throw new DataDirInUse(root, error.holder.pid);
    throw error;
  }
}

async function endOrphans(processes: string, log: Logger): Promise<void> {
  const files = (await readdir(processes)).filter((file) => file.endsWith('.json'));
  await Promise.all(
    files.map(async (file) => {
      const path = join(processes, file);
      const name = file.slice(0, -'.json'.length);
      const identity = parseIdentity(await readFile(path, 'utf8'));
      if (identity !== null) await endOrphan(name, identity, log);
      await rm(path, { force: true });
    }),
  );
}

/** The start time tells our process from a stranger that was given its pid since. */
async function endOrphan(name: string, identity: ProcessIdentity, log: Logger): Promise<void> {
  if (!(await isRunning(identity))) return;
  log.info({ part: name, pid: identity.pid }, 'ending what the last holdfast here left running');
  // PostgreSQL takes SIGINT for a quick and clean stop; the others are built to be killed.
  const isPostgres = name === 'postgres';
  signal(identity, isPostgres ? 'SIGINT' : 'SIGKILL');
  if (await waitUntilGone(identity, ORPHAN_ENDS_WITHIN_MS)) return;
  signal(identity, 'SIGKILL');
  if (await waitUntilGone(identity, ORPHAN_ENDS_WITHIN_MS)) return;
  throw new Error(
    `${name} of the last holdfast here (process ${identity.pid}) can't be ended; end it by hand`,
  );
}

function signal({ pid }: ProcessIdentity, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

function parseIdentity(text: string): ProcessIdentity | null {
  try {
    return JSON.parse(text) as ProcessIdentity;
  } catch {
    return null;
  }
}

/** Addresses hold a password: for the owner's eyes only. */
async function writeAtomically(path: string, value: object): Promise<void> {
  const draft = `${path}.${process.pid}`;
  await writeFile(draft, `${JSON.stringify(value)}\n`, { mode: 0o600 });
  await rename(draft, path);
}
