import { afterAll, beforeAll, describe, expect, it } from 'vitest';
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

  async function open(tradeId: string): Promise<{ tradeId: string; stage: string; note: string | null }> {
    const signal = { source: 'test', confidence: 0.8, asOfMs: Date.now(), ttlMs: 280_000 };
    const what = { symbol: 'BTC/USD', side: 'long', notional: '100', strategy: 'manual' } as const;
    await stack.client.openTrade({ tradeId, ...what, order: { type: 'market' }, signal });
    return { tradeId, ...(await stack.client.progress(tradeId, 'opened')) };
  }

  it('reach the limit exactly, and what is reserved is what is open', async () => {
    const entries = await Promise.all(Array.from({ length: ENTRIES }, (_, index) => open(`p${index}`)));
    const opened = entries.filter(({ stage }) => stage === 'open');
    expect(opened).toHaveLength(MOST_OPEN);
    for (const { stage, note } of entries) {
      if (stage === 'open') continue;
      expect([stage, note]).toEqual([
        'rejected',
        `maxOpenPositions is ${MOST_OPEN}: ${MOST_OPEN} are open or reserved, 1 more was asked`,
      ]);
    }
    expect(await stack.paper.accepted()).toHaveLength(MOST_OPEN);
    const capital = () =>
      stack.sql(
        `SELECT (SELECT count(*)::integer FROM "ManagedPosition" WHERE "status" = 'open') AS open,
           (SELECT coalesce(sum("notional"), 0) FROM "CapitalReservation" WHERE "status" = 'held')
             = (SELECT coalesce(sum("quantity" * "entryPrice"), 0) FROM "ManagedPosition" WHERE "status" = 'open')
             AS "isExposed"`,
      );
    await expect.poll(capital, { timeout: 60_000 }).toEqual([{ open: MOST_OPEN, isExposed: true }]);

    const judges = new Set<string>();
    for (const { tradeId } of entries) {
      const { events } = await stack.temporal.workflow.getHandle(`trade-${tradeId}`).fetchHistory();
      for (const event of events ?? []) {
        const identity = event.workflowTaskCompletedEventAttributes?.identity;
        if (identity) judges.add(identity);
      }
    }
    expect(judges.size).toBe(WORKERS);
    await stack.exit(...opened.map(({ tradeId }) => tradeId));
    expect(await capital()).toEqual([{ open: 0, isExposed: true }]);
  });
});
