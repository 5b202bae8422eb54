import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { AlertFacts } from '../../src/domain/alerts.ts';
import type { GuardedPosition } from '../../src/market/guarded-position.ts';
import { startStaleWatch } from '../../src/market/stale-watch.ts';

const position = (positionId: string, symbol: string) =>
  ({ trade: { positionId, tradeId: `of ${positionId}`, symbol } }) as unknown as GuardedPosition;

describe('positions without a fresh mark', () => {
  const btc = position('kraken-O1', 'BTC/USD');
  const eth = position('kraken-O2', 'ETH/USD');
  let guarded: GuardedPosition[];
  let quotedAtMs: Map<GuardedPosition, number>;
  let raised: AlertFacts[];
  let told: (readonly [tradeId: string, sinceMs: number | null])[];
  let lease: string;
  let isAway: boolean;
  let stop: () => void;

  beforeEach(() => {
    vi.useFakeTimers({ now: 1_000_000 });
    guarded = [btc];
    quotedAtMs = new Map();
    raised = [];
    told = [];
    lease = 'lease-1';
    isAway = false;
    const mark = (each: GuardedPosition) => {
      const atMs = quotedAtMs.get(each);
      return atMs === undefined ? null : { price: '1', ageMs: Date.now() - atMs };
    };
    stop = startStaleWatch({
      hub: { guarded: () => guarded, mark },
      workerId: 'w',
      raise: (alert) => raised.push(alert),
      leaseId: () => lease,
      tell: (tradeId, sinceMs) => {
        if (isAway) return Promise.reject(new Error('Temporal is away'));
        told.push([tradeId, sinceMs]);
        return Promise.resolve();
      },
      now: Date.now,
    });
  });
  afterEach(() => {
    stop();
    vi.useRealTimers();
  });
  const pass = (ms: number) => vi.advanceTimersByTime(ms);

  it('are told once after half a minute, and once when it is over', () => {
    quotedAtMs.set(btc, Date.now());
    pass(29_000);
    expect(raised).toEqual([]);
    pass(60_000);
    expect(raised).toMatchObject([
      { kind: 'feed-stale', facts: { workerId: 'w', symbols: 'BTC/USD', ageSeconds: 30, positions: 1 } },
    ]);
    quotedAtMs.set(btc, Date.now());
    pass(10_000);
    expect(raised).toHaveLength(2);
    expect(raised[1]).toMatchObject({ id: `${raised[0]!.id}:over`, facts: { over: true } });
  });

  it('are told also when there never was a mark, counted from the moment they came under guard', () => {
    pass(20_000);
    guarded = [btc, eth];
    quotedAtMs.set(btc, Date.now() + 60_000);
    pass(25_000);
    expect(raised).toEqual([]);
    pass(15_000);
    expect(raised).toMatchObject([{ facts: { symbols: 'ETH/USD', positions: 1 } }]);
  });

  it('are forgotten with the position: a worker that guards nothing is not stale', () => {
    pass(20_000);
    guarded = [];
    pass(20_000);
    guarded = [btc];
    pass(20_000);
    expect(raised).toEqual([]);
  });

  it('are known as such to their trades, once, and once that it is over', async () => {
    const quoted = Date.now();
    quotedAtMs.set(btc, quoted);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(told).toEqual([['of kraken-O1', quoted]]);
    quotedAtMs.set(btc, Date.now());
    await vi.advanceTimersByTimeAsync(20_000);
    expect(told).toEqual([
      ['of kraken-O1', quoted],
      ['of kraken-O1', null],
    ]);
  });

  it('are told to their trades as soon as Temporal is back, and anew under another lease', async () => {
    isAway = true;
    await vi.advanceTimersByTimeAsync(60_000);
    isAway = false;
    await vi.advanceTimersByTimeAsync(10_000);
    expect(told).toHaveLength(1);
    lease = 'lease-2';
    await vi.advanceTimersByTimeAsync(10_000);
    expect(told).toHaveLength(2);
  });

  it('are not told by a process that was away itself', async () => {
    quotedAtMs.set(btc, Date.now());
    await vi.advanceTimersByTimeAsync(5_000);
    vi.setSystemTime(Date.now() + 40_000);
    await vi.advanceTimersByTimeAsync(5_000);
    quotedAtMs.set(btc, Date.now());
    await vi.advanceTimersByTimeAsync(20_000);
    expect([raised, told]).toEqual([[], []]);
  });
});
