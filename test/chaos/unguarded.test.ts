import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { NodeChild } from '../../src/embedded/node-child.ts';
import { legsOf } from '../support/protected-trades.ts';
import { openTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts';
import { Lane } from './support/lane.ts';
import { until } from './support/until.ts';

const POSITIONS = 5;
const ROUNDS = 2;
const WITHIN_MS = 180_000;

/** One worker with a way of its own to Temporal and to the exchange, each of which can be cut. */
interface CutOff {
  readonly worker: NodeChild;
  readonly toTemporal: TcpProxy;
  readonly toExchange: TcpProxy;
}

interface Trade {
  readonly tradeId: string;
  readonly move: (times: number) => Promise<void>;
}

type Strike = (guard: CutOff) => void | Promise<void>;

/**
 * Two workers. The one that guards is struck, the emergency comes at once, and the time until the exchange has the
 * exit is how long the position had no guard that could fire.
 */
describe('positions whose guard is struck', { timeout: 1_200_000 }, () => {
  let lane: Lane;
  const workers: CutOff[] = [];

  const startWorker = async (): Promise<void> => {
    const toTemporal = await openTcpProxy(lane.temporal.address);
    const toExchange = await openTcpProxy(new URL(lane.exchangeUrl).host);
    const worker = await lane.startWorker({
      TEMPORAL_ADDRESS: toTemporal.address,
      // What a used-up call budget adds is another matter; the exchange of a lane counts nothing.
      HOLDFAST_KRAKEN_TIER: 'unlimited',
      KRAKEN_API_URL: `http://${toExchange.address}`,
      KRAKEN_WS_URL: `ws://${toExchange.address}${new URL(lane.exchangeWsUrl).pathname}`,
    });
    workers.push({ worker, toTemporal, toExchange });
  };

  beforeAll(async () => {
    lane = await Lane.open();
    await startWorker();
    await startWorker();
  }, 240_000);
  afterAll(async () => {
    await lane.close();
    for (const { toTemporal, toExchange } of workers) {
      await toTemporal.close();
      await toExchange.close();
    }
  }, 60_000);

  const guardOf = async (tradeId: string) => {
    const { guard, legInDoubtSinceMs } = await lane.client.state(tradeId);
    return legInDoubtSinceMs === null ? (guard?.leaseId ?? null) : null;
  };

  /** All of them under the same guard, so that one strike meets them all. */
  async function openUnderOneGuard(): Promise<{ trades: Trade[]; guard: CutOff }> {
    const byGuard = new Map<string, Trade[]>();
    for (;;) {
      const { symbol, move } = await lane.freshSymbol();
      const tradeId = randomUUID();
      await lane.openTrade(tradeId, symbol);
      await until('it is guarded', WITHIN_MS, async () => (await guardOf(tradeId)) !== null);
      const leaseId = (await guardOf(tradeId)) ?? '';
      const trades = [...(byGuard.get(leaseId) ?? []), { tradeId, move }];
      byGuard.set(leaseId, trades);
      const guard = workers.find(({ worker }) => leaseId.includes(`-${worker.pid}-`));
      if (trades.length === POSITIONS && guard) return { trades, guard };
    }
  }

  async function unguardedMs(strike: Strike, breachAfterMs: number): Promise<number[]> {
    const { trades, guard } = await openUnderOneGuard();
    await strike(guard);
    const struckAtMs = Date.now();
    await delay(breachAfterMs);
    await Promise.all(trades.map(({ move }) => move(0.79)));
    const exitOf = async ({ tradeId }: Trade) =>
      (await legsOf(lane, tradeId)).find(({ leg }) => leg.startsWith('exit'));
    await Promise.all(
      trades.map((trade) =>
        until('it is sold', WITHIN_MS, async () => (await exitOf(trade)) !== undefined).catch(
          (error: unknown) => {
            throw new Error(`${String(error)}\n${lane.story(trade.tradeId)}`);
          },
        ),
      ),
    );
    const times = await Promise.all(
      trades.map(async (trade) => ((await exitOf(trade))?.processedAtMs ?? Infinity) - struckAtMs),
    );
    return times;
  }

  async function heal(guard: CutOff): Promise<void> {
    guard.toTemporal.heal();
    guard.toExchange.heal();
  }

  it.each<[string, Strike, number, (guard: CutOff) => Promise<void> | void]>([
    ['killed', ({ worker }) => worker.kill().then(() => undefined), 0, startWorker],
    [
      'frozen',
      ({ worker }) => void process.kill(worker.pid, 'SIGSTOP'),
      0,
      ({ worker }) => void process.kill(worker.pid, 'SIGCONT'),
    ],
    ['cut off from Temporal', ({ toTemporal }) => toTemporal.cut(), 8_500, heal],
    ['cut off from the exchange', ({ toExchange }) => toExchange.cut(), 0, heal],
  ])('%s: sold once each, soon', async (name, strike, breachAfterMs, mend) => {
    for (let round = 0; round < ROUNDS; round += 1) {
      let struck: CutOff | null = null;
      const times = await unguardedMs((guard) => {
        struck = guard;
        return strike(guard);
      }, breachAfterMs);
      console.log(`${name}: ${times.map((ms) => (ms / 1000).toFixed(1)).join(' ')} s`);
      if (struck) await mend(struck);
      expect(times.length).toBe(POSITIONS);
    }
  });
});
