import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { Running } from './supervisor.ts';

/** A line of a child's log; a line that isn't a JSON object comes as `{msg}`. */
export type LogLine = Readonly<Record<string, unknown>>;

export interface NodeChildOptions {
  readonly name: string;
  /** Of `holdfast`: the command and its options. */
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly onLog: (line: LogLine) => void;
  /** The script to run instead of the CLI, for tests. */
  readonly script?: string;
  readonly readyWithinMs?: number;
  /** How long it may take to stop before it is killed. */
  readonly graceMs?: number;
}

export interface NodeChild extends Running {
  /** Its `{"event":"ready",…}` line. */
  readonly ready: LogLine;
}

const CLI = fileURLToPath(new URL('../../bin/holdfast.js', import.meta.url));
const KEPT_LINES = 8;
const DRAIN_MS = 1_000;

/**
 * Starts a part of Holdfast as a child process, linked by an IPC channel (see `exitWithParent`), and waits
 * for its ready line.
 * @throws Error with the child's last words when it ends, or stays silent, before it is ready.
 */
export async function startNodeChild(options: NodeChildOptions): Promise<NodeChild> {
  const { name, readyWithinMs = 60_000, graceMs = 20_000 } = options;
  const onLate = () =>
    options.onLog({
      level: 40,
      event: 'killed',
      msg: `${name} did not stop within ${graceMs / 1_000} s, killed`,
    });
  const child = spawn(process.execPath, [options.script ?? CLI, ...options.args], {
    env: options.env,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  const ended = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(`could not run: ${error.message}`));
    child.once('exit', (code, signal) => {
      const why = `ended with ${signal ?? `code ${code}`}`;
      // Its last words may still be on their way; something else may hold its output open for ever.
      child.once('close', () => resolve(why));
      setTimeout(() => resolve(why), DRAIN_MS).unref();
    });
  });
  const kept: string[] = [];
  const ready = readLines(child, kept, options.onLog);
  let timer: NodeJS.Timeout | undefined;
  const failed = Promise.race([
    ended,
    new Promise<string>((resolve) => {
      timer = setTimeout(() => resolve(`was not ready within ${readyWithinMs / 1_000} s`), readyWithinMs);
    }),
  ]).then((why) => ({ why }));
  const outcome = await Promise.race([ready.then((line) => ({ line })), failed]);
  clearTimeout(timer);
  if ('why' in outcome) {
    child.kill('SIGKILL');
    await ended;
    const words = kept.join(' | ');
    throw new Error(`${name} ${outcome.why}${words === '' ? '' : `: ${words}`}`);
  }
  if (child.pid === undefined) throw new Error(`${name} has no process`);
  return {
    pid: child.pid,
    ready: outcome.line,
    ended,
    stop: () => stopChild(child, ended, graceMs, onLate),
    kill: async () => {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

function readLines(child: ChildProcess, kept: string[], onLog: (line: LogLine) => void): Promise<LogLine> {
  return new Promise((resolve) => {
    const onLine = (text: string) => {
      if (text.trim() === '') return;
      const line = parseLine(text);
      if (line.event === 'ready') resolve(line);
      const words = wordsOf(line);
      if (words !== null) kept.push(words);
      if (kept.length > KEPT_LINES) kept.shift();
      onLog(line);
    };
    for (const stream of [child.stdout, child.stderr] as (Readable | null)[]) {
      if (stream !== null) createInterface({ input: stream }).on('line', onLine);
    }
  });
}

/** What a line says to people; the frames of a stack trace say nothing. */
function wordsOf(line: LogLine): string | null {
  const said = typeof line.msg === 'string' ? line.msg : JSON.stringify(line);
  if (/^(\s|[{}^]|node:|Node\.js v)/.test(said)) return null;
  const cause = (line.err as { message?: unknown } | undefined)?.message;
  return typeof cause === 'string' && cause !== said ? `${said}: ${cause}` : said;
}

function parseLine(text: string): LogLine {
  if (text.startsWith('{')) {
    try {
      return JSON.parse(text) as LogLine;
    } catch {
      // Half a line of a killed process, or text that only looks like JSON.
    }
  }
  return { msg: text };
}

async function stopChild(
  child: ChildProcess,
  ended: Promise<string>,
  graceMs: number,
  onLate: () => void,
): Promise<void> {
  child.kill('SIGTERM');
  const timer = setTimeout(() => {
    onLate();
    child.kill('SIGKILL');
  }, graceMs);
  await ended;
  clearTimeout(timer);
}
