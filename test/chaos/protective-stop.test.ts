import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { openDatabase, type Database } from '../../db/data-source.ts';
import { createRepositories, type Repositories } from '../../db/repositories/index.ts';
import { createRandom, type Random } from '../../src/domain/random.ts';
import { clientOrderId } from '../../src/exchange/client-order-id.ts';
import type { KrakenExchange } from '../../src/exchange/kraken/kraken-exchange.ts';
import type { OrderRequest } from '../../src/exchange/port.ts';
import { filledBy } from '../support/order-legs.ts';
import {
  expectSoldOnce,
  leaveNothing,
  legsOf,
  openProtected,
  reconcileUntil,
  stopOf,
  type ProtectedTrade,
} from '../support/protected-trades.ts';
import { Lane } from './support/lane.ts';

const TRIES = 100;
const AT_ONCE = 10;
/** Longer than an exit takes from its demand to its cancel of the stop. */
const FORCED_SPREAD_MS = 1_500;
/** The guard is quicker, but its calls go out one after the other. */
const FIRED_SPREAD_MS = 500;
/** A trade looks at its guard, and so at its stop, ten minutes after it was armed: nobody is told by that here. */
const SELDOM_LOOKING = { HOLDFAST_TIME_SCALE: '0.1' };

describe('a protective stop and everybody else who sells', { timeout: 1_200_000 }, () => {
  let lane: Lane;
  let byHand: KrakenExchange;

  beforeAll(async () => {
    lane = await Lane.open();
    byHand = lane.byHand();
    await lane.startWorker({ HOLDFAST_PROTECTIVE_STOP: 'on' });
  }, 180_000);
  afterAll(async () => {
    byHand.close();
    await lane.close();
  }, 60_000);
  afterEach(() => leaveNothing(lane, byHand), 240_000);

  // First, while the call budget is full: what comes later waits for room, with or without a stop.
  it('rests soon after the fill', async () => {
    const restingAfterMs: number[] = [];
    for (let tried = 0; tried < 2; tried += 1) {
      const { tradeId } = await openProtected(lane);
      restingAfterMs.push(await restedAfterMs(tradeId));
      await lane.client.requestExit(tradeId, 'test');
      await lane.client.result(tradeId);
    }
    console.log(`fill to resting stop, one at a time: ${restingAfterMs.join(', ')} ms`);
    expect(Math.max(...restingAfterMs)).toBeLessThan(Infinity);
  });

  it(`sell once, whichever of them is first, ${TRIES} times`, async () => {
    const random = createRandom('races of protective stops');
    const sold = { 'by the stop': 0, 'by the exit': 0, 'by both': 0 };
    const wrong: string[] = [];
    const restingAfterMs: number[] = [];
    for (let tried = 0; tried < TRIES; tried += AT_ONCE) {
      const trades = await Promise.all(Array.from({ length: AT_ONCE }, () => openProtected(lane)));
      await Promise.all(trades.map((trade, index) => race(trade, index % 2 === 0, random)));
      await Promise.all(trades.map(({ tradeId }) => lane.client.result(tradeId)));
      for (const { tradeId } of trades) {
        const legs = await legsOf(lane, tradeId);
        const [bought, stopped, exited] = (['entry', 'stop', 'exit'] as const).map((kind) =>
          Number(filledBy(legs, kind)),
        ) as [number, number, number];
        sold[stopped === 0 ? 'by the exit' : exited === 0 ? 'by the stop' : 'by both'] += 1;
        if (Math.abs(stopped + exited - bought) > 1e-9 || legs.some(({ status }) => status === 'open'))
          wrong.push(
            `${tradeId}: bought ${bought}, stop sold ${stopped}, exit sold ${exited}\n${lane.story(tradeId)}`,
          );
        restingAfterMs.push(await restedAfterMs(tradeId));
      }
    }
    console.log(
      `sold ${JSON.stringify(sold)}; fill to resting stop, ${AT_ONCE} at once: ${spread(restingAfterMs)}`,
    );
    expect(wrong).toEqual([]);
    expect((await lane.paper.account()).openOrders).toEqual([]);
    // A race that only one of them ever wins is none.
    expect(sold['by the stop']).toBeGreaterThan(0);
    expect(sold['by the exit']).toBeGreaterThan(0);
  });

  /** The guard decides at a jump up, or somebody demands the exit; the market falls through the stop about then. */
  async function race({ tradeId, move }: ProtectedTrade, isForced: boolean, random: Random): Promise<void> {
    const fallsAfterMs = random.uniform() * (isForced ? FORCED_SPREAD_MS : FIRED_SPREAD_MS);
    const exiting = isForced ? lane.forceExit(tradeId) : move(1.6);
    await delay(fallsAfterMs);
    await move(0.79);
    await exiting;
  }

  it('is taken over with its position when its workflow is gone', async () => {
    const { tradeId, stop } = await openProtected(lane);
    await lane.temporal.client.workflow.getHandle(`trade-${tradeId}`).terminate('test');
    await reconcileUntil(lane, 'unwatched-position', 'settled');
    expect((await stopOf(lane, tradeId)).exchangeOrderId).toBe(stop.exchangeOrderId);
    await lane.client.requestExit(tradeId, 'test');
    await lane.client.result(tradeId);
    await expectSoldOnce(lane, tradeId, ['entry', 'stop-1 unfilled', 'exit-1']);
  });

  it('of a trade that nobody remembers makes room for that of who adopts the position', async () => {
    const { symbol, price } = await lane.freshSymbol();
    const quantity = (200 / Number(price)).toFixed(5);
    const order = { symbol, quantity, deadlineMs: Date.now() + 30_000 };
    const lost = (leg: 'entry' | 'stop-1') => clientOrderId('trade-lost', leg);
    const entryId = await place({ ...order, clientOrderId: lost('entry'), side: 'buy', type: 'market' });
    const triggerPrice = String(Number((Number(price) * 0.8).toPrecision(2)));
    await place({ ...order, clientOrderId: lost('stop-1'), side: 'sell', type: 'stop-loss', triggerPrice });
    await reconcileUntil(lane, 'orphan-order', 'settled');
    const tradeId = `adopted-${entryId}`;
    await stopOf(lane, tradeId);
    await lane.client.requestExit(tradeId, 'test');
    expect(await lane.client.result(tradeId)).toMatchObject({ stage: 'closed' });
    expect((await legsOf(lane, tradeId)).map(({ leg }) => leg)).toEqual(['stop-1', 'exit-1']);
    const { balances, openOrders } = await lane.paper.account();
    expect(openOrders).toEqual([]);
    expect(Object.entries(balances).filter(([asset, total]) => asset !== 'USD' && Number(total) > 0)).toEqual(
      [],
    );
  });

  async function restedAfterMs(tradeId: string): Promise<number> {
    const legs = await legsOf(lane, tradeId);
    const of = (name: string) => legs.find(({ leg }) => leg === name);
    return (of('stop-1')?.processedAtMs ?? Infinity) - (of('entry')?.fills[0]?.timeMs ?? 0);
  }

  async function place(order: OrderRequest): Promise<string> {
    const outcome = await byHand.submit(order, 'exit');
    if (outcome.kind !== 'accepted') throw new Error(JSON.stringify(outcome));
    return outcome.exchangeOrderId;
  }
});

/** It sells, or is cancelled by somebody, while no mark decides anything and nobody demands an exit. */
describe('a trade learns what became of its protective stop', { timeout: 300_000 }, () => {
  let lane: Lane;
  let byHand: KrakenExchange;
  let database: Database;
  let records: Repositories;

  beforeAll(async () => {
    lane = await Lane.open();
    byHand = lane.byHand();
    database = await openDatabase(lane.databaseUrl, { poolSize: 1 });
    records = createRepositories(database);
    await lane.startWorker({ HOLDFAST_PROTECTIVE_STOP: 'on', ...SELDOM_LOOKING });
  }, 180_000);
  afterAll(async () => {
    byHand.close();
    await database.destroy();
    await lane.close();
  }, 60_000);
  afterEach(() => leaveNothing(lane, byHand), 240_000);

  describe('from the private stream, before reconciliation has anything to settle:', () => {
    it('it has sold', async () => {
      const { tradeId, fire } = await openQuiet();
      await fire();
      await expectClosedByStop(tradeId);
      expect(await signalsOf(tradeId)).toContain('orderMoved');
      expect(await settledOf(tradeId)).toEqual([]);
    });

    it('somebody has cancelled it, and it is placed anew', async () => {
      const { tradeId, cancel } = await openQuiet();
      await cancel();
      await expectPlacedAnew(tradeId);
      expect(await signalsOf(tradeId)).toContain('orderMoved');
      expect(await settledOf(tradeId)).toEqual([]);
    });
  });

  describe('from reconciliation, where the exchange gives no private stream:', () => {
    it('it has sold', async () => {
      await refuseStream();
      const { tradeId, fire } = await openQuiet();
      await fire();
      await reconcileUntil(lane, 'stop-fired', 'settled');
      await expectClosedByStop(tradeId);
      expect(await signalsOf(tradeId)).not.toContain('orderMoved');
      expect(await settledOf(tradeId)).toEqual(['stop-fired: counted what the protective stop sold']);
    });

    it('somebody has cancelled it, and it is placed anew', async () => {
      await refuseStream();
      const { tradeId, cancel } = await openQuiet();
      await cancel();
      await reconcileUntil(lane, 'stop-gone', 'settled');
      await expectPlacedAnew(tradeId);
      expect(await signalsOf(tradeId)).not.toContain('orderMoved');
      expect(await settledOf(tradeId)).toEqual(['stop-gone: told the trade, which looks at its stop']);
    });
  });

  /** As for a key without the right to it: the worker has no private stream from here on, and asks once a minute. */
  async function refuseStream(): Promise<void> {
    await lane.paper.arm({
      call: 'GetWebSocketsToken',
      kind: 'error',
      error: 'EGeneral:Permission denied',
      times: 1_000,
    });
    await lane.paper.arm({ call: '*', kind: 'ws-close', times: 1 });
  }

  async function openQuiet() {
    const { tradeId, symbol, price, stop } = await openProtected(lane);
    const quote = String(price);
    return {
      tradeId,
      /** Only the last trade falls, for a moment: no mark decides anything. */
      fire: () => lane.paper.price(symbol, quote, quote, String(Number(stop.triggerPrice))),
      cancel: async () =>
        expect(await byHand.cancel(stop.exchangeOrderId ?? '', 'exit')).toEqual({ kind: 'cancelled' }),
    };
  }

  async function expectClosedByStop(tradeId: string): Promise<void> {
    expect(await lane.client.result(tradeId)).toMatchObject({ stage: 'closed', exitRule: 'emergency-loss' });
    await expectSoldOnce(lane, tradeId, ['entry', 'stop-1']);
    const recorded = await records.reader.trade(tradeId);
    expect(recorded?.position?.status).toBe('closed');
    expect(recorded?.outcome?.exitRule).toBe('emergency-loss');
    const txids = (await legsOf(lane, tradeId)).map(({ txid }) => txid);
    expect(recorded?.trades.map(({ krakenOrderId }) => krakenOrderId)).toEqual(txids);
  }

  async function expectPlacedAnew(tradeId: string): Promise<void> {
    const { quantity } = await stopOf(lane, tradeId, 'stop-2');
    const [entry] = await legsOf(lane, tradeId);
    expect(Number(quantity)).toBe(Number(entry?.filled));
    await lane.client.requestExit(tradeId, 'test');
    await lane.client.result(tradeId);
    await expectSoldOnce(lane, tradeId, ['entry', 'stop-1 unfilled', 'stop-2 unfilled', 'exit-1']);
  }

  async function signalsOf(tradeId: string): Promise<string[]> {
    const { events } = await lane.temporal.client.workflow.getHandle(`trade-${tradeId}`).fetchHistory();
    return (events ?? []).flatMap(
      ({ workflowExecutionSignaledEventAttributes: signal }) => signal?.signalName ?? [],
    );
  }

  /** What reconciliation had to do for it. */
  async function settledOf(tradeId: string): Promise<string[]> {
    const findings = await records.findings.list();
    return findings
      .filter(
        ({ seen, status, action }) =>
          seen.tradeId === tradeId && status === 'settled' && action !== 'gone by itself',
      )
      .map(({ kind, action }) => `${kind}: ${action}`);
  }
});

function spread(values: readonly number[]): string {
  const sorted = [...values].sort((left, right) => left - right);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;
  return `p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, most ${at(1)} ms`;
}
