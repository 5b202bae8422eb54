import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tradeWorkflowId } from '../../src/workflows/trade-id.ts';
import { clientOrderId } from '../../src/exchange/client-order-id.ts';
import type { TradeRequest } from '../../src/workflows/messages.ts';
import { ReconcileStack } from '../support/reconcile-stack.ts';

const MOST_OPEN = 3;
/** Policy minutes are seconds: a minimum hold of 2 s. */
const RULES = {
  HOLDFAST_TIME_SCALE: '60',
  HOLDFAST_MAX_OPEN_POSITIONS: String(MOST_OPEN),
  HOLDFAST_MAX_NOTIONAL: '600',
};
const SYMBOLS = ['BTC', 'ETH', 'SOL', 'LTC'].map((base) => `${base}/USD`);
const PATIENCE = { timeout: 60_000, interval: 200 };

/** Who may use the account's capital, on a whole stack. */
describe('capital', { timeout: 240_000 }, () => {
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

  function request(symbol: string, over: Partial<TradeRequest> = {}, ttlMs = 30_000): TradeRequest {
    const confidence = 0.8;
    return {
      tradeId: `ask${(asked += 1)}`,
      symbol,
      side: 'long',
      notional: '100',
      order: { type: 'market' },
      strategy: 'manual',
      signal: { source: 'test', confidence, asOfMs: Date.now(), ttlMs },
      ...over,
    };
  }

  /** As the scan asks: it may make a weaker position give way. */
  function signal(symbol: string, confidence: number, ttlMs = 30_000): TradeRequest {
    const wanted = request(symbol, { strategy: 'momentum', scan: { baseNotional: '500' } }, ttlMs);
    return { ...wanted, signal: { ...wanted.signal, confidence } };
  }

  /** Why the entry was refused, or null when it opened; what opened is closed again. */
  async function refusal(symbol: string): Promise<string | null> {
    const wanted = request(symbol);
    await stack.client.openTrade(wanted);
    const { stage, note } = await stack.client.progress(wanted.tradeId, 'opened');
    if (stage === 'rejected') return note;
    await stack.exit(wanted.tradeId);
    return null;
  }

  it('is taken by the scan up to a limit, and by a person only within it', async () => {
    const [wanted, tooMuch] = [signal('BTC/USD', 0.9), request('BTC/USD')].map((each) => ({
      ...each,
      notional: '900',
    })) as [TradeRequest, TradeRequest];
    await stack.client.openTrade(tooMuch);
    expect((await stack.client.progress(tooMuch.tradeId, 'opened')).note).toMatch(
      /^maxNotional is 600: 899\.9\d* was asked$/,
    );
    await stack.client.openTrade(wanted);
    expect(await stack.client.progress(wanted.tradeId, 'opened')).toMatchObject({ stage: 'open' });
    const recorded = async () => (await stack.state(wanted.tradeId)).persistence;
    await expect.poll(recorded, PATIENCE).toBe('confirmed');
    const [held] = await stack.sql(
      `SELECT held."notional"::float AS notional, position."quantity", intent."quantity" AS asked,
         (position."marketConditions" ->> 'wantedNotional')::float AS wanted
       FROM "CapitalReservation" AS held JOIN "ManagedPosition" AS position USING ("tradeId")
       JOIN "OrderIntent" AS intent USING ("tradeId") WHERE "tradeId" = $1 AND intent."leg" = 'entry'`,
      [wanted.tradeId],
    );
    expect(held?.notional).toBeGreaterThan(599);
    expect(held?.notional).toBeLessThanOrEqual(600);
    expect(held?.quantity).toBe(held?.asked);
    expect(held?.wanted).toBeGreaterThan(899);
    await stack.exit(wanted.tradeId);
  });

  describe('that is fully used', () => {
    const held = async () =>
      (await stack.sql('SELECT "symbol" FROM "ManagedPosition" WHERE "status" = \'open\' ORDER BY 1')).map(
        (row) => row.symbol,
      );
    const heldLongEnough = () =>
      expect
        .poll(
          () =>
            stack.sql(
              `SELECT count(*)::integer AS young FROM "ManagedPosition" WHERE "status" = 'open' AND "entryTime" > now() - interval '2500 milliseconds'`,
            ),
          PATIENCE,
        )
        .toEqual([{ young: 0 }]);

    it('goes to a better signal, from the weakest position, and to nobody else', async () => {
      const weak = await stack.enter('ETH/USD', '100', 'long', 0.2);
      await stack.enter('SOL/USD', '100', 'long', 0.8);
      await stack.enter('LTC/USD', '100', 'long', 0.6);
      await heldLongEnough();

      expect(await refusal('BTC/USD')).toMatch(/^maxOpenPositions is 3: 3 are open or reserved/);
      const poor = signal('BTC/USD', 0.45);
      await stack.client.openTrade(poor);
      expect(await stack.client.progress(poor.tradeId, 'opened')).toMatchObject({ stage: 'rejected' });
      expect(
        await stack.sql(
          'SELECT "action", "confidence", "limit", "thresholdsVersion", "facts" FROM "SkippedSignal" WHERE "id" = $1',
          [poor.tradeId],
        ),
      ).toMatchObject([
        {
          action: 'BUY',
          confidence: 0.45,
          limit: 'maxOpenPositions',
          thresholdsVersion: 1,
          facts: {
            price: '100.1',
            baseNotional: '500',
            timeScale: 60,
            takerFee: expect.any(Number) as number,
          },
        },
      ]);

      const better = signal('BTC/USD', 0.9);
      await stack.client.openTrade(better);
      expect(await stack.client.progress(better.tradeId, 'opened')).toMatchObject({ stage: 'open' });
      expect(await stack.client.result(weak.tradeId)).toMatchObject({
        stage: 'closed',
        exitRule: 'rotation',
      });
      await expect.poll(held, PATIENCE).toEqual(['BTC/USD', 'LTC/USD', 'SOL/USD']);
      expect(
        await stack.sql('SELECT "tradeId", "weakestTradeId", "status", "limit" FROM "Rotation"'),
      ).toEqual([
        {
          tradeId: better.tradeId,
          weakestTradeId: weak.tradeId,
          status: 'taken',
          limit: 'maxOpenPositions',
        },
      ]);
      // Sold before it was bought: never more than the limit at once.
      const [sold, bought] = (await stack.paper.accepted()).slice(-2);
      expect([sold?.clOrdId?.slice(0, 3), bought?.clOrdId?.slice(0, 3)]).toEqual(['hfx', 'hfe']);
    });

    it('is waited for no longer than the signal is fresh', async () => {
      await heldLongEnough();
      await stack.paper.arm({ call: 'AddOrder', kind: 'delay', delayMs: 8_000, times: 1 });
      const late = signal('ETH/USD', 1, 5_000);
      await stack.client.openTrade(late);
      const { stage, note } = await stack.client.progress(late.tradeId, 'opened');
      const tooLate = /signal expired|signal is \d+ ms old|while the entry signal was fresh/;
      expect([stage, note]).toEqual(['rejected', expect.stringMatching(tooLate)]);
      await expect.poll(held, PATIENCE).toEqual(['BTC/USD', 'SOL/USD']);
      const entry = clientOrderId(tradeWorkflowId(late.tradeId), 'entry');
      expect((await stack.paper.orders()).some(({ clOrdId }) => clOrdId === entry)).toBe(false);
      expect(await refusal('ETH/USD')).toBeNull();
    });

    it('comes to the signal that waits although the worker dies meanwhile', async () => {
      const weak = await stack.enter('LTC/USD', '100', 'long', 0.1);
      await heldLongEnough();
      await stack.paper.arm({ call: 'AddOrder', kind: 'delay', delayMs: 8_000, times: 1 });
      const patient = signal('ETH/USD', 1, 180_000);
      await stack.client.openTrade(patient);
      await expect
        .poll(async () => (await stack.state(weak.tradeId)).demand?.rule, PATIENCE)
        .toBe('rotation');
      await stack.killWorker();
      expect(await stack.client.progress(patient.tradeId, 'opened')).toMatchObject({ stage: 'open' });
      await expect.poll(held, PATIENCE).toEqual(['BTC/USD', 'ETH/USD', 'SOL/USD']);
      await stack.exit(...(await stack.client.runningTradeIds()));
    });
  });
});
