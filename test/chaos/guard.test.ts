import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { pino } from 'pino';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { HoldfastClient } from '../../src/client.ts';
import { startStack, type Stack } from '../../src/embedded/stack.ts';
import { bareEnvironment } from '../support/up.ts';
import { PaperControl } from '../support/paper-control.ts';
import { freePortBase } from '../support/port-base.ts';

/** Two workers; the one that guards a position is killed, frozen or told to stop. One exit order, always. */
describe('a position whose guard is lost', { timeout: 180_000 }, () => {
  let root: string;
  let stack: Stack;
  let paper: PaperControl;
  let connection: Connection;
  let client: HoldfastClient;

  beforeAll(async () => {
    root = await mkdtemp(path.join(tmpdir(), 'holdfast-guard-'));
    stack = await startStack({
      dataDir: root,
      env: { ...bareEnvironment(), PREDICTION_URL: 'none' },
      log: pino({ level: 'silent' }),
      demo: false,
      scan: false,
      workers: 2,
      portBase: await freePortBase(),
    });
    paper = new PaperControl(stack.ready.exchangeUrl);
    connection = await Connection.connect({ address: stack.ready.temporalAddress });
    client = new HoldfastClient(new Client({ connection }));
  }, 180_000);
  afterAll(async () => {
    await connection.close();
    await stack.stop();
    await rm(root, { recursive: true, force: true });
  }, 60_000);
  beforeEach(() => paper.price('BTC/USD', '10000.0', '10000.1'));

  async function openGuarded(tradeId: string) {
    await client.openTrade({
      tradeId,
      symbol: 'BTC/USD',
      side: 'long',
      notional: '250',
      order: { type: 'market' },
      strategy: 'manual',
      signal: { source: 'operator', confidence: 1, asOfMs: Date.now(), ttlMs: 30_000 },
    });
    await client.progress(tradeId, 'opened');
    await expect.poll(() => guardOf(tradeId), { timeout: 20_000 }).not.toBeNull();
    await expect.poll(async () => (await client.state(tradeId)).persistence).toBe('confirmed');
    const guard = await guardOf(tradeId);
    const worker = [...stack.parts.values()].find((part) => guard?.includes(`-${part.pid()}-`));
    if (!guard || !worker) throw new Error(`nobody guards ${tradeId}`);
    return { guard, worker };
  }

  async function guardOf(tradeId: string): Promise<string | null> {
    return (await client.state(tradeId)).guard?.leaseId ?? null;
  }

  /** Orders of the trade that the exchange took, entry included. */
  const acceptedSince = async (before: number) => (await paper.accepted()).length - before;

  const breach = () => paper.price('BTC/USD', '7900.0', '7900.1');

  it('is armed at another worker after kill -9, and sold once', async () => {
    const before = (await paper.accepted()).length;
    const { guard, worker } = await openGuarded('killed');
    await worker.kill();
    await expect.poll(() => guardOf('killed'), { timeout: 60_000 }).not.toBe(guard);
    await expect.poll(() => guardOf('killed'), { timeout: 60_000 }).not.toBeNull();
    await breach();
    expect(await client.result('killed')).toMatchObject({ stage: 'closed', exitRule: 'emergency-loss' });
    expect(await acceptedSince(before)).toBe(2);
  });

  it('is sold once although its frozen guard wakes up with the breach still to see', async () => {
    const before = (await paper.accepted()).length;
    const { worker } = await openGuarded('frozen');
    const pid = worker.pid();
    if (pid === null) throw new Error('the worker has no process');
    process.kill(pid, 'SIGSTOP');
    try {
      await breach();
      expect(await client.result('frozen')).toMatchObject({ stage: 'closed', exitRule: 'emergency-loss' });
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    expect(await acceptedSince(before)).toBe(2);
    // The woken worker is of use again: it or the other guards the next position.
    const { guard } = await openGuarded('after-the-freeze');
    expect(guard).toBeTruthy();
    await client.requestExit('after-the-freeze', 'test');
    await client.result('after-the-freeze');
    expect(await acceptedSince(before)).toBe(4);
  });

  it('is exited by its operator although its guard is dead, and sold once', async () => {
    const before = (await paper.accepted()).length;
    const { worker } = await openGuarded('operator');
    await worker.kill();
    expect(await client.requestExit('operator', 'test')).toMatchObject({ accepted: true });
    expect(await client.result('operator')).toMatchObject({ stage: 'closed', exitRule: 'forced' });
    expect(await acceptedSince(before)).toBe(2);
  });
});
