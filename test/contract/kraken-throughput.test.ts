import diagnostics from 'node:diagnostics_channel';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { clientOrderId } from '../../src/exchange/client-order-id.ts';
import { createKrakenExchange, type KrakenExchange } from '../../src/exchange/kraken/kraken-exchange.ts';
import { startPaperExchange, type PaperExchange } from '../../src/exchange/paper/server.ts';
import { recordedLog } from '../exchange/scripted-kraken.ts';
import { PaperControl } from '../support/paper-control.ts';

/** As the exchange publishes them: the most that a counter holds, and what drains from it each second. */
const TIERS = [
  { tier: 'starter', trading: { max: 60, perSecond: 1 }, rest: { max: 15, perSecond: 0.33 } },
  { tier: 'intermediate', trading: { max: 125, perSecond: 2.34 }, rest: { max: 20, perSecond: 0.5 } },
  { tier: 'pro', trading: { max: 180, perSecond: 3.75 }, rest: { max: 20, perSecond: 1 } },
] as const;
type Tier = (typeof TIERS)[number]['tier'];
/** Turns of the event loop without a call in flight after which nothing more comes of what was there. */
const QUIET_TURNS = 20;
/** The budget leaves one unit of a counter unused, and a call is booked when it comes back. */
const UNUSED_UNITS = 2;

/** How Node's own HTTP client says that a request is over. */
const ENDS = ['undici:request:trailers', 'undici:request:error'];

const EXITS = 200;
/** Those that wait leave in batches, of which each order counts half; the first found nobody to wait for. */
const UNITS_OF_EXITS = EXITS / 2 + 0.5;
const QUESTIONS = 60;

/**
 * Adapter and paper exchange in one process, on one virtual clock and over real HTTP: time passes only while no call
 * is in flight, so that minutes of waiting for the exchange's own counters take seconds.
 */
describe('the most that the exchange counts as allowed', () => {
  let paper: PaperExchange;
  let exchange: KrakenExchange;
  let control: PaperControl;
  let inFlight = 0;
  const sent: string[] = [];

  const onStart = (message: unknown) => {
    inFlight += 1;
    sent.push((message as { request: { path: string } }).request.path);
  };
  const onFinish = () => {
    inFlight -= 1;
  };

  beforeEach(() => {
    inFlight = 0;
    sent.length = 0;
    diagnostics.subscribe('undici:request:create', onStart);
    for (const end of ENDS) diagnostics.subscribe(end, onFinish);
    vi.useFakeTimers({
      toFake: ['Date', 'performance', 'setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'],
    });
  });
  afterEach(async () => {
    vi.useRealTimers();
    diagnostics.unsubscribe('undici:request:create', onStart);
    for (const end of ENDS) diagnostics.unsubscribe(end, onFinish);
    exchange.close();
    await paper.close();
  });

  async function start(tier: Tier): Promise<void> {
    paper = await startPaperExchange({ port: 0, journalFile: null, market: { source: 'manual' }, tier });
    exchange = createKrakenExchange({
      restUrl: paper.url,
      key: paper.key,
      secret: paper.secret,
      tier,
      log: recordedLog(),
    });
    control = new PaperControl(paper.url);
    await exchange.clockOffsetMs();
    await exchange.instruments();
    sent.length = 0;
  }

  async function quiet(): Promise<void> {
    for (let turns = 0; turns < QUIET_TURNS; turns += 1) {
      await nextTurn();
      if (inFlight > 0) turns = 0;
    }
  }

  /** Virtual ms that passed until all of it was done. */
  async function timeOf(work: Promise<unknown>): Promise<number> {
    const progress = { isDone: false };
    const done = work.finally(() => (progress.isDone = true));
    const beganMs = Date.now();
    for (;;) {
      await quiet();
      if (progress.isDone) break;
      vi.advanceTimersToNextTimer();
    }
    await done;
    return Date.now() - beganMs;
  }

  /** Ms that a counter needs to take so many units from empty. */
  const drainMs = ({ max, perSecond }: { max: number; perSecond: number }, units: number) =>
    (Math.max(0, units - max) / perSecond) * 1_000;

  it.each(TIERS)(
    'is reached by $tier exits of a pair, beside look-ups and audits',
    async ({ tier, trading }) => {
      await start(tier);
      let exitsLeft = EXITS;
      const failures: string[] = [];
      const meanwhile = async (ask: () => Promise<unknown>) => {
        while (exitsLeft > 0) await ask().catch((error: unknown) => failures.push(String(error)));
      };
      const sinceMs = Date.now();
      const load = [
        meanwhile(() => exchange.lookUp('hfeNEVERNEVERNEVER', sinceMs, 'look-up')),
        meanwhile(() => exchange.openOrders()),
        meanwhile(() => exchange.fills(sinceMs)),
      ];
      const exits = Array.from({ length: EXITS }, async (_, index) => {
        const outcome = await exchange.submit(
          {
            clientOrderId: clientOrderId(`trade-${index}`, 'exit-1'),
            symbol: 'BTC/USD',
            side: 'buy',
            type: 'market',
            quantity: '0.0001',
            deadlineMs: Date.now() + 3_600_000,
          },
          'exit',
        );
        exitsLeft -= 1;
        return outcome.kind;
      });
      const tookMs = await timeOf(Promise.all(exits));
      expect(await Promise.all(exits)).toEqual(Array(EXITS).fill('accepted'));

      const arrivals = await control.orders();
      expect(arrivals).toHaveLength(EXITS);
      expect(arrivals.filter(({ error }) => error !== null)).toEqual([]);
      expect(tookMs).toBeGreaterThanOrEqual(drainMs(trading, EXITS / 2) - 1_000);
      expect(tookMs).toBeLessThanOrEqual(drainMs(trading, UNITS_OF_EXITS + UNUSED_UNITS) + 1_000);
      await timeOf(Promise.all(load));
      // A question that waited too long for its turn was never sent.
      expect(failures.filter((failure) => !failure.includes('the call budget left no room'))).toEqual([]);
    },
  );

  it.each(TIERS)('is reached by $tier questions, none of which is asked twice', async ({ tier, rest }) => {
    await start(tier);
    const ask = async () => {
      for (let asked = 0; asked < QUESTIONS; asked += 1) await exchange.balances('exit');
    };
    const tookMs = await timeOf(ask());
    expect(sent.filter((path) => path.endsWith('/BalanceEx'))).toHaveLength(QUESTIONS);
    expect(tookMs).toBeGreaterThanOrEqual(drainMs(rest, QUESTIONS) - 1_000);
    expect(tookMs).toBeLessThanOrEqual(drainMs(rest, QUESTIONS + UNUSED_UNITS) + 1_000);
  });
});
