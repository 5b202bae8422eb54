import { userInfo } from 'node:os';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { HaltRow } from '../../db/entities/oversight.ts';
import { ReconcileStack } from '../support/reconcile-stack.ts';

const POSITIONS = 50;

/** The kill switch on a whole stack, as an operator uses it. */
describe('a halt', { timeout: 240_000 }, () => {
  let stack: ReconcileStack;

  beforeAll(async () => {
    stack = await ReconcileStack.start({ HOLDFAST_MAX_POSITIONS_PER_SYMBOL: String(POSITIONS) });
  }, 180_000);
  afterAll(() => stack.stop(), 60_000);

  async function open(tradeId: string): Promise<{ stage: string; note: string | null }> {
    const signal = { source: 'test', confidence: 0.8, asOfMs: Date.now(), ttlMs: 180_000 };
    const what = { symbol: 'BTC/USD', side: 'long', notional: '100', strategy: 'manual' } as const;
    await stack.client.openTrade({ tradeId, ...what, order: { type: 'market' }, signal });
    return stack.client.progress(tradeId, 'opened');
  }

  it('lets exits go on and entries wait, and its flattening closes every position', async () => {
    const opened = await Promise.all(Array.from({ length: POSITIONS }, (_, index) => open(`p${index}`)));
    expect(opened.filter(({ stage }) => stage !== 'open')).toEqual([]);
    expect(await stack.paper.accepted()).toHaveLength(POSITIONS);

    expect(await stack.cli('halt', '--reason', 'news')).toMatchObject({ halted: true, flattened: null });
    const refused = /^entries are halted since .*: news$/;
    expect((await open('late')).note).toMatch(refused);
    await stack.cli('exit', 'p0', '--wait', 'closed');
    expect(await stack.paper.accepted()).toHaveLength(POSITIONS + 1);

    const flattening = stack.cli<{ flattened: Record<string, string[]> }>(
      ...['halt', '--flatten', '--reason', 'worse news', '--wait', 'closed'],
    );
    // Asked for while the others exit.
    for (let index = 0; index < 5; index += 1)
      expect((await open(`meanwhile${index}`)).note).toMatch(refused);
    const { flattened } = await flattening;
    expect(flattened).toMatchObject({ refusedTradeIds: [], notClosed: [] });
    expect(flattened.acceptedTradeIds).toHaveLength(POSITIONS - 1);
    expect(
      await stack.sql(
        'SELECT "status", "exitReason", count(*)::integer FROM "ManagedPosition" GROUP BY 1, 2',
      ),
    ).toEqual([{ status: 'closed', exitReason: 'forced', count: POSITIONS }]);
    expect(
      await stack.sql(`SELECT count(*)::integer FROM "CapitalReservation" WHERE "status" = 'held'`),
    ).toEqual([{ count: 0 }]);
    expect(await stack.paper.accepted()).toHaveLength(2 * POSITIONS);
    expect(Number((await stack.paper.account()).balances.BTC ?? '0')).toBe(0);
  });

  it('says who, when and why, and ends when it is resumed', async () => {
    const actor = userInfo().username;
    const { blocks } = await stack.cli<{ blocks: unknown[] }>('stats');
    expect(blocks).toMatchObject([{ limit: 'halted', symbol: null, endsAtMs: null }]);
    expect(await stack.cli('resume', '--reason', 'calm')).toEqual({ halted: false, ended: 2, actor });
    const audited = { actor, endedBy: actor, endReason: 'calm', endedAt: expect.any(Number) as number };
    expect(await stack.cli<HaltRow[]>('halt', '--history')).toMatchObject([
      { ...audited, reason: 'worse news', flatten: true },
      { ...audited, reason: 'news', flatten: false },
    ]);
    expect(await stack.words('halt', '--history')).toMatch(
      new RegExp(`${actor}: news\\n    ended .* by ${actor}: calm`),
    );
    expect(await stack.cli('resume')).toMatchObject({ ended: 0 });
    expect(await open('again')).toMatchObject({ stage: 'open' });
  });
});
