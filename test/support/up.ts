import { execFile, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { inject } from 'vitest';
import type { ReadyLine } from '../../src/embedded/ready.ts';

/** `holdfast` as people run it: another process, its own process group. */

export const CLI = fileURLToPath(new URL('../../bin/holdfast.js', import.meta.url));
const READY_WITHIN_MS = 120_000;

export interface CommandResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Up {
  readonly ready: ReadyLine;
  readonly pid: number;
  /** Exit code or signal, once `up` itself has ended. */
  readonly ended: Promise<number | NodeJS.Signals>;
  /** To the whole process group, as the terminal does on Ctrl-C. */
  signalGroup(signal: NodeJS.Signals): void;
}

/** The environment without anything that names a server, so that `up` starts them all. */
export function bareEnvironment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(
    ([name]) => !/^(TEMPORAL|DATABASE|KRAKEN|HOLDFAST|PREDICTION)_|^VITEST|^NODE_OPTIONS$/.test(name),
  );
  return { ...Object.fromEntries(kept), TEMPORAL_CLI: inject('temporalCli') };
}

/** Runs a command to its end. */
export function holdfast(...args: readonly string[]): Promise<CommandResult> {
  return holdfastWith({}, ...args);
}

/** The same with variables of its own in the environment. */
export async function holdfastWith(
  variables: NodeJS.ProcessEnv,
  ...args: readonly string[]
): Promise<CommandResult> {
  return new Promise((resolve) => {
    const options = { env: { ...bareEnvironment(), ...variables }, timeout: READY_WITHIN_MS };
    execFile(process.execPath, [CLI, ...args], options, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1;
      resolve({ code, stdout, stderr });
    });
  });
}

/** Runs a command with `--json` and gives its answer; throws when it failed. */
export async function holdfastJson<T>(...args: readonly string[]): Promise<T> {
  const { code, stdout, stderr } = await holdfast(...args, '--json');
  if (code !== 0) throw new Error(`holdfast ${args.join(' ')} ended with ${code}: ${stderr}${stdout}`);
  return JSON.parse(stdout) as T;
}

/** Runs a command that goes on until it is stopped, and gives its lines as they come; ends it with Ctrl-C's signal. */
export async function* holdfastLines(...args: readonly string[]): AsyncGenerator<string> {
  const child = spawn(process.execPath, [CLI, ...args], {
    env: bareEnvironment(),
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  try {
    yield* createInterface({ input: child.stdout });
  } finally {
    child.kill('SIGINT');
    await ended;
  }
}

/** Starts `up --json` and waits for its ready line. */
export function startUp(...args: readonly string[]): Promise<Up> {
  return startUpWith({}, ...args);
}

/** The same with variables of its own in the environment. */
export async function startUpWith(variables: NodeJS.ProcessEnv, ...args: readonly string[]): Promise<Up> {
  const child = spawn(process.execPath, [CLI, 'up', '--json', ...args], {
    env: { ...bareEnvironment(), ...variables },
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const { pid } = child;
  if (pid === undefined) throw new Error('holdfast up did not start');
  const said: string[] = [];
  const ended = new Promise<number | NodeJS.Signals>((resolve) => {
    child.once('exit', (code, signal) => resolve(signal ?? code ?? -1));
  });
  const signalGroup = (signal: NodeJS.Signals) => void process.kill(-pid, signal);
  const ready = new Promise<ReadyLine>((resolve) => {
    createInterface({ input: child.stderr }).on('line', (line) => said.push(line));
    createInterface({ input: child.stdout }).on('line', (line) => {
      said.push(line);
      if (line.includes('"event":"ready"')) resolve(JSON.parse(line) as ReadyLine);
    });
  });
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<'late'>((resolve) => {
    timer = setTimeout(() => resolve('late'), READY_WITHIN_MS);
  });
  const outcome = await Promise.race([ready, ended, late]);
  clearTimeout(timer);
  if (typeof outcome === 'object') return { ready: outcome, pid, ended, signalGroup };
  if (outcome === 'late') signalGroup('SIGKILL');
  throw new Error(`holdfast up was not ready (${outcome}): ${said.join(' | ')}`);
}
