import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HoldfastClient } from '../../src/client.ts';
import { startStack, type Stack } from '../../src/embedded/stack.ts';
import type { PositionView } from '../../src/views/position-view.ts';
import { PaperControl } from '../support/paper-control.ts';
import { freePortBase } from '../support/port-base.ts';
import { bareEnvironment, holdfast, holdfastJson } from '../support/up.ts';

const WATCHED = 'BTC/USD';
const RESTING = 'ETH/USD';
const WITHIN = { timeout: 90_000, interval: 250 };

/**
 * One position under guard, and limit entries that fill while the streams are down. A mark or a fill that the worker
 * shows can only have come from the exchange, so what is shown at the end is what was asked, heard or caught up on.
 */
describe('a worker whose streams fail', { timeout: 240_000 }, () => {
  let root: string;
  let stack: Stack;
  let paper: PaperControl;
  let connection: Connection;
  let client: HoldfastClient;
  let price = 10_000;
  let entries = 0;

  beforeAll(async () => {
    root = await mkdtemp(path.join(tmpdir(), 'holdfast-outage-'));
    stack = await startStack({
      dataDir: root,
      env: { ...bareEnvironment(), PREDICTION_URL: 'none' },
      log: pino({ level: 'silent' }),
      demo: false,
      scan: false,
      portBase: await freePortBase(),
    });
    paper = new PaperControl(stack.ready.exchangeUrl);
    connection = await Connection.connect({ address: stack.ready.temporalAddress });
    client = new HoldfastClient(new Client({ connection }));
    await paper.price(WATCHED, '10000.0', '10000.1');
    await paper.price(RESTING, '500.00', '500.01');
    await open('watched', WATCHED);
    await client.progress('watched', 'opened');
  }, 240_000);
  afterAll(async () => {
    await connection.close();
    await stack.stop();
    await rm(root, { recursive: true, force: true });
  }, 60_000);

  async function open(tradeId: string, symbol: string, limit: string | null = null): Promise<void> {
    await client.openTrade({
      tradeId,
      symbol,
      side: 'long',
      notional: '250',
      order: limit === null ? { type: 'market' } : { type: 'limit', price: limit },
      strategy: 'test',
      signal: { source: 'test', confidence: 1, asOfMs: Date.now(), ttlMs: 60_000 },
    });
  }

  async function watched(): Promise<PositionView | undefined> {
    const positions = await holdfastJson<PositionView[]>('positions', '--data-dir', root);
    return positions.find(({ symbol }) => symbol === WATCHED);
  }

  /** Moves the price; the worker has to show it as its mark. */
  async function marksAreFresh(): Promise<void> {
    price += 1;
    await paper.price(WATCHED, `${price}.0`, `${price}.1`);
    await expect.poll(async () => (await watched())?.markPrice, WITHIN).toBe(String(price));
  }

  async function rest(): Promise<string> {
    entries += 1;
    const tradeId = `resting-${entries}`;
    await paper.price(RESTING, '500.00', '500.01');
    await open(tradeId, RESTING, '490.00');
    await expect.poll(async () => (await paper.account()).openOrders, WITHIN).toHaveLength(1);
    return tradeId;
  }

  const fill = () => paper.price(RESTING, '489.00', '489.01');
  const isOpen = (tradeId: string) =>
    expect.poll(async () => (await client.state(tradeId)).position?.entry.averagePrice, WITHIN).toBe('490');

  async function signalsOf(tradeId: string): Promise<string[]> {
    const { events = [] } = await new Client({ connection }).workflow
      .getHandle(`trade-${tradeId}`)
      .fetchHistory();
    return (events ?? []).flatMap(
      ({ workflowExecutionSignaledEventAttributes: signal }) => signal?.signalName ?? [],
    );
  }

  it('hears of the fill of a resting order from the exchange itself, each told once', async () => {
    await paper.arm({ call: 'executions', kind: 'duplicate-frame', times: 4 });
    await paper.arm({ call: 'ticker', kind: 'duplicate-frame', times: 4 });
    const tradeId = await rest();
    await fill();
    await isOpen(tradeId);
    expect(await signalsOf(tradeId)).toContain('orderMoved');
    await marksAreFresh();
    await paper.disarm();
    expect((await paper.accepted()).length).toBe(2);
  });

  it('misses no fill and has fresh marks again after its connections were cut', async () => {
    const tradeId = await rest();
    await paper.arm({ call: '*', kind: 'ws-close', times: 1 });
    await fill();
    await isOpen(tradeId);
    await marksAreFresh();
  });

  it('takes marks by request and misses no fill while its connections say nothing', async () => {
    const tradeId = await rest();
    await paper.arm({ call: '*', kind: 'ws-stall', times: 1, delayMs: 60_000 });
    await fill();
    await marksAreFresh();
    await isOpen(tradeId);
    await marksAreFresh();
  });

  it('says of a position that it has no fresh mark, wherever people look, until the exchange is back from kill -9', async () => {
    const tradeId = await rest();
    const pid = stack.parts.get('paper')?.pid();
    if (pid == null) throw new Error('the paper exchange has no process');
    process.kill(pid, 'SIGSTOP');
    try {
      await expect
        .poll(async () => (await client.state('watched')).noMarkSinceMs, WITHIN)
        .toEqual(expect.any(Number));
      const { noMarkSinceMs } = await client.state('watched');
      expect(Date.now() - (noMarkSinceMs ?? Infinity)).toBeGreaterThanOrEqual(30_000);
      expect((await watched())?.markAgeMs).toBeGreaterThanOrEqual(30_000);
      for (const command of [['show', 'watched'], ['positions']]) {
        const { stdout } = await holdfast(...command, '--data-dir', root);
        expect(stdout, command.join(' ')).toMatch(/the mark is \d+\w.* old/);
      }
    } finally {
      process.kill(pid, 'SIGKILL');
    }
    await expect.poll(() => stack.parts.get('paper')?.restarts(), WITHIN).toBe(1);
    await fill();
    await isOpen(tradeId);
    await marksAreFresh();
    await expect.poll(async () => (await client.state('watched')).noMarkSinceMs, WITHIN).toBeNull();
    expect((await holdfast('show', 'watched', '--data-dir', root)).stdout).not.toMatch(/the mark is/);
    const accepted = await paper.accepted();
    expect(accepted).toHaveLength(1 + entries);
    expect(new Set(accepted.map(({ clOrdId }) => clOrdId)).size).toBe(accepted.length);
  });
});
