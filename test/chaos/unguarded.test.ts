import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { guardCheckAfterMs, LEASE_TIMEOUT_MS } from '../../src/domain/safety-times.ts';
import type { NodeChild } from '../../src/embedded/node-child.ts';
import { acceptedLegs } from '../support/order-legs.ts';
import { expectSoldOnce } from '../support/protected-trades.ts';
import { openTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts';
import { Lane, TIME_SCALE } from './support/lane.ts';
import { until } from './support/until.ts';

const POSITIONS = 5;
const ROUNDS = 2;
const ROLLED_POSITIONS = 100;
const WITHIN_MS = 180_000;
/** The bound of the design. */
const LONGEST_UNGUARDED_MS = LEASE_TIMEOUT_MS + 5_000;

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

const kill: Strike = ({ worker }) => worker.kill().then(() => undefined);

/** Two workers. The one that guards is struck; every position is sold once, recorded, and closed. */
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
    const { guard, legInDoubtSinceMs, persistence } = await lane.client.state(tradeId);
    return legInDoubtSinceMs === null && persistence === 'confirmed' ? (guard?.leaseId ?? null) : null;
  };

  async function openGuarded(): Promise<Trade & { readonly leaseId: string }> {
    const { symbol, move } = await lane.freshSymbol();
    const tradeId = randomUUID();
    await lane.openTrade(tradeId, symbol);
    await until('it is guarded', WITHIN_MS, async () => (await guardOf(tradeId)) !== null);
    return { tradeId, move, leaseId: (await guardOf(tradeId)) ?? '' };
  }

  /** All of them under the same guard, so that one strike meets them all. */
  async function openUnderOneGuard(positions = POSITIONS): Promise<{ trades: Trade[]; guard: CutOff }> {
    const byGuard = new Map<string, Trade[]>();
    for (;;) {
      const trade = await openGuarded();
      const trades = [...(byGuard.get(trade.leaseId) ?? []), trade];
      byGuard.set(trade.leaseId, trades);
      const guard = workers.find(({ worker }) => trade.leaseId.includes(`-${worker.pid}-`));
      if (trades.length === positions && guard) return { trades, guard };
    }
  }

  /** Epoch ms at which the exchange had the exit of each. */
  async function soldAtMs(trades: readonly Trade[]): Promise<number[]> {
    const exits = async () => {
      const arrivals = await lane.paper.orders();
      return trades.map(({ tradeId }) =>
        acceptedLegs(arrivals, tradeId).find(({ leg }) => leg.startsWith('exit')),
      );
    };
    await until('all are sold', WITHIN_MS, async () => (await exits()).every(Boolean)).catch(
      async (error: unknown) => {
        const unsold = (await exits()).findIndex((exit) => exit === undefined);
        throw new Error(`${String(error)}\n${lane.story(trades[unsold]?.tradeId ?? '')}`);
      },
    );
    return (await exits()).map((exit) => exit?.processedAtMs ?? Infinity);
  }

  async function expectClosed(trades: readonly Trade[]): Promise<void> {
    for (const { tradeId } of trades) {
      const { stage, exitRule } = await lane.client.result(tradeId);
      expect(stage).toBe('closed');
      // Forced: its guard sold, and took the reason with it.
      expect(['emergency-loss', 'forced']).toContain(exitRule);
      await expectSoldOnce(lane, tradeId, ['entry', 'exit-1']);
    }
  }

  function heal(guard: CutOff): void {
    guard.toTemporal.heal();
    guard.toExchange.heal();
  }

  // The emergency comes while the guard is gone: until it is sold the position had nobody who could fire.
  it.each<[string, Strike, number, (guard: CutOff) => Promise<void> | void]>([
    ['killed', kill, 0, startWorker],
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
      const { trades, guard } = await openUnderOneGuard();
      await strike(guard);
      const struckAtMs = Date.now();
      await delay(breachAfterMs);
      await Promise.all(trades.map(({ move }) => move(0.79)));
      const times = (await soldAtMs(trades)).map((atMs) => atMs - struckAtMs);
      console.log(`${name}: ${times.map((ms) => (ms / 1000).toFixed(1)).join(' ')} s`);
      await mend(guard);
      await expectClosed(trades);
      expect(Math.max(...times)).toBeLessThan(LONGEST_UNGUARDED_MS);
    }
  });

  it('ended by hand in Temporal: armed again by the next reconciliation', async () => {
    const trade = await openGuarded();
    // The trade's own first look is over then, and the next one too far away.
    await delay((guardCheckAfterMs(0) * 1.5) / TIME_SCALE);
    await lane.temporal.client.workflow.getHandle(`guard-${trade.leaseId}`).terminate('test');
    await until('it has another guard', guardCheckAfterMs(1) / TIME_SCALE / 1.5, async () => {
      const leaseId = await guardOf(trade.tradeId);
      return leaseId !== null && leaseId !== trade.leaseId;
    });
    await trade.move(0.79);
    await expectClosed([trade]);
  });

  it('killed before, while and after it fires: sold once each', async () => {
    const { trades, guard } = await openUnderOneGuard(1);
    guard.toExchange.cut('to-server');
    await breachAnd(trades, () => kill(guard));
    guard.toExchange.heal();
    await startWorker();
    await expectClosed(trades);

    const second = await openUnderOneGuard(1);
    second.guard.toTemporal.cut();
    await breachAnd(second.trades, async () => {
      await soldAtMs(second.trades);
      await kill(second.guard);
    });
    await startWorker();
    await expectClosed(second.trades);

    const third = await openUnderOneGuard(1);
    await breachAnd(third.trades, async () => {
      await until('the trade has heard', WITHIN_MS, async () => {
        const states = await Promise.all(third.trades.map(({ tradeId }) => lane.client.state(tradeId)));
        return states.every(({ demand }) => demand !== null);
      });
      await kill(third.guard);
    });
    await startWorker();
    await expectClosed(third.trades);
  });

  async function breachAnd(trades: readonly Trade[], strike: () => void | Promise<void>): Promise<void> {
    await Promise.all(trades.map(({ move }) => move(0.79)));
    await strike();
  }

  it('restarted one after the other, with a hundred positions: sold once each', async () => {
    const trades: Trade[] = [];
    for (let n = 0; n < ROLLED_POSITIONS; n += 1) {
      const { symbol, move } = await lane.freshSymbol();
      const tradeId = randomUUID();
      await lane.openTrade(tradeId, symbol);
      trades.push({ tradeId, move });
    }
    for (const { tradeId } of trades) {
      await until('it is guarded', WITHIN_MS, async () => (await guardOf(tradeId)) !== null);
    }
    const running = workers.filter(({ worker }) => lane.isAlive(worker));
    const startedAtMs = Date.now();
    for (const [turn, { worker }] of running.entries()) {
      await startWorker();
      const stopped = worker.stop();
      await Promise.all(trades.filter((_, n) => n % 4 === turn).map(({ move }) => move(0.79)));
      await stopped;
    }
    await Promise.all(trades.map(({ move }) => move(0.79)));
    await soldAtMs(trades);
    console.log(`rolled ${running.length} workers, ${trades.length} sold in ${Date.now() - startedAtMs} ms`);
    await expectClosed(trades);
  });
});
