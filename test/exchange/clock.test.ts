import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bestOffset, createExchangeClock, narrowed, offsetRange } from '../../src/exchange/kraken/clock.ts';

describe('clock offset', () => {
  it('always lies in the range that an answer proves, cut to seconds or not', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: -100_000, max: 100_000 }),
        fc.nat(2_000),
        fc.nat(2_000),
        fc.boolean(),
        (offset, outwardMs, backMs, wholeSeconds) => {
          const sentMs = 1_700_000_000_123;
          const theirs = sentMs + outwardMs + offset;
          const unixSeconds = wholeSeconds ? Math.floor(theirs / 1000) : theirs / 1000;
          const { low, high } = offsetRange(unixSeconds, sentMs, sentMs + outwardMs + backMs);
          // A double holds today's seconds to a fraction of a microsecond.
          expect(low).toBeLessThanOrEqual(offset + 0.001);
          expect(high).toBeGreaterThanOrEqual(offset - 0.001);
        },
      ),
    );
  });

  it('grows surer with every answer', () => {
    const offset = 7_300;
    let range = null;
    for (let sample = 0; sample < 20; sample += 1) {
      const sentMs = 1_700_000_000_000 + sample * 60_137;
      const theirs = sentMs + 10 + offset;
      range = narrowed(range, offsetRange(Math.floor(theirs / 1000), sentMs, sentMs + 20));
    }
    expect(Math.abs(bestOffset(range ?? { low: 0, high: 0 }) - offset)).toBeLessThan(200);
  });

  it('starts anew when a clock was set', () => {
    const before = { low: -10, high: 10 };
    const after = { low: 5_000, high: 5_020 };
    expect(narrowed(before, after)).toEqual(after);
    expect(bestOffset(after)).toBe(5_010);
    expect(bestOffset(before)).toBe(0);
  });

  it('is asked for once by all who need it, and again in the background when it is old', async () => {
    let nowMs = 1_700_000_000_000;
    let asked = 0;
    let aheadMs = 10_000;
    const clock = createExchangeClock(
      async () => {
        asked += 1;
        return (nowMs + aheadMs) / 1000 + 0.0001;
      },
      () => nowMs,
    );
    expect(await Promise.all([clock.offsetMs(), clock.offsetMs()])).toEqual([10_000, 10_000]);
    expect(asked).toBe(1);
    nowMs += 61_000;
    aheadMs = 20_000;
    expect(await clock.offsetMs()).toBe(10_000);
    expect(asked).toBe(2);
    await clock.measure();
    expect(clock.lastOffsetMs()).toBe(20_000);
  });

  it('keeps what it knows when it can no longer ask', async () => {
    let nowMs = 1_700_000_000_000;
    let broken = false;
    const clock = createExchangeClock(
      async () => {
        if (broken) throw new Error('down');
        return (nowMs + 10_000) / 1000 + 0.0001;
      },
      () => nowMs,
    );
    await clock.offsetMs();
    broken = true;
    nowMs += 120_000;
    expect(await clock.offsetMs()).toBe(10_000);
    await expect(clock.measure()).rejects.toThrow('down');
  });
});
