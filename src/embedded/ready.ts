import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isLocked } from './file-lock.ts';

/** Every address of a running stack: the line `up --json` prints and the content of `ready.json`. */
export interface ReadyLine {
  readonly event: 'ready';
  readonly temporalAddress: string;
  readonly temporalNamespace: string;
  /** Null when Temporal is not ours and its Web UI therefore unknown. */
  readonly temporalUi: string | null;
  /** With the password of the embedded server: for tools of this machine, not for logs. */
  readonly databaseUrl: string;
  readonly exchangeUrl: string;
  readonly exchangeWsUrl: string;
  readonly dashboardUrl: string;
  readonly metricsUrl: string;
  readonly dataDir: string;
}

export const readyFileOf = (dataDir: string): string => join(dataDir, 'ready.json');
export const lockFileOf = (dataDir: string): string => join(dataDir, 'lock');

/**
 * The addresses of the stack that runs in this data directory; null when none is ready there, also when
 * the file was left behind by one that was killed.
 */
export async function readReady(dataDir: string): Promise<ReadyLine | null> {
  if (!(await isLocked(lockFileOf(dataDir)))) return null;
  try {
    return JSON.parse(await readFile(readyFileOf(dataDir), 'utf8')) as ReadyLine;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}
