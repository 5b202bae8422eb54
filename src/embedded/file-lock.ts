import { randomUUID } from 'node:crypto';
import { link, readFile, rename, unlink, writeFile } from 'node:fs/promises';
import { isRunning, ownIdentity, type ProcessIdentity } from './process-identity.ts';

/** Another living process holds the lock. */
export class LockHeld extends Error {
  readonly holder: ProcessIdentity;
  constructor(path: string, holder: ProcessIdentity) {
    super(`${path} is held by process ${holder.pid}`);
    this.name = 'LockHeld';
    this.holder = holder;
  }
}

export interface FileLock {
  /** The holder that had died without releasing, if the lock was taken over. */
  readonly tookOverFrom: ProcessIdentity | null;
  release(): Promise<void>;
}

/**
 * Takes an exclusive lock between processes of one machine; the file names its holder.
 * The lock of a process that no longer runs is taken over.
 * @throws LockHeld while its holder lives.
 */
export async function acquireFileLock(path: string): Promise<FileLock> {
  const id = randomUUID();
  const draft = `${path}.${id}`;
  const mine = JSON.stringify({ ...(await ownIdentity()), id });
  let tookOverFrom: ProcessIdentity | null = null;
  // Linking a finished file takes the lock and fills it in one step: nobody ever reads half a holder.
  await writeFile(draft, mine);
  try {
    for (;;) {
      if (await tryLink(draft, path)) {
        // A rival that judged the old holder dead may have moved our file aside meanwhile; it puts it back.
        await new Promise((resolve) => setTimeout(resolve, 20));
        if ((await readText(path)) === mine) break;
        continue;
      }
      const seen = await readText(path);
      if (seen === null) continue;
      const holder = parseHolder(seen);
      if (holder !== null && (await isRunning(holder))) throw new LockHeld(path, holder);
      await removeStale(path, seen);
      tookOverFrom = holder;
    }
  } finally {
    await unlink(draft);
  }
  return {
    tookOverFrom,
    release: async () => {
      if ((await readText(path)) === mine) await unlink(path);
    },
  };
}

/** Waits for the lock, asking again every `everyMs`; `onWait` is told once who holds it. */
export async function waitForFileLock(
  path: string,
  options: {
    everyMs: number;
    onWait: (holder: ProcessIdentity) => void;
    signal?: AbortSignal | undefined;
  },
): Promise<FileLock> {
  let told = false;
  for (;;) {
    options.signal?.throwIfAborted();
    try {
      return await acquireFileLock(path);
    } catch (error) {
      if (!(error instanceof LockHeld)) throw error;
      if (!told) options.onWait(error.holder);
      told = true;
      await new Promise((resolve) => setTimeout(resolve, options.everyMs));
    }
  }
}

/** Whether a living process holds the lock. */
export async function isLocked(path: string): Promise<boolean> {
  const text = await readText(path);
  const holder = text === null ? null : parseHolder(text);
  return holder !== null && (await isRunning(holder));
}

async function tryLink(draft: string, path: string): Promise<boolean> {
  try {
    await link(draft, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

async function removeStale(path: string, stale: string): Promise<void> {
  const aside = `${path}.${randomUUID()}`;
  try {
    await rename(path, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  if ((await readText(aside)) !== stale) await tryLink(aside, path);
  await unlink(aside);
}

async function readText(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

function parseHolder(text: string): ProcessIdentity | null {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null) return null;
    const { pid, startedAt } = value as Record<string, unknown>;
    return typeof pid === 'number' && typeof startedAt === 'string' ? { pid, startedAt } : null;
  } catch {
    return null;
  }
}
