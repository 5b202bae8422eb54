import { fileURLToPath } from 'node:url';
import { NativeConnection, Worker } from '@temporalio/worker';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ArmRequest } from '../../src/activities/market.ts';
import type { SendRequest } from '../../src/activities/orders.ts';
import { STARTING_THRESHOLDS } from '../../src/domain/thresholds.ts';
import type { TradeInput, TradeRequest } from '../../src/workflows/messages.ts';
import { newTradeState } from '../../src/workflows/trade-state.ts';
import { createTestNamespace, uniqueName, type TestNamespace } from '../support/temporal-namespace.ts';

const WORKFLOWS = fileURLToPath(new URL('../../src/workflows/index.ts', import.meta.url));

/** Two guards with the exit order of one position in memory would be two sellers. */
describe('arming a position', { timeout: 120_000 }, () => {
  let temporal: TestNamespace;
  let connection: NativeConnection;

  beforeAll(async () => {
    temporal = await createTestNamespace();
    connection = await NativeConnection.connect({ address: temporal.address });
  }, 60_000);
  afterAll(async () => {
    await connection.close();
    await temporal.close();
  });

  it('is repeated at the same guard when its answer is late', async () => {
    const shared = uniqueName('trades');
    const guards = ['a', 'b'].map((name) => ({
      leaseId: `lease-${name}`,
      taskQueue: `${shared}-guard-${name}`,
    }));
    const armedAt: string[] = [];
    let found = 0;
    let letGo: () => void = () => undefined;
    const late = new Promise<void>((resolve) => (letGo = resolve));
    const common = { connection, namespace: temporal.namespace };
    const workers = await Promise.all([
      Worker.create({
        ...common,
        taskQueue: shared,
        workflowsPath: WORKFLOWS,
        activities: {
          findGuard: async () => guards[found++ % guards.length],
          guardHasEnded: async () => false,
        },
      }),
      ...guards.map((guard) =>
        Worker.create({
          ...common,
          taskQueue: guard.taskQueue,
          activities: {
            armPosition: async (_request: ArmRequest) => {
              armedAt.push(guard.leaseId);
              if (armedAt.length === 1) await late;
              return { guard, last: null };
            },
          },
        }),
      ),
    ]);
    const running = Promise.all(workers.map((worker) => worker.run()));
    const handle = await temporal.client.workflow.start('trade', {
      taskQueue: shared,
      workflowId: uniqueName('trade'),
      args: [openTrade()],
    });
    await expect.poll(() => armedAt.length, { timeout: 60_000 }).toBeGreaterThan(1);
    letGo();
    await expect
      .poll(async () => (await handle.query<{ guard: unknown }>('state')).guard, { timeout: 30_000 })
      .toEqual(guards[0]);
    expect(new Set(armedAt)).toEqual(new Set(['lease-a']));
    await handle.terminate('the test is over');
    for (const worker of workers) worker.shutdown();
    await running;
  });

  it('is left when the exit was demanded while a guard was looked for', async () => {
    const shared = uniqueName('trades');
    const guard = { leaseId: 'lease', taskQueue: shared };
    let isLookedFor = false;
    let answer: () => void = () => undefined;
    const late = new Promise<void>((resolve) => (answer = resolve));
    let armed = 0;
    let sold = 0;
    const worker = await Worker.create({
      connection,
      namespace: temporal.namespace,
      taskQueue: shared,
      workflowsPath: WORKFLOWS,
      activities: {
        findGuard: async () => {
          isLookedFor = true;
          await late;
          return guard;
        },
        armPosition: async () => {
          armed += 1;
          return { guard, last: null };
        },
        sendOrder: async ({ quantity }: SendRequest) => {
          sold += 1;
          answer();
          const fill = {
            fillId: 'TEXIT',
            price: '10000',
            quantity,
            cost: '100',
            fee: '0.26',
            timeMs: Date.now(),
          };
          return {
            kind: 'accepted',
            order: { exchangeOrderId: 'OEXIT', isFinished: true, fills: [fill] },
          };
        },
        recordClose: async () => undefined,
        handToLearning: async () => undefined,
      },
    });
    await worker.runUntil(async () => {
      const handle = await temporal.client.workflow.start('trade', {
        taskQueue: shared,
        workflowId: uniqueName('trade'),
        args: [openTrade()],
      });
      await expect.poll(() => isLookedFor, { timeout: 60_000 }).toBe(true);
      await handle.signal('forceExit', { reason: 'test' });
      expect(await handle.result()).toMatchObject({ stage: 'closed' });
    });
    expect({ armed, sold }).toEqual({ armed: 0, sold: 1 });
  });
});

/** Open and persisted: nothing is left to do but to be guarded. */
function openTrade(): TradeInput {
  const request: TradeRequest = {
    tradeId: 'armed',
    symbol: 'BTC/USD',
    side: 'long',
    notional: '100',
    order: { type: 'market' },
    strategy: 'test',
    signal: { source: 'test', confidence: 1, asOfMs: Date.now(), ttlMs: 60_000 },
  };
  const resume = newTradeState(request);
  resume.stage = 'open';
  resume.persistence = 'confirmed';
  resume.plan = {
    quantity: '0.01',
    quotePrice: '10000',
    policy: { version: 1, thresholds: STARTING_THRESHOLDS, timeScale: 1 },
    volatilityScale: 1,
    roundTripFee: 0.005,
    tickSize: '0.1',
    minimums: {
      symbol: 'BTC/USD',
      base: 'BTC',
      quote: 'USD',
      quantityDecimals: 8,
      minQuantity: '0.00005',
      minCost: '0.5',
    },
    leverage: null,
    equity: '10000',
    settings: { listingLagMs: 1_000, persistBudgetMs: 10_000, entryRestMs: 10_000, partialRestMs: 10_000 },
    marketConditions: {},
  };
  resume.position = {
    positionId: 'kraken-OTEST',
    entryOrderId: 'OTEST',
    firstFillId: 'TTEST',
    entry: {
      quantity: '0.01',
      cost: '100',
      fee: '0.26',
      averagePrice: '10000',
      firstFillMs: Date.now(),
      lastFillMs: Date.now(),
    },
  };
  return { request, resume };
}
