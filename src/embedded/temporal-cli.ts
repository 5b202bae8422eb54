import { execFile } from 'node:child_process';
import { access, constants, mkdir } from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import type { Logger } from 'pino';
import { waitForFileLock } from './file-lock.ts';
import { goIsThere } from './go-build.ts';
import { buildTemporalCli } from './temporal-cli-build.ts';
import { downloadTemporalCli } from './temporal-cli-download.ts';
import type { ObtainTemporalCli } from './temporal-cli-source.ts';
import { pinnedTemporalCliVersion } from './temporal-cli-version.ts';

const run = promisify(execFile);

export interface ResolveTemporalCliOptions {
  readonly log: Logger;
  /** One line about long work (download, build), several times while it lasts. */
  readonly onProgress: (line: string) => void;
  /** Where downloaded and built binaries are kept for every checkout of this user. */
  readonly cacheDir?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Gives up a download, a build or the wait for another's. */
  readonly signal?: AbortSignal | undefined;
  readonly download?: ObtainTemporalCli;
  readonly build?: ObtainTemporalCli;
}

export interface TemporalCli {
  readonly path: string;
  readonly from: 'TEMPORAL_CLI' | 'PATH' | 'cache' | 'download' | 'build';
}

/** No Temporal server could be found or made; the message lists every choice. */
export class TemporalCliUnavailable extends Error {
  constructor(tried: readonly string[]) {
    super(
      `no Temporal server to start (${tried.join('; ')}). Choose one: ` +
        'set TEMPORAL_ADDRESS to a running server; ' +
        'set TEMPORAL_CLI to the Temporal CLI, or put `temporal` on the PATH; ' +
        'let it be downloaded (needs the internet); ' +
        'install Go, so that it can be built once from tools/temporal (a few minutes)',
    );
    this.name = 'TemporalCliUnavailable';
  }
}

/** The user's cache directory for Holdfast. */
export function defaultCacheDir(env: NodeJS.ProcessEnv = process.env): string {
  const base = env.XDG_CACHE_HOME;
  return join(base === undefined || base === '' ? join(homedir(), '.cache') : base, 'holdfast');
}

/**
 * Finds the Temporal CLI: TEMPORAL_CLI, `temporal` on the PATH, the cache, the SDK's download, a build with Go.
 * @throws TemporalCliUnavailable when none of these works, or TEMPORAL_CLI names something that doesn't run.
 */
export async function resolveTemporalCli(options: ResolveTemporalCliOptions): Promise<TemporalCli> {
  const env = options.env ?? process.env;
  const { log } = options;

  const named = env.TEMPORAL_CLI;
  if (named !== undefined && named !== '') {
    const fault = await faultOf(named);
    if (fault === null) return { path: named, from: 'TEMPORAL_CLI' };
    throw new TemporalCliUnavailable([`TEMPORAL_CLI=${named} ${fault}`]);
  }

  const tried: string[] = [];
  for (const path of await onPath('temporal', env)) {
    const fault = await faultOf(path);
    if (fault === null) return { path, from: 'PATH' };
    log.warn({ path, fault }, 'passing over a temporal on the PATH that is not the Temporal CLI');
    tried.push(`${path} ${fault}`);
  }
  if (tried.length === 0) tried.push('no `temporal` on the PATH');

  const version = await pinnedTemporalCliVersion();
  const cacheDir = options.cacheDir ?? defaultCacheDir(env);
  const target = join(cacheDir, `temporal-cli-${version}`);
  if ((await faultOf(target)) === null) return { path: target, from: 'cache' };

  await mkdir(cacheDir, { recursive: true });
  const lock = await waitForFileLock(`${target}.lock`, {
    everyMs: 500,
    signal: options.signal,
    onWait: ({ pid }) => options.onProgress(`waiting for process ${pid}, which is getting the Temporal CLI`),
  });
  try {
    if ((await faultOf(target)) === null) return { path: target, from: 'cache' };
    const request = { target, version, env, signal: options.signal, onProgress: options.onProgress };
    const download = await (options.download ?? downloadTemporalCli)(request);
    if (download.ok) return { path: target, from: 'download' };
    options.signal?.throwIfAborted();
    options.onProgress(`the Temporal CLI can't be downloaded: ${download.reason}`);
    tried.push(`no download: ${download.reason}`);
    if (options.build === undefined && !(await goIsThere(env))) {
      tried.push('no `go` to build it with');
    } else {
      const build = await (options.build ?? buildTemporalCli)(request);
      if (build.ok) return { path: target, from: 'build' };
      options.signal?.throwIfAborted();
      tried.push(`no build: ${build.reason}`);
    }
  } finally {
    await lock.release();
  }
  throw new TemporalCliUnavailable(tried);
}

/** What is wrong with this executable as a Temporal CLI; null when it answers as one. */
export async function faultOf(path: string): Promise<string | null> {
  try {
    const { stdout } = await run(path, ['--version'], { timeout: 20_000 });
    return /^temporal version /m.test(stdout) ? null : 'does not answer --version as the Temporal CLI does';
  } catch (error) {
    const { code, killed } = error as { code?: string | number; killed?: boolean };
    if (code === 'ENOENT') return 'does not exist';
    if (code === 'EACCES') return 'is not executable';
    return killed === true ? 'does not answer --version in 20 s' : `fails on --version (${String(code)})`;
  }
}

async function onPath(name: string, env: NodeJS.ProcessEnv): Promise<string[]> {
  const found: string[] = [];
  for (const dir of (env.PATH ?? '').split(delimiter)) {
    if (dir === '') continue;
    const path = join(dir, name);
    try {
      await access(path, constants.X_OK);
      found.push(path);
    } catch {
      // Not in this directory.
    }
  }
  return found;
}
