import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { pino } from 'pino';
import { afterEach, describe, expect, it } from 'vitest';
import { startNodeChild, type LogLine, type NodeChildOptions } from '../../src/embedded/node-child.ts';
import { identify } from '../../src/embedded/process-identity.ts';
import { supervise, type Supervised } from '../../src/embedded/supervisor.ts';

const script = fileURLToPath(new URL('../support/fake-holdfast.js', import.meta.url));
const log = pino({ level: 'silent' });
const backoff = { firstMs: 10, maxMs: 40, steadyAfterMs: 60_000 };

const fake = (args: readonly string[], more: Partial<NodeChildOptions> = {}) =>
  startNodeChild({ name: 'fake', args, env: process.env, onLog: () => undefined, script, ...more });

describe('a child process', () => {
  it('is ready at its ready line, and every line of its log arrives as an object', async () => {
    const lines: LogLine[] = [];
    const child = await fake(['worker', '--x', '1'], { onLog: (line) => lines.push(line) });
    expect(child.ready).toMatchObject({ event: 'ready', pid: child.pid });
    expect(lines[0]).toMatchObject({ event: 'environment', args: ['--x', '1'] });
    expect(lines[1]).toEqual({ msg: 'not JSON at all' });
    await child.stop();
    expect(lines.at(-1)).toMatchObject({ event: 'stopping', signal: 'SIGTERM' });
    expect(await child.ended).toBe('ended with code 0');
  });

  it('that ends before it is ready fails the start with its last words', async () => {
    await expect(fake(['fail'])).rejects.toThrow('fake ended with code 3: the disk is on fire');
  });

  it('that never says ready is killed and fails the start', async () => {
    await expect(fake(['mute'], { readyWithinMs: 1_500 })).rejects.toThrow('fake was not ready within 1.5 s');
  });

  it('that does not stop in its grace time is killed, and the log says so', async () => {
    const lines: LogLine[] = [];
    const child = await fake(['stubborn'], { onLog: (line) => lines.push(line), graceMs: 500 });
    await child.stop();
    expect(await child.ended).toBe('ended with SIGKILL');
    expect(lines.at(-1)).toMatchObject({ event: 'killed', msg: 'fake did not stop within 0.5 s, killed' });
  });

  it('leaves a Ctrl-C of the whole process group to its parent', async () => {
    const lines: LogLine[] = [];
    const child = await fake(['worker'], { onLog: (line) => lines.push(line) });
    process.kill(child.pid, 'SIGINT');
    await child.stop();
    expect(lines.at(-1)).toMatchObject({ event: 'stopping', signal: 'SIGTERM' });
  });

  it('ends when its parent is killed', async () => {
    const module = new URL('../../src/embedded/node-child.ts', import.meta.url).href;
    const code = `
      const { startNodeChild } = await import(${JSON.stringify(module)});
      const options = { name: 'fake', args: ['worker'], env: process.env, script: ${JSON.stringify(script)} };
      const child = await startNodeChild({ ...options, onLog: () => undefined });
      console.log(child.pid);
    `;
    const parent = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', code], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const pid = await new Promise<number>((resolve) => {
      createInterface({ input: parent.stdout }).once('line', (line) => resolve(Number(line)));
    });
    expect(await identify(pid)).not.toBeNull();
    parent.kill('SIGKILL');
    await expect.poll(() => identify(pid), { timeout: 10_000 }).toBeNull();
  });
});

describe('the supervisor', () => {
  let part: Supervised | undefined;
  afterEach(() => part?.stop());

  it('starts a killed part again, with a new pid, and tells each pid', async () => {
    const pids: number[] = [];
    part = await supervise({
      name: 'fake',
      log,
      backoff,
      start: () => fake(['worker']),
      onStarted: async (pid) => void pids.push(pid),
    });
    const first = part.pid();
    await part.kill();
    await expect.poll(() => part?.restarts(), { timeout: 20_000 }).toBe(1);
    expect(part.pid()).not.toBe(first);
    expect(pids).toEqual([first, part.pid()]);
  });

  it('keeps trying while starting fails, and stop() ends the trying', async () => {
    let attempts = 0;
    const failed = new Error('no');
    part = await supervise({
      name: 'fake',
      log,
      backoff,
      start: async () => {
        attempts += 1;
        if (attempts > 1) throw failed;
        return fake(['worker']);
      },
    });
    await part.kill();
    await expect.poll(() => attempts, { timeout: 20_000 }).toBeGreaterThan(3);
    await part.stop();
    const whenStopped = attempts;
    // Longer than the longest wait between two tries.
    await new Promise((resolve) => setTimeout(resolve, 3 * backoff.maxMs));
    expect(attempts).toBe(whenStopped);
    expect(part.pid()).toBeNull();
  });

  it('does not try a part again that never worked', async () => {
    const start = supervise({ name: 'fake', log, backoff, start: () => fake(['fail']) });
    await expect(start).rejects.toThrow('the disk is on fire');
  });

  it('leaves a stopped part down until it is started', async () => {
    part = await supervise({ name: 'fake', log, backoff, start: () => fake(['worker']) });
    await part.stop();
    expect(part.pid()).toBeNull();
    await part.start();
    expect(part.pid()).not.toBeNull();
    expect(part.restarts()).toBe(0);
  });
});
