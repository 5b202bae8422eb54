import { execFile, spawn } from 'node:child_process';
import { rename, rm } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import type { Obtained } from './temporal-cli-source.ts';

const run = promisify(execFile);
const PROGRESS_EVERY_MS = 10_000;

export interface GoBuild {
  /** For people, with how long it takes: `the Temporal CLI 1.5.1`. */
  readonly what: string;
  /** Directory of the module that pins what is built. */
  readonly moduleDir: string;
  readonly packageName: string;
  /** The program; it appears there whole or not at all. */
  readonly target: string;
  readonly env: NodeJS.ProcessEnv;
  /** Gives up; the answer is then a refusal. */
  readonly signal?: AbortSignal | undefined;
  /** One line about what is going on, several times while it lasts. */
  readonly onProgress: (line: string) => void;
}

export async function goIsThere(env: NodeJS.ProcessEnv): Promise<boolean> {
  try {
    await run('go', ['version'], { env, timeout: 20_000 });
    return true;
  } catch {
    return false;
  }
}

/** Builds one program of a module with Go, once per machine. */
export async function buildWithGo(request: GoBuild): Promise<Obtained> {
  const { what, target, onProgress } = request;
  const unfinished = `${target}.building-${process.pid}`;
  const startedAtMs = Date.now();
  let downloaded = 0;
  let compiled = 0;
  const report = () => {
    const seconds = Math.round((Date.now() - startedAtMs) / 1_000);
    onProgress(
      `building ${what} with Go, once per machine: ` +
        `${downloaded} modules fetched, ${compiled} packages compiled, ${seconds} s`,
    );
  };
  report();
  const timer = setInterval(report, PROGRESS_EVERY_MS);
  try {
    const result = await build(request, unfinished, (line) => {
      if (line.startsWith('go: downloading ')) downloaded += 1;
      else if (/^[\w./~-]+$/.test(line)) compiled += 1;
    });
    if (result.ok) await rename(unfinished, target);
    return result;
  } finally {
    clearInterval(timer);
    await rm(unfinished, { force: true });
  }
}

async function build(
  { moduleDir, packageName, env, signal }: GoBuild,
  output: string,
  onLine: (line: string) => void,
): Promise<Obtained> {
  const child = spawn('go', ['build', '-v', '-trimpath', '-ldflags', '-s -w', '-o', output, packageName], {
    cwd: moduleDir,
    env: { ...env, CGO_ENABLED: '0' },
    stdio: ['ignore', 'ignore', 'pipe'],
    signal,
  });
  let last = '';
  createInterface({ input: child.stderr }).on('line', (line) => {
    if (line.trim() === '') return;
    last = line.trim();
    onLine(last);
  });
  return new Promise((resolve) => {
    child.once('error', (error) => resolve({ ok: false, reason: `go build: ${error.message}` }));
    child.once('close', (code) =>
      resolve(code === 0 ? { ok: true } : { ok: false, reason: `go build ended with ${code}: ${last}` }),
    );
  });
}
