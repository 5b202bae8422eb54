import { spawn, type ChildProcess } from 'node:child_process';

export interface ProcessEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface GuardedProcess {
  readonly pid: number;
  readonly child: ChildProcess;
  /** Settles once the process has ended. */
  readonly ended: Promise<ProcessEnd>;
  /** Null while it runs. */
  end(): ProcessEnd | null;
}

/**
 * A shell first forks a watcher that waits on standard input, then becomes the program, so that the pid
 * stays the program's. The line we write when the program has ended sends the watcher home; end of file
 * without it means that we died, and the program is killed.
 */
const SCRIPT = [
  'exec 3<&0',
  '( trap "" INT TERM HUP; read -r word <&3 || kill -KILL $$ ) </dev/null >/dev/null 2>&1 &',
  'exec 3<&-',
  'exec "$@" </dev/null',
].join('\n');

/**
 * Starts a foreign server that ends when we die, however we die, and that a Ctrl-C in the terminal does not
 * reach: it runs in a process group of its own and is stopped by us, in our order.
 */
export async function spawnGuarded(
  command: string,
  args: readonly string[],
  options: { readonly env?: NodeJS.ProcessEnv; readonly cwd?: string; uid?: number; gid?: number } = {},
): Promise<GuardedProcess> {
  const child = spawn('/bin/sh', ['-c', SCRIPT, 'sh', command, ...args], {
    ...options,
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let end: ProcessEnd | null = null;
  const ended = new Promise<ProcessEnd>((resolve) => {
    child.once('exit', (code, signal) => {
      end = { code, signal };
      child.stdin.on('error', () => undefined);
      child.stdin.end('over\n');
      resolve(end);
    });
  });
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', reject);
  });
  if (child.pid === undefined) throw new Error(`${command} did not start`);
  return { pid: child.pid, child, ended, end: () => end };
}
