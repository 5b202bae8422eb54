import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { defaultCacheDir, resolveTemporalCli } from '../../src/embedded/temporal-cli.ts';
import type { ObtainTemporalCli } from '../../src/embedded/temporal-cli-source.ts';
import { pinnedTemporalCliVersion } from '../../src/embedded/temporal-cli-version.ts';

const log = pino({ level: 'silent' });

describe('finding the Temporal CLI', () => {
  let root: string;
  let binDir: string;
  let cacheDir: string;
  let cached: string;
  let progress: string[];

  beforeEach(async () => {
    root = await mkdtemp(path.join(tmpdir(), 'holdfast-temporal-cli-'));
    binDir = path.join(root, 'bin');
    cacheDir = path.join(root, 'cache');
    cached = path.join(cacheDir, `temporal-cli-${await pinnedTemporalCliVersion()}`);
    progress = [];
    await Promise.all([mkdir(binDir), mkdir(cacheDir)]);
  });
  afterEach(() => rm(root, { recursive: true, force: true }));

  const executable = (file: string, says: string) =>
    writeFile(file, `#!/bin/sh\necho '${says}'\n`, { mode: 0o755 });
  const VERSION = 'temporal version 1.5.1 (Server 1.29.1, UI 2.42.1)';
  const refuse: ObtainTemporalCli = async () => ({ ok: false, reason: 'not today' });
  const make: ObtainTemporalCli = async ({ target }) => {
    await executable(target, VERSION);
    return { ok: true };
  };
  const resolve = (more: {
    env?: NodeJS.ProcessEnv;
    download?: ObtainTemporalCli;
    build?: ObtainTemporalCli;
  }) =>
    resolveTemporalCli({
      log,
      cacheDir,
      onProgress: (line) => progress.push(line),
      download: more.download ?? refuse,
      build: more.build ?? refuse,
      env: { PATH: binDir, ...more.env },
    });

  it('takes TEMPORAL_CLI before anything else', async () => {
    const named = path.join(root, 'mine');
    await executable(named, VERSION);
    await executable(path.join(binDir, 'temporal'), VERSION);
    expect(await resolve({ env: { TEMPORAL_CLI: named } })).toEqual({ path: named, from: 'TEMPORAL_CLI' });
  });

  it('never falls back from a TEMPORAL_CLI that does not work', async () => {
    await executable(path.join(binDir, 'temporal'), VERSION);
    const named = path.join(root, 'absent');
    await expect(resolve({ env: { TEMPORAL_CLI: named } })).rejects.toThrow(
      `TEMPORAL_CLI=${named} does not exist`,
    );
  });

  it('takes `temporal` on the PATH before the cache', async () => {
    await executable(path.join(binDir, 'temporal'), VERSION);
    await executable(cached, VERSION);
    expect(await resolve({})).toEqual({ path: path.join(binDir, 'temporal'), from: 'PATH' });
  });

  it('passes over a `temporal` that is some other program', async () => {
    await executable(path.join(binDir, 'temporal'), 'a logic model checker');
    await executable(cached, VERSION);
    expect(await resolve({})).toEqual({ path: cached, from: 'cache' });
  });

  it('downloads when nothing is there, then finds it in the cache', async () => {
    expect(await resolve({ download: make })).toEqual({ path: cached, from: 'download' });
    expect(await resolve({})).toEqual({ path: cached, from: 'cache' });
  });

  it('builds when the download fails, and says that it failed', async () => {
    expect(await resolve({ build: make })).toEqual({ path: cached, from: 'build' });
    expect(progress).toContain("the Temporal CLI can't be downloaded: not today");
  });

  it('makes it once when two ask at the same time', async () => {
    let builds = 0;
    const build: ObtainTemporalCli = async (request) => {
      builds += 1;
      // Long enough for the other to find the lock taken.
      await expect.poll(() => progress.join()).toContain('waiting for process');
      return make(request);
    };
    const both = await Promise.all([resolve({ build }), resolve({ build })]);
    expect(builds).toBe(1);
    expect(both.map(({ from }) => from).sort()).toEqual(['build', 'cache']);
    expect(await readdir(cacheDir)).toEqual([path.basename(cached)]);
  });

  it('lists every choice when none is left, and leaves no lock behind', async () => {
    const failure = await resolve({}).catch((error: unknown) => error as Error);
    expect(failure).toBeInstanceOf(Error);
    const { message } = failure as Error;
    for (const part of ['no `temporal` on the PATH', 'no download: not today', 'no build: not today']) {
      expect(message).toContain(part);
    }
    for (const choice of ['TEMPORAL_ADDRESS', 'TEMPORAL_CLI', 'downloaded', 'install Go']) {
      expect(message).toContain(choice);
    }
    expect(await readdir(cacheDir)).toEqual([]);
  });

  it('keeps the cache where the XDG convention puts it', () => {
    expect(defaultCacheDir({ XDG_CACHE_HOME: '/var/cache/me' })).toBe('/var/cache/me/holdfast');
    expect(defaultCacheDir({})).toMatch(/\/\.cache\/holdfast$/);
  });
});
