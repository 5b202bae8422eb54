import { execFile, spawn } from 'node:child_process';
import { rename, rm } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import type { Obtained, ObtainTemporalCli } from './temporal-cli-source.ts';
import { temporalToolsDir } from './temporal-cli-version.ts';

const run = promisify(execFile);
const PACKAGE = 'github.com/temporalio/cli/cmd/temporal';
const PROGRESS_EVERY_MS = 10_000;

export async function goIsThere(env: NodeJS.ProcessEnv): Promise<boolean> {
  try {
    await run('go', ['version'], { env, timeout: 20_000 });
    return true;
  } catch {
    return false;
  }
}

/** Builds the CLI from the pinned module: 3 to 5 minutes on two cores, most of it compiling. */
export const buildTemporalCli: ObtainTemporalCli = async ({ target, version, env, signal, onProgress }) => {
  const unfinished = `${target}.building-${process.pid}`;
  const startedAtMs = Date.now();
  let downloaded = 0;
  let compiled = 0;
  const report = () => {
    const seconds = Math.round((Date.now() - startedAtMs) / 1_000);
    onProgress(
      `building the Temporal CLI ${version} with Go, once per machine (3 to 5 minutes): ` +
        `${downloaded} modules fetched, ${compiled} packages compiled, ${seconds} s`,
    );
  };
  report();
  const timer = setInterval(report, PROGRESS_EVERY_MS);
  try {
    const result = await build(unfinished, env, signal, (line) => {
      if (line.startsWith('go: downloading ')) downloaded += 1;
      else if (/^[\w./~-]+$/.test(line)) compiled += 1;
    });
    if (result.ok) await rename(unfinished, target);
    return result;
  } finally {
    clearInterval(timer);
    await rm(unfinished, { force: true });
  }
};

async function build(
  output: string,
  env: NodeJS.ProcessEnv,
  signal: AbortSignal | undefined,
  onLine: (line: string) => void,
): Promise<Obtained> {
  const child = spawn('go', ['build', '-v', '-trimpath', '-ldflags', '-s -w', '-o', output, PACKAGE], {
    cwd: temporalToolsDir,
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
