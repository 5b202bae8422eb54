import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Connection } from '@temporalio/client';
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { isRunning, type ProcessIdentity } from '../../src/embedded/process-identity.ts';
import { portsFrom } from '../../src/embedded/ports.ts';
import { freePortBase } from '../support/port-base.ts';
import { holdfast, holdfastJson, startUpWith, type Up } from '../support/up.ts';

interface Position {
  readonly positionId: string;
  readonly stage: string;
}

describe('holdfast up', { timeout: 180_000 }, () => {
  let root: string;
  let portBase: number;
  let up: Up | undefined;

  beforeAll(async () => {
    root = await mkdtemp(path.join(tmpdir(), 'holdfast-up-'));
    portBase = await freePortBase();
    up = await start();
  }, 180_000);
  afterAll(async () => {
    up?.signalGroup('SIGKILL');
    await up?.ended;
    await rm(root, { recursive: true, force: true });
  }, 60_000);

  beforeEach(({ onTestFailed }) => onTestFailed(async () => console.log(await lastWords())));

  /** The ends of the parts' logs, for the reader of a failure. */
  async function lastWords(): Promise<string> {
    const dir = path.join(root, 'logs');
    const files = await readdir(dir).catch(() => []);
    const tails = files.map(async (file) => {
      const lines = (await readFile(path.join(dir, file), 'utf8')).trimEnd().split('\n');
      return [`== ${file}`, ...lines.slice(-15).map((line) => line.slice(0, 300))].join('\n');
    });
    return (await Promise.all(tails)).join('\n');
  }

  // A quiet log must not keep a stack from telling that it is ready. The market moves with the hour of the day:
  // predictions may see a reversal at any time, and no test is to hang on that.
  const start = () =>
    startUpWith(
      { HOLDFAST_LOG_LEVEL: 'warn', PREDICTION_URL: 'none' },
      ...['--data-dir', root, '--port-base', String(portBase)],
    );

  /** What the stack has recorded of its processes, by part. */
  async function processes(): Promise<Map<string, ProcessIdentity>> {
    const dir = path.join(root, 'processes');
    const files = (await readdir(dir)).filter((file) => file.endsWith('.json'));
    const read = async (file: string) =>
      [path.parse(file).name, JSON.parse(await readFile(path.join(dir, file), 'utf8'))] as const;
    return new Map((await Promise.all(files.map(read))) as [string, ProcessIdentity][]);
  }

  async function leftRunning(): Promise<string[]> {
    const recorded = [...(await processes())];
    const alive = await Promise.all(recorded.map(([, identity]) => isRunning(identity)));
    return recorded.filter((_, index) => alive[index]).map(([name]) => name);
  }

  async function openPosition(): Promise<string> {
    const args = ['--symbol', 'BTC/USD', '--side', 'long', '--notional', '250', '--wait', 'opened'];
    const { positionId } = await holdfastJson<Position>('open', ...args, '--data-dir', root);
    expect(positionId).toMatch(/^kraken-/);
    return positionId;
  }

  /** Every order that ever arrived at the exchange. */
  async function ordersAtExchange(): Promise<readonly unknown[]> {
    const response = await fetch(`${up!.ready.exchangeUrl}/control/orders`);
    return (await response.json()) as readonly unknown[];
  }

  it('says ready in one line of exactly the agreed fields, and keeps it in ready.json', async () => {
    const { ready } = up!;
    const ports = portsFrom(portBase);
    expect(ready).toEqual({
      event: 'ready',
      temporalAddress: `127.0.0.1:${ports.temporal}`,
      temporalNamespace: 'default',
      temporalUi: `http://127.0.0.1:${ports.temporalUi}`,
      databaseUrl: expect.stringContaining(`@127.0.0.1:${ports.postgres}/holdfast`) as string,
      exchangeUrl: `http://127.0.0.1:${ports.exchange}`,
      exchangeWsUrl: `ws://127.0.0.1:${ports.exchange}/v2`,
      dashboardUrl: `http://127.0.0.1:${ports.dashboard}`,
      metricsUrl: `http://127.0.0.1:${ports.metrics}/metrics`,
      dataDir: root,
    });
    expect(JSON.parse(await readFile(path.join(root, 'ready.json'), 'utf8'))).toEqual(ready);
  });

  it('answers at each address', async () => {
    const { ready } = up!;
    const connection = await Connection.connect({ address: ready.temporalAddress });
    const { customAttributes } = await connection.operatorService.listSearchAttributes({
      namespace: ready.temporalNamespace,
    });
    expect(Object.keys(customAttributes)).toEqual(
      expect.arrayContaining(['HoldfastSymbol', 'HoldfastStage', 'HoldfastReturn']),
    );
    await connection.close();
    const database = new pg.Client(ready.databaseUrl);
    await database.connect();
    expect((await database.query('SELECT COUNT(*) FROM "ManagedPosition"')).rows).toEqual([{ count: '0' }]);
    await database.end();
    const urls = [`${ready.exchangeUrl}/0/public/Time`, `${ready.dashboardUrl}/healthz`, ready.metricsUrl];
    for (const url of [...urls, ready.temporalUi!]) expect((await fetch(url)).status, url).toBe(200);
  });

  it('refuses a second one on its data, and one on its ports, saying why', async () => {
    const second = await holdfast('up', '--data-dir', root, '--port-base', String(await freePortBase()));
    expect(second.code).toBe(1);
    expect(second.stderr).toContain(`another holdfast (process ${up!.pid}) runs in ${root}`);

    const elsewhere = await mkdtemp(path.join(tmpdir(), 'holdfast-up-other-'));
    const clash = await holdfast('up', '--data-dir', elsewhere, '--port-base', String(portBase));
    expect(clash.code).toBe(1);
    expect(clash.stderr).toMatch(/port \d+ for .* is taken by another program; --port-base N/);
    await rm(elsewhere, { recursive: true, force: true });
  });

  it('has the open position again after kill -9 of the whole process group, and closes it with one order', async () => {
    const data = ['--data-dir', root];
    const positionId = await openPosition();

    up!.signalGroup('SIGKILL');
    await up!.ended;
    up = undefined;
    await expect.poll(leftRunning, { timeout: 20_000 }).toEqual([]);

    up = await start();
    const open = await holdfastJson<Position[]>('positions', ...data);
    expect(open.map((position) => position.positionId)).toEqual([positionId]);

    await holdfastJson('exit', positionId, '--wait', 'closed', ...data);
    expect(await holdfastJson('positions', ...data)).toEqual([]);
    expect(await ordersAtExchange()).toHaveLength(2);
  });

  it('brings back by itself every part that is killed, with the open position', async () => {
    const data = ['--data-dir', root];
    const positionId = await openPosition();
    const before = await processes();
    const killed = ['temporal', 'postgres', 'paper', 'worker-1'];
    for (const name of killed) process.kill(before.get(name)!.pid, 'SIGKILL');

    const restarted = async () => {
      const now = await processes();
      return killed.filter((name) => now.get(name)!.pid !== before.get(name)!.pid);
    };
    await expect.poll(restarted, { timeout: 90_000, interval: 250 }).toEqual(killed);
    const health = async () => (await fetch(`${up!.ready.dashboardUrl}/healthz`)).status;
    await expect.poll(health, { timeout: 60_000, interval: 500 }).toBe(200);

    await holdfastJson('exit', positionId, '--wait', 'closed', ...data);
    expect(await holdfastJson('positions', ...data)).toEqual([]);
    expect(await ordersAtExchange()).toHaveLength(4);
  });

  it('stops in order on Ctrl-C and leaves neither a process nor an address behind', async () => {
    up!.signalGroup('SIGINT');
    expect(await up!.ended).toBe(0);
    up = undefined;
    expect(await leftRunning()).toEqual([]);
    await expect(readFile(path.join(root, 'ready.json'))).rejects.toThrow('ENOENT');
    expect(await readdir(path.join(root, 'processes'))).toEqual([]);
    const logs = path.join(root, 'logs');
    for (const file of await readdir(logs)) {
      expect(await readFile(path.join(logs, file), 'utf8'), file).not.toContain('"event":"killed"');
    }
  });
});
