import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DataDirInUse, openDataDir, type DataDir } from '../../src/embedded/data-dir.ts';
import { acquireFileLock, LockHeld } from '../../src/embedded/file-lock.ts';
import { identify } from '../../src/embedded/process-identity.ts';
import { readReady, type ReadyLine } from '../../src/embedded/ready.ts';

const log = pino({ level: 'silent' });
const READY: ReadyLine = {
  event: 'ready',
  temporalAddress: '127.0.0.1:1',
  temporalNamespace: 'default',
  temporalUi: null,
  databaseUrl: 'postgresql://a:b@127.0.0.1:2/c',
  exchangeUrl: 'http://127.0.0.1:3',
  exchangeWsUrl: 'ws://127.0.0.1:3/v2',
  dashboardUrl: 'http://127.0.0.1:4',
  metricsUrl: 'http://127.0.0.1:5/metrics',
  dataDir: 'there',
};

/** A process that holds the directory, with a child of its own recorded as Temporal. */
async function startHolder(dir: string): Promise<{ holder: ChildProcess; childPid: number }> {
  const module = new URL('../../src/embedded/data-dir.ts', import.meta.url).href;
  const code = `
    const { spawn } = await import('node:child_process');
    const { pino } = await import('pino');
    const { openDataDir } = await import(${JSON.stringify(module)});
    const dir = await openDataDir(${JSON.stringify(dir)}, pino({ level: 'silent' }));
    const child = spawn('sleep', ['600'], { stdio: 'ignore', detached: true });
    await dir.recordProcess('temporal', child.pid);
    await dir.writeReady(${JSON.stringify(READY)});
    console.log(child.pid);
    setInterval(() => undefined, 60_000);
  `;
  const holder = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', code], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const childPid = await new Promise<number>((resolve) => {
    createInterface({ input: holder.stdout }).once('line', (line) => resolve(Number(line)));
  });
  return { holder, childPid };
}

describe('the data directory', () => {
  let root: string;
  let open: DataDir | undefined;

  beforeEach(async () => {
    root = await mkdtemp(path.join(tmpdir(), 'holdfast-data-dir-'));
  });

  afterEach(async () => {
    await open?.release();
    open = undefined;
    await rm(root, { recursive: true, force: true });
  });

  it('belongs to one process; the other is told who has it and what to do', async () => {
    const { holder, childPid } = await startHolder(root);
    try {
      await expect(openDataDir(root, log)).rejects.toThrow(DataDirInUse);
      await expect(openDataDir(root, log)).rejects.toThrow(
        `another holdfast (process ${holder.pid}) runs in ${root}: stop it first, or choose another --data-dir`,
      );
      expect(await readReady(root)).toEqual(READY);
    } finally {
      holder.kill('SIGKILL');
      process.kill(childPid, 'SIGKILL');
    }
  });

  it('is taken over from a killed process, whose orphans are ended and whose addresses are void', async () => {
    const { holder, childPid } = await startHolder(root);
    const gone = new Promise((resolve) => holder.once('exit', resolve));
    holder.kill('SIGKILL');
    await gone;
    expect(await readReady(root)).toBeNull();
    expect(await identify(childPid)).not.toBeNull();

    open = await openDataDir(root, log);
    expect(await identify(childPid)).toBeNull();
    await expect(stat(path.join(root, 'ready.json'))).rejects.toThrow('ENOENT');
  });

  it('leaves a stranger alone that was given the pid of an orphan', async () => {
    const stranger = spawn('sleep', ['600'], { stdio: 'ignore' });
    try {
      open = await openDataDir(root, log);
      await open.recordProcess('worker-1', stranger.pid!);
      const record = path.join(root, 'processes', 'worker-1.json');
      const identity = JSON.parse(await readFile(record, 'utf8')) as object;
      await writeFile(record, JSON.stringify({ ...identity, startedAt: 'long ago' }));
      await open.release();

      open = await openDataDir(root, log);
      expect(await identify(stranger.pid!)).not.toBeNull();
    } finally {
      stranger.kill('SIGKILL');
    }
  });

  it('shows its addresses to its owner alone, and only while it is ready', async () => {
    open = await openDataDir(root, log);
    expect(await readReady(root)).toBeNull();
    await open.writeReady(READY);
    expect(await readReady(root)).toEqual(READY);
    expect((await stat(path.join(root, 'ready.json'))).mode & 0o777).toBe(0o600);
    await open.removeReady();
    expect(await readReady(root)).toBeNull();
  });

  it('says so when it cannot be made', async () => {
    const file = path.join(root, 'file');
    await writeFile(file, '');
    await expect(openDataDir(path.join(file, 'dir'), log)).rejects.toThrow(
      `--data-dir ${path.join(file, 'dir')} can't be used`,
    );
  });
});

describe('a file lock', () => {
  it('is won by exactly one of many that find it stale at once', async () => {
    const root = await mkdtemp(path.join(tmpdir(), 'holdfast-lock-'));
    const lockFile = path.join(root, 'lock');
    await writeFile(lockFile, JSON.stringify({ pid: process.pid, startedAt: 'long ago', id: 'dead' }));
    const results = await Promise.allSettled(Array.from({ length: 20 }, () => acquireFileLock(lockFile)));
    const winners = results.filter((result) => result.status === 'fulfilled');
    expect(winners).toHaveLength(1);
    for (const result of results) {
      if (result.status === 'rejected') expect(result.reason).toBeInstanceOf(LockHeld);
    }
    await winners[0]!.value.release();
    const again = await acquireFileLock(lockFile);
    await again.release();
    await rm(root, { recursive: true, force: true });
  });
});
