import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { pino } from 'pino';
import { LEASE_TIMEOUT_MS } from '../../src/domain/safety-times.ts';
import { STARTING_THRESHOLDS } from '../../src/domain/thresholds.ts';
import type { Quote } from '../../src/exchange/port.ts';
import { GuardKeeper, NoLease } from '../../src/market/guard-keeper.ts';
import type { ArmedTrade } from '../../src/market/guarded-position.ts';
import { MarketHub } from '../../src/market/hub.ts';
import { Lease } from '../../src/market/lease.ts';
import type { FiredExit } from '../../src/workflows/messages.ts';

const log = pino({ level: 'silent' });
const SOLD: FiredExit = {
  leg: 'exit-1',
  submittedAtMs: 0,
  deadlineMs: 0,
  outcome: { kind: 'accepted', exchangeOrderId: 'OSOLD' },
};

/** A keeper with a lease, a market that is quoted by hand, and an exchange that counts what is fired. */
async function guardedMarket(
  beat: () => Promise<void> = () => Promise.resolve(),
  isBetterElsewhere: () => Promise<boolean> = () => Promise.resolve(false),
  answer: (positionId: string) => Promise<FiredExit> = () => Promise.resolve(SOLD),
) {
  const fired: string[] = [];
  const told: string[] = [];
  const clock = { aheadMs: 0 };
  const now = () => Date.now() + clock.aheadMs;
  let quote: (quote: Quote) => void = () => undefined;
  const hub = new MarketHub({
    feed: {
      subscribe: () => undefined,
      unsubscribe: () => undefined,
      onQuote: (listener) => (quote = listener),
      status: () => ({ connected: true, lastMessageMs: null, lastHeardMs: null, reconnects: 0 }),
      close: () => Promise.resolve(),
    },
    predict: () => Promise.resolve(null),
    predictionIntervalMs: 60_000,
    decided: (trade, last) => void keeper.decided(trade, last),
    now,
    log,
  });
  const keeper: GuardKeeper = new GuardKeeper({
    hub,
    lease: new Lease({ wallMs: now, monotonicMs: () => performance.now() + clock.aheadMs }),
    fire: (trade) => {
      fired.push(trade.positionId);
      return answer(trade.positionId);
    },
    taskQueue: 'guard-queue',
    tell: (tradeId) => {
      told.push(tradeId);
      return Promise.resolve();
    },
    isBetterElsewhere,
    log,
  });
  const held = keeper.hold('lease-1', beat, 100, 60_000);
  await expect.poll(() => leaseOf(keeper)).toBe('lease-1');
  const mark = (price: string) =>
    quote({
      symbol: 'BTC/USD',
      bid: price,
      ask: price,
      last: price,
      receivedAtMs: now(),
      via: 'stream',
    });
  const end = async () => {
    keeper.stop();
    await held;
    hub.close();
  };
  return { keeper, held, fired, told, clock, mark, end };
}

function leaseOf(keeper: GuardKeeper): string | null {
  try {
    return keeper.guard().leaseId;
  } catch (error) {
    if (error instanceof NoLease) return null;
    throw error;
  }
}

function armed(positionId: string): ArmedTrade {
  return {
    tradeId: positionId,
    positionId,
    symbol: 'BTC/USD',
    quantity: '1',
    entryFee: '0',
    policy: { version: 1, thresholds: STARTING_THRESHOLDS, timeScale: 1 },
    position: {
      side: 'long',
      entryPrice: '100',
      openedAtMs: Date.now(),
      bestPrice: '100',
      volatilityScale: 1,
      roundTripFee: 0.005,
      tickSize: '0.1',
    },
    exit: { leg: 'exit-1', clientOrderId: 'hfxTEST', side: 'sell', quantity: '1', leverage: null },
  };
}

describe('a guard', () => {
  it('sells once at a mark that decides, and gives the same answer to a trade that asks later', async () => {
    const { keeper, fired, mark, end } = await guardedMarket();
    await keeper.arm(armed('p'), 1);
    mark('60');
    mark('50');
    expect(await keeper.exitNow('p', 2)).toEqual(SOLD);
    expect(fired).toEqual(['p']);
    await end();
  });

  it('tells of what it has sold when the orders of all others have left', async () => {
    let answerSlow: (fired: FiredExit) => void = () => undefined;
    const slow = new Promise<FiredExit>((resolve) => (answerSlow = resolve));
    const answer = (positionId: string) => (positionId === 'slow' ? slow : Promise.resolve(SOLD));
    const { keeper, fired, told, mark, end } = await guardedMarket(undefined, undefined, answer);
    await keeper.arm(armed('quick'), 1);
    await keeper.arm(armed('slow'), 1);
    mark('50');
    expect(fired).toEqual(['quick', 'slow']);
    await nextTurn();
    expect(told).toEqual([]);
    answerSlow(SOLD);
    await expect.poll(() => told).toEqual(['quick', 'slow']);
    await end();
  });

  it('tells of what it has sold though the order of another has no answer', async () => {
    const never = new Promise<FiredExit>(() => undefined);
    const answer = (positionId: string) => (positionId === 'stuck' ? never : Promise.resolve(SOLD));
    const { keeper, told, mark, end } = await guardedMarket(undefined, undefined, answer);
    await keeper.arm(armed('stuck'), 1);
    await keeper.arm(armed('quick'), 1);
    mark('50');
    await expect.poll(() => told).toEqual(['quick']);
    await end();
  });

  it.each([
    ['to sell at once', 'exitNow'],
    ['without selling', 'release'],
  ] as const)(
    'is not armed by a request that comes after its position was taken back %s',
    async (_, call) => {
      const { keeper, fired, mark, end } = await guardedMarket();
      expect(await keeper[call]('p', 2)).toBeNull();
      await expect(keeper.arm(armed('p'), 1)).rejects.toThrow(NoLease);
      mark('50');
      expect(fired).toEqual([]);
      await keeper.arm(armed('other'), 1);
      mark('50');
      expect(fired).toEqual(['other']);
      mark('100');
      // Its trade was lost with Temporal's storage and has begun anew.
      await keeper.arm(armed('p'), 3);
      mark('50');
      expect(fired).toEqual(['other', 'p']);
      await end();
    },
  );

  it('says nothing of what it decides by an old mark once its lease is over: others guard by then', async () => {
    let isFrozen = false;
    const { keeper, fired, told, clock, mark, end } = await guardedMarket(() =>
      isFrozen ? new Promise(() => undefined) : Promise.resolve(),
    );
    await keeper.arm(armed('p'), 1);
    mark('98');
    isFrozen = true;
    // It wakes up after the minimum hold: the loss that it last saw would be sold now.
    clock.aheadMs = 300_000;
    await expect.poll(() => keeper.holding('p', 'lease-1')).toEqual({ isHeld: false, last: null });
    expect([fired, told]).toEqual([[], []]);
    await end();
  });

  it('gives its lease back when only others see the exchange, and says what it has sold', async () => {
    let isBlind = false;
    const { keeper, held, mark, end } = await guardedMarket(undefined, () => Promise.resolve(isBlind));
    await keeper.arm(armed('sold'), 1);
    mark('50');
    mark('100');
    await keeper.arm(armed('kept'), 1);
    isBlind = true;
    expect(await held).toEqual({ soldPositions: ['sold'] });
    expect(leaseOf(keeper)).toBeNull();
    await end();
  });

  it('sells nothing any more when it has given its lease back', async () => {
    const { keeper, fired, mark, end } = await guardedMarket();
    await keeper.arm(armed('p'), 1);
    await end();
    mark('50');
    expect(fired).toEqual([]);
    await expect(keeper.arm(armed('p'), 1)).rejects.toThrow(NoLease);
  });

  it('takes no position once its lease has run out, though nobody has told it yet', async () => {
    let isHeard = true;
    const { keeper, clock, end } = await guardedMarket(() =>
      isHeard ? Promise.resolve() : new Promise(() => undefined),
    );
    await keeper.arm(armed('before'), 1);
    isHeard = false;
    expect(keeper.holding('before', 'lease-1')).toMatchObject({ isHeld: true });
    clock.aheadMs = LEASE_TIMEOUT_MS + 1;
    expect(leaseOf(keeper)).toBeNull();
    expect(keeper.leaseId).toBeNull();
    expect(keeper.holding('before', 'lease-1')).toMatchObject({ isHeld: false });
    await expect(keeper.arm(armed('after'), 2)).rejects.toThrow(NoLease);
    await end();
  });

  it('gives a lease back before it holds the next one, so that its trades hear of it', async () => {
    const { keeper, held, end } = await guardedMarket();
    await keeper.arm(armed('p'), 1);
    const next = keeper.hold('lease-2', () => Promise.resolve(), 100, 60_000);
    expect(await held).toEqual({ soldPositions: [] });
    await expect.poll(() => leaseOf(keeper)).toBe('lease-2');
    expect(keeper.holding('p', 'lease-2')).toMatchObject({ isHeld: false });
    await end();
    await next;
  });
});
