import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** A process that can be told from a later one with the same pid. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Opaque; equal only for the same process of the same boot. */
  readonly startedAt: string;
}

/** The identity of a running process, or null when no process has this pid (zombies count as gone). */
export async function identify(pid: number): Promise<ProcessIdentity | null> {
  if (process.platform === 'linux') return identifyByProc(pid);
  try {
    const { stdout } = await run('ps', ['-o', 'stat=,lstart=', '-p', String(pid)]);
    const [state, ...startedAt] = stdout.trim().split(/\s+/);
    if (state === undefined || state === '' || state.startsWith('Z')) return null;
    return { pid, startedAt: startedAt.join(' ') };
  } catch {
    return null;
  }
}

async function identifyByProc(pid: number): Promise<ProcessIdentity | null> {
  try {
    const [boot, stat] = await Promise.all([
      readFile('/proc/sys/kernel/random/boot_id', 'utf8'),
      readFile(`/proc/${pid}/stat`, 'utf8'),
    ]);
    // The second field is the program's name in brackets and may hold blanks and brackets itself.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const [state] = fields;
    const ticks = fields[19];
    if (state === undefined || ticks === undefined || state === 'Z' || state === 'X') return null;
    return { pid, startedAt: `${boot.trim()}:${ticks}` };
  } catch {
    return null;
  }
}

/** This process. */
export async function ownIdentity(): Promise<ProcessIdentity> {
  const own = await identify(process.pid);
  if (own === null) throw new Error(`cannot read the start time of process ${process.pid}`);
  return own;
}

export async function isRunning(identity: ProcessIdentity): Promise<boolean> {
  const now = await identify(identity.pid);
  return now !== null && now.startedAt === identity.startedAt;
}

/** Waits until the process is gone; false when it is still there after `timeoutMs`. */
export async function waitUntilGone(identity: ProcessIdentity, timeoutMs: number): Promise<boolean> {
  const until = Date.now() + timeoutMs;
  while (await isRunning(identity)) {
    if (Date.now() >= until) return false;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return true;
}
