import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { EntryBlock } from '../../src/domain/entry-blocks.ts';
import type { ReadyLine } from '../../src/embedded/ready.ts';
import { ReconcileStack } from '../support/reconcile-stack.ts';

/** Policy minutes are seconds: a minimum hold of 2 s, windows of ten minutes. */
const RULES = {
  HOLDFAST_TIME_SCALE: '60',
  HOLDFAST_COOLDOWN_MINUTES: '600',
  HOLDFAST_STOPLOSS_GUARD: '3/600',
  HOLDFAST_LOW_PROFIT: '3/600/0',
  HOLDFAST_MAX_DAILY_LOSS: '150',
  HOLDFAST_MAX_DRAWDOWN: '0.05',
};
const SYMBOLS = ['BTC', 'ETH', 'SOL', 'LTC', 'XMR', 'ZEC', 'BCH', 'AAVE', 'COMP'].map(
  (base) => `${base}/USD`,
);
const DAY_MS = 86_400_000;
const PATIENCE = { timeout: 60_000, interval: 200 };

/** Each protection on a whole stack: when it trips, where it is shown, what it outlives, and when it ends. */
describe('a protection', { timeout: 240_000 }, () => {
  let stack: ReconcileStack;
  let asked = 0;

  beforeAll(async () => {
    stack = await ReconcileStack.start(RULES);
    for (const symbol of SYMBOLS) await price(symbol, 1);
  }, 180_000);
  afterAll(() => stack.stop(), 60_000);

  /** Prices about 100 quote currency, or that times a factor. */
  const price = (symbol: string, factor: number) =>
    stack.paper.price(symbol, (100 * factor).toFixed(1), (100 * factor + 0.1).toFixed(1));

  /** Why the entry was refused, or null when it opened; what opened is closed again. */
  async function refusal(symbol: string): Promise<string | null> {
    const tradeId = `ask${(asked += 1)}`;
    const signal = { source: 'test', confidence: 0.8, asOfMs: Date.now(), ttlMs: 30_000 };
    const what = { symbol, side: 'long', notional: '100', strategy: 'manual' } as const;
    await stack.client.openTrade({ tradeId, ...what, order: { type: 'market' }, signal });
    const { stage, note } = await stack.client.progress(tradeId, 'opened');
    if (stage === 'rejected') return note;
    await stack.exit(tradeId);
    return null;
  }

  let ready: ReadyLine;

  beforeAll(async () => {
    ready = JSON.parse(await readFile(path.join(stack.root, 'ready.json'), 'utf8')) as ReadyLine;
  });

  /** As if everything had happened a day earlier, once the account was read after the last close. */
  async function age(): Promise<void> {
    await expect
      .poll(
        () =>
          stack.sql(
            `SELECT max("takenAt") > coalesce((SELECT max("exitTime") FROM "ManagedPosition"), '-infinity') AS read
             FROM "EquitySnapshot"`,
          ),
        PATIENCE,
      )
      .toEqual([{ read: true }]);
    await stack.sql(
      `UPDATE "ManagedPosition" SET "entryTime" = "entryTime" - interval '1 day', "exitTime" = "exitTime" - interval '1 day'
       WHERE "status" = 'closed'`,
    );
    await stack.sql(`UPDATE "EquitySnapshot" SET "takenAt" = "takenAt" - interval '1 day'`);
  }

  /** Moves the closes that a pause rests on, so that its ten minutes end so many seconds from now. */
  const endIn = (seconds: number, closes: string) =>
    stack.sql(
      `UPDATE "ManagedPosition" SET "entryTime" = now() - interval '700 seconds',
         "exitTime" = now() - (600 - $1::integer) * interval '1 second'
       WHERE "exitTime" > now() - interval '700 seconds' AND ${closes}`,
      [seconds],
    );

  const names = (blocks: readonly Pick<EntryBlock, 'limit' | 'symbol'>[]) =>
    blocks.map(({ limit, symbol }) => `${limit} ${symbol ?? 'all'}`).sort();

  /** What the dashboard's data and the metrics name; once they agree. */
  async function shown(): Promise<string[] | string> {
    const stats = (await (await fetch(`${ready.dashboardUrl}/api/stats`)).json()) as {
      blocks: EntryBlock[];
    };
    const metrics = await (await fetch(ready.metricsUrl)).text();
    const gauges = [...metrics.matchAll(/^holdfast_entries_blocked\{limit="(.*)",symbol="(.*)"\} 1$/gm)];
    const measured = gauges.map(([, limit, symbol]) => `${limit} ${symbol}`).sort();
    const told = names(stats.blocks);
    return told.join() === measured.join() ? told : `${told.join()} but measured ${measured.join()}`;
  }
  const inForce = (expected: readonly string[]) => expect.poll(shown, PATIENCE).toEqual(expected);

  /** By the loss limit, or at the owner's word where `notional` is given. */
  async function lose(symbol: string, factor: number, notional?: string): Promise<void> {
    const { tradeId } = await stack.enter(symbol, notional ?? '100');
    await price(symbol, factor);
    if (notional !== undefined) await stack.exit(tradeId);
    const { exitRule } = await stack.client.result(tradeId);
    if (notional === undefined) expect(exitRule).toBe('loss-limit');
    await price(symbol, 1);
  }
  const stop = (symbol: string) => lose(symbol, 0.97);

  it('cools a symbol down after a stop', async () => {
    await age();
    await inForce([]);
    const won = await stack.enter('BTC/USD', '100');
    await price('BTC/USD', 1.2);
    await stack.exit(won.tradeId);
    await price('BTC/USD', 1);
    expect(await refusal('BTC/USD')).toBeNull();
    await inForce([]);
    await stop('BTC/USD');
    await inForce(['cooldown BTC/USD']);
    expect(await refusal('BTC/USD')).toMatch(/^cooldown is 10 min: BTC\/USD was stopped out at /);
    expect(await refusal('ETH/USD')).toBeNull();
    const { blocks } = await stack.cli<{ blocks: EntryBlock[] }>('stats');
    expect(names(blocks)).toEqual(['cooldown BTC/USD']);
    expect(await stack.words('stats')).toContain('entries refused: cooldown is 10 min: BTC/USD');
    await endIn(60, `"exitReason" = 'loss-limit'`);
    expect(await refusal('BTC/USD')).toMatch(/^cooldown/);
    await endIn(-1, `"exitReason" = 'loss-limit'`);
    await inForce([]);
    expect(await refusal('BTC/USD')).toBeNull();
  });

  it('pauses everything after too many stops', async () => {
    await age();
    await stop('ETH/USD');
    await stop('SOL/USD');
    await inForce(['cooldown ETH/USD', 'cooldown SOL/USD']);
    expect(await refusal('XMR/USD')).toBeNull();
    await stop('LTC/USD');
    await inForce(['cooldown ETH/USD', 'cooldown LTC/USD', 'cooldown SOL/USD', 'stoplossGuard all']);
    expect(await refusal('XMR/USD')).toMatch(/^stoplossGuard is 3 stops in 10 min/);
    await endIn(60, `"exitReason" = 'loss-limit'`);
    expect(await refusal('XMR/USD')).toMatch(/^stoplossGuard/);
    await endIn(-1, `"exitReason" = 'loss-limit'`);
    await inForce([]);
    expect(await refusal('XMR/USD')).toBeNull();
  });

  it('rests a symbol that earns too little', async () => {
    await age();
    for (let closes = 0; closes < 2; closes += 1) expect(await refusal('ZEC/USD')).toBeNull();
    await inForce([]);
    expect(await refusal('ZEC/USD')).toBeNull();
    await inForce(['lowProfit ZEC/USD']);
    expect(await refusal('ZEC/USD')).toMatch(/^lowProfit is 0 over at least 3 trades in 10 min: 3 of ZEC/);
    expect(await refusal('BCH/USD')).toBeNull();
    await endIn(60, `"symbol" = 'ZEC/USD'`);
    expect(await refusal('ZEC/USD')).toMatch(/^lowProfit/);
    await endIn(-1, `"symbol" = 'ZEC/USD'`);
    await inForce([]);
    expect(await refusal('ZEC/USD')).toBeNull();
  });

  it('ends the day when it is too much, and all trading when it is too deep; restarts end neither', async () => {
    const untilMidnightMs = DAY_MS - (Date.now() % DAY_MS);
    if (untilMidnightMs < 100_000) await delay(untilMidnightMs);
    await age();
    // A loss limit may be quicker than the owner: then the symbol cools down too.
    const limits = async () => {
      const all = await shown();
      return Array.isArray(all) ? all.filter((name) => name.startsWith('max')) : all;
    };
    await lose('BCH/USD', 0.98, '3000');
    await expect.poll(limits, PATIENCE).toEqual([]);
    await lose('AAVE/USD', 0.98, '3000');
    await expect.poll(limits, PATIENCE).toEqual(['maxDailyLoss all']);
    expect(await refusal('COMP/USD')).toMatch(/^maxDailyLoss is 150: \d+\.?\d* was lost today/);
    await age();
    await expect.poll(limits, PATIENCE).toEqual([]);

    await lose('COMP/USD', 0.9, '4500');
    await expect.poll(limits, PATIENCE).toEqual(['maxDailyLoss all', 'maxDrawdown all']);
    await age();
    await expect.poll(limits, PATIENCE).toEqual(['maxDrawdown all']);
    expect(await refusal('XMR/USD')).toMatch(
      /^maxDrawdown is 0\.05: equity is 9\d{3}\.\d+, its peak was 1\d{4}/,
    );

    await stack.sql(
      `UPDATE "ManagedPosition" SET "entryTime" = now() - interval '10 seconds', "exitTime" = now() WHERE "status" = 'closed'`,
    );
    const before = (await shown()) as string[];
    for (const name of ['cooldown BTC/USD', 'lowProfit ZEC/USD', 'stoplossGuard all', 'maxDrawdown all']) {
      expect(before).toContain(name);
    }
    expect(before).toContain('maxDailyLoss all');
    await stack.restart();
    await inForce(before);
    expect(await refusal('XMR/USD')).toMatch(/^max/);

    const reset = await stack.cli<{ actor: string; peakEquity: string }>(
      ...['resume', '--reset-drawdown', '--reason', 'seen and borne'],
    );
    await inForce(before.filter((name) => name !== 'maxDrawdown all'));
    expect(
      await stack.sql('SELECT "actor", "reason", "peak" FROM "EquitySnapshot" WHERE "cause" = \'reset\''),
    ).toEqual([{ actor: reset.actor, reason: 'seen and borne', peak: reset.peakEquity }]);
    await age();
    await inForce([]);
    expect(await refusal('XMR/USD')).toBeNull();
  });
});
