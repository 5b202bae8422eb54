import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { clientOrderId } from '../../src/exchange/client-order-id.ts';
import { openGate, type Gate } from './support/gate.ts';
import { Lane } from './support/lane.ts';
import { until } from './support/until.ts';

const LATE = 'EService:Deadline elapsed';
/** Any order's deadline is over by then, and the trade has gone on. */
const HELD_MS = 40_000;

/**
 * A worker that has decided to send, and is frozen before its bytes arrive. It has an API key of its own,
 * so that no nonce refuses them: only the deadline that travels with the order does.
 */
describe('an order that arrives after everything was settled elsewhere', { timeout: 600_000 }, () => {
  let lane: Lane;
  let gate: Gate;

  beforeAll(async () => {
    lane = await Lane.open();
    gate = await openGate(lane.exchangeUrl);
    await lane.startWorker({ KRAKEN_API_URL: gate.url });
  }, 240_000);
  afterAll(async () => {
    gate.close();
    await lane.close();
  }, 60_000);

  const arrivalsOf = async (tradeId: string, leg: 'entry' | 'exit-1') => {
    const id = clientOrderId(`trade-${tradeId}`, leg);
    return (await lane.paper.orders()).filter(({ clOrdId }) => clOrdId === id);
  };
  const isDone = (tradeId: string) => async () => {
    const { status } = await lane.temporal.client.workflow.getHandle(`trade-${tradeId}`).describe();
    return status.name !== 'RUNNING';
  };

  it('is refused by its deadline: an exit whose bytes were on their way when the worker froze', async () => {
    const { symbol } = await lane.freshSymbol();
    const tradeId = randomUUID();
    await lane.openTrade(tradeId, symbol);
    await until('it is guarded', 120_000, async () => (await lane.client.state(tradeId)).guard !== null);
    gate.shut();
    await lane.forceExit(tradeId);
    await until('the exit has left the worker', 60_000, () => Promise.resolve(gate.held() === 1));
    const { worker: frozen } = lane;
    process.kill(frozen.pid, 'SIGSTOP');
    await lane.startWorker();
    await until('the trade has closed elsewhere', 300_000, isDone(tradeId));
    expect(await arrivalsOf(tradeId, 'exit-1')).toMatchObject([{ accepted: true, error: null }]);

    process.kill(frozen.pid, 'SIGCONT');
    gate.open();
    await until('the late bytes have arrived', 60_000, async () => {
      const arrivals = await arrivalsOf(tradeId, 'exit-1');
      return arrivals.length === 2 && arrivals.every(({ processedAtMs }) => processedAtMs !== null);
    });
    const [sold, late] = await arrivalsOf(tradeId, 'exit-1');
    expect(late).toMatchObject({ accepted: false, error: LATE });
    expect(late?.receivedAtMs).toBeGreaterThan(sold?.processedAtMs ?? Infinity);
    expect(late?.receivedAtMs).toBeGreaterThan(Date.parse(late?.deadline ?? ''));
    expect(await lane.client.result(tradeId)).toMatchObject({ stage: 'closed' });
    await frozen.kill();
  });

  it('is refused by its deadline: an entry that the exchange itself held up', async () => {
    const { symbol } = await lane.freshSymbol();
    const tradeId = randomUUID();
    await lane.paper.arm({ call: 'AddOrder', kind: 'delay', times: 1, delayMs: HELD_MS, pair: symbol });
    await lane.openTrade(tradeId, symbol);
    await until(
      'the entry has arrived',
      60_000,
      async () => (await arrivalsOf(tradeId, 'entry')).length === 1,
    );
    const { worker: frozen } = lane;
    process.kill(frozen.pid, 'SIGSTOP');
    await lane.startWorker();
    await until('the entry was given up elsewhere', 300_000, isDone(tradeId));
    expect(await lane.client.result(tradeId)).toMatchObject({ stage: 'cancelled', positionId: null });
    await until('the exchange has decided', 60_000, async () =>
      (await arrivalsOf(tradeId, 'entry')).every(({ processedAtMs }) => processedAtMs !== null),
    );
    process.kill(frozen.pid, 'SIGCONT');
    await until('the thawed worker has lost its lease', 60_000, () =>
      Promise.resolve(lane.linesOf(frozen, 'lease-ended') > 0),
    );
    expect(await arrivalsOf(tradeId, 'entry')).toMatchObject([{ accepted: false, error: LATE }]);
    const { balances, openOrders } = await lane.paper.account();
    expect(openOrders).toEqual([]);
    expect(
      Object.entries(balances).filter(([asset, total]) => asset !== 'USD' && Number(total) !== 0),
    ).toEqual([]);
  });
});
