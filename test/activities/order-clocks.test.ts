import { MockActivityEnvironment } from '@temporalio/testing';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { createOrderActivities, type OrderActivityDependencies } from '../../src/activities/orders.ts';
import { SEND_WINDOW_MS } from '../../src/domain/safety-times.ts';

const TEMPORAL_MS = 1_800_000_000_000;
const REQUEST = {
  ...({ leg: 'entry', purpose: 'entry', symbol: 'BTC/USD', side: 'buy', type: 'market' } as const),
  ...{ quantity: '0.01', limitPrice: null, leverage: null, reduceOnly: false },
  deadlineMs: TEMPORAL_MS + SEND_WINDOW_MS,
};
const QUESTION = { leg: 'entry', sinceMs: 0, askedAtMs: TEMPORAL_MS } as const;

/** What a worker does whose clock is off by so much, on an exchange that answers nothing but `not found`. */
function worker(offsetMs: number, lookUpBegunBeforeMs = 0) {
  const deadlines: number[] = [];
  const now = () => TEMPORAL_MS + offsetMs;
  const activities = createOrderActivities({
    exchange: {
      submit: ({ deadlineMs }: { deadlineMs: number }) => {
        deadlines.push(deadlineMs);
        return Promise.resolve({ kind: 'unknown', why: 'reset' });
      },
      lookUp: () => Promise.resolve({ order: null, askedAtMs: now() - lookUpBegunBeforeMs }),
    },
    intents: { sending: () => Promise.resolve(), answered: () => Promise.resolve() },
    orderWatch: {},
    now,
    log: pino({ level: 'silent' }),
  } as unknown as OrderActivityDependencies);
  const environment = new MockActivityEnvironment({
    workflowExecution: { workflowId: 'trade-one', runId: 'run' },
  });
  return {
    askedAtMs: () => environment.run(async () => (await activities.lookUpOrder(QUESTION)).askedAtMs),
    /** On the worker's own clock. */
    deadline: async () => {
      await environment.run(() => activities.sendOrder(REQUEST));
      return deadlines[0];
    },
    now,
  };
}

describe("a worker's clock that differs from Temporal's", () => {
  it.each([-5_000, 0, 5_000])('never lets absence be believed early (%i ms)', async (offsetMs) => {
    expect(await worker(offsetMs).askedAtMs()).toBe(TEMPORAL_MS);
    expect(await worker(offsetMs, 3_000).askedAtMs()).toBe(TEMPORAL_MS - 3_000);
  });

  it('never gives an order longer than its window', async () => {
    const behind = worker(-5_000);
    expect(await behind.deadline()).toBe(behind.now() + SEND_WINDOW_MS);
    expect(await worker(5_000).deadline()).toBe(REQUEST.deadlineMs);
  });
});
