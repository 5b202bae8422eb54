import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { acquireFileLock } from '../../src/embedded/file-lock.ts';
import { identify } from '../../src/embedded/process-identity.ts';
import { startStack, type Stack, type StackOptions } from '../../src/embedded/stack.ts';
import { pinnedTemporalCliVersion } from '../../src/embedded/temporal-cli-version.ts';
import { freePortBase } from '../support/port-base.ts';

const cliScript = fileURLToPath(new URL('../support/fake-holdfast.js', import.meta.url));

/** Real servers and process handling; only the children are stand-ins (up.test.ts has the real ones). */
describe('the embedded stack', () => {
  let root: string;
  let events: { child: string; line: Readonly<Record<string, unknown>> }[];
  let stack: Stack | undefined;

  beforeEach(async () => {
    root = await mkdtemp(path.join(tmpdir(), 'holdfast-stack-'));
    events = [];
    stack = undefined;
  });
  afterEach(async () => {
    await stack?.stop();
    await rm(root, { recursive: true, force: true });
  });

  const start = async (more: Partial<StackOptions> = {}) => {
    stack = await startStack({
      dataDir: root,
      env: { PATH: process.env.PATH, TEMPORAL_CLI: inject('temporalCli') },
      log: pino({ level: 'silent' }),
      demo: false,
      scan: false,
      portBase: await freePortBase(),
      cliScript,
      onLog: (child, line) => events.push({ child, line }),
      ...more,
    });
    return stack;
  };
  const environmentOf = (child: string) =>
    events.find((event) => event.child === child && event.line.event === 'environment')?.line.env;

  it('starts every part, tells the children where the others are, and stops in reverse', async () => {
    const { ready, parts } = await start({ workers: 2, balance: '2500' });
    expect([...parts.keys()].sort()).toEqual([
      'dashboard',
      'paper',
      'postgres',
      'temporal',
      'worker-1',
      'worker-2',
    ]);
    expect(JSON.parse(await readFile(path.join(root, 'ready.json'), 'utf8'))).toEqual(ready);
    expect(environmentOf('worker-1')).toMatchObject({
      TEMPORAL_ADDRESS: ready.temporalAddress,
      TEMPORAL_NAMESPACE: 'default',
      DATABASE_URL: ready.databaseUrl,
      KRAKEN_API_URL: ready.exchangeUrl,
      KRAKEN_WS_URL: ready.exchangeWsUrl,
      KRAKEN_API_KEY: 'k-1',
      KRAKEN_API_SECRET: 's-1',
      HOLDFAST_DATA_DIR: root,
      HOLDFAST_SCAN: 'off',
    });
    const paper = events.find((event) => event.child === 'paper')?.line.args;
    expect(paper).toEqual(expect.arrayContaining(['--balance', '2500', '--synthetic']));

    const pids = [...parts.values()].map((part) => part.pid()!);
    await stack!.stop();
    const stopped = events.filter(({ line }) => line.event === 'stopping').map(({ child }) => child);
    expect(stopped).toEqual(['dashboard', 'worker-2', 'worker-1', 'paper']);
    expect(await Promise.all(pids.map(identify))).toEqual(pids.map(() => null));
    await expect(readFile(path.join(root, 'ready.json'))).rejects.toThrow('ENOENT');
  });

  it('brings a killed server and a killed child back on the same addresses', async () => {
    const { parts } = await start();
    for (const name of ['temporal', 'postgres', 'worker-1']) {
      const part = parts.get(name)!;
      const before = part.pid();
      await part.kill();
      await expect.poll(() => part.restarts(), { timeout: 30_000 }).toBe(1);
      expect(part.pid()).not.toBe(before);
    }
  });

  it('starts only what the environment does not name', async () => {
    const env = {
      PATH: process.env.PATH,
      TEMPORAL_ADDRESS: inject('temporalAddress'),
      DATABASE_URL: inject('databaseUrl'),
      KRAKEN_API_URL: 'http://127.0.0.1:1',
      KRAKEN_API_KEY: 'mine',
    };
    const { ready, parts } = await start({ env });
    expect([...parts.keys()]).toEqual(['worker-1', 'dashboard']);
    expect(ready).toMatchObject({
      temporalAddress: env.TEMPORAL_ADDRESS,
      temporalUi: null,
      databaseUrl: env.DATABASE_URL,
      exchangeUrl: env.KRAKEN_API_URL,
      exchangeWsUrl: 'ws://127.0.0.1:1/v2',
    });
    expect(environmentOf('worker-1')).toMatchObject({ KRAKEN_API_KEY: 'mine' });
  });

  it('shrinks the times of the policy with the demo tape', async () => {
    await start({ demo: true, speed: 20 });
    expect(environmentOf('worker-1')).toMatchObject({ HOLDFAST_TIME_SCALE: '20', HOLDFAST_SCAN: 'on' });
    const posted = () =>
      events.find((event) => event.child === 'paper' && event.line.event === 'posted')?.line;
    await expect.poll(posted).toMatchObject({ url: '/control/market', body: { source: 'tape', speed: 20 } });
  });

  it('says which address of the environment does not answer', async () => {
    const env = {
      PATH: process.env.PATH,
      TEMPORAL_ADDRESS: '127.0.0.1:1',
      DATABASE_URL: inject('databaseUrl'),
    };
    await expect(start({ env })).rejects.toThrow(
      'nobody answers as Temporal at TEMPORAL_ADDRESS=127.0.0.1:1: start that server, or leave the variable out',
    );
  });

  it('does not wait for a build of Temporal when the database cannot start', async () => {
    // Neither a download nor a build is at hand, and the lock of whoever makes one is never released.
    const cache = path.join(root, 'cache');
    const target = path.join(cache, 'holdfast', `temporal-cli-${await pinnedTemporalCliVersion()}`);
    await mkdir(path.dirname(target), { recursive: true });
    const busy = await acquireFileLock(`${target}.lock`);
    await mkdir(path.join(root, 'postgres'));
    await writeFile(path.join(root, 'postgres', 'stranger'), '');
    const env = { PATH: '/usr/bin:/bin', XDG_CACHE_HOME: cache };
    await expect(start({ env })).rejects.toThrow("is neither empty nor PostgreSQL's");
    await busy.release();
  });

  it('leaves nothing behind when a part fails to start', async () => {
    const failing = start({ cliScript: path.join(root, 'absent.js') });
    await expect(failing).rejects.toThrow(/paper ended with code 1: .*absent\.js/);
    const { parts } = await start();
    expect(parts.get('temporal')?.pid()).not.toBeNull();
  });
});
