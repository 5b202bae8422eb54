import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tradeWorkflowId } from '../../src/workflows/trade-id.ts';
import { ReconcileStack } from '../support/reconcile-stack.ts';

const ENTRIES = 200;
const WORKERS = 4;
const MOST_OPEN = 17;

/** Entries as an operator asks for them, judged by real workers in processes of their own. */
describe(`${ENTRIES} entries at once on a stack of ${WORKERS} workers`, { timeout: 300_000 }, () => {
  let stack: ReconcileStack;

  beforeAll(async () => {
    stack = await ReconcileStack.start(
      {
        HOLDFAST_MAX_OPEN_POSITIONS: String(MOST_OPEN),
        HOLDFAST_MAX_POSITIONS_PER_SYMBOL: String(ENTRIES),
      },
      ...['--workers', String(WORKERS)],
    );
  }, 180_000);
  afterAll(() => stack.stop(), 60_000);

  it('reach the limit exactly, and what is reserved is what is open', async () => {
    const tradeIds = Array.from({ length: ENTRIES }, (_, index) => `p${index}`);
    const signal = { source: 'test', confidence: 0.8, asOfMs: Date.now(), ttlMs: 280_000 };
    const what = { symbol: 'BTC/USD', side: 'long', notional: '100', strategy: 'manual' } as const;
    await Promise.all(
      tradeIds.map((tradeId) =>
        stack.client.openTrade({ tradeId, ...what, order: { type: 'market' }, signal }),
      ),
    );
    const judged = async () => {
      const running = await stack.client.runningTrades();
      return running.length <= MOST_OPEN && running.every(({ stage }) => stage === 'open');
    };
    await expect.poll(judged, { timeout: 200_000, interval: 500 }).toBe(true);
    const opened = await stack.client.runningTradeIds();
    const others = tradeIds.filter((tradeId) => !opened.includes(tradeId));
    const refusals = await Promise.all(others.map((tradeId) => stack.client.result(tradeId)));
    // On a machine too busy to send an order in time its entry is given up; that room others may take.
    const refused = refusals.filter(({ stage }) => stage !== 'cancelled');
    expect(new Set(refused.map(({ stage, note }) => `${stage}: ${note}`))).toEqual(
      new Set([
        `rejected: maxOpenPositions is ${MOST_OPEN}: ${MOST_OPEN} are open or reserved, 1 more was asked`,
      ]),
    );
    expect(opened.length).toBeLessThanOrEqual(MOST_OPEN);
    expect(ENTRIES - refused.length).toBeGreaterThanOrEqual(MOST_OPEN);
    expect(await stack.paper.accepted()).toHaveLength(opened.length);
    const capital = () =>
      stack.sql(
        `SELECT (SELECT count(*)::integer FROM "ManagedPosition" WHERE "status" = 'open') AS open,
           (SELECT coalesce(sum("notional"), 0) FROM "CapitalReservation" WHERE "status" = 'held')
             = (SELECT coalesce(sum("quantity" * "entryPrice"), 0) FROM "ManagedPosition" WHERE "status" = 'open')
             AS "isExposed"`,
      );
    await expect.poll(capital, { timeout: 60_000 }).toEqual([{ open: opened.length, isExposed: true }]);

    const judges = new Set<string>();
    for (const tradeId of tradeIds) {
      const { events } = await stack.temporal.workflow.getHandle(tradeWorkflowId(tradeId)).fetchHistory();
      for (const event of events ?? []) {
        const identity = event.workflowTaskCompletedEventAttributes?.identity;
        if (identity) judges.add(identity);
      }
    }
    expect(judges.size).toBe(WORKERS);
    await stack.exit(...opened);
    expect(await capital()).toEqual([{ open: 0, isExposed: true }]);
  });
});
