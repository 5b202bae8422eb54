import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { evaluateExit, type ExitPosition, type Policy } from '../../src/domain/exit-policy.ts';
import { holdBand, type HoldBand } from '../../src/domain/hold-band.ts';
import { big, compare, text, type Decimal } from '../../src/domain/money.ts';
import { betterPrice } from '../../src/domain/position.ts';
import { STARTING_THRESHOLDS } from '../../src/domain/thresholds.ts';
import { anyMarkNear, anyPolicy, anyPosition, anyPrediction } from './support/exit-arbitraries.ts';
import './support/fixed-seed.ts';

const DAY_MS = 86_400_000;

const anyCase = fc.record({
  at: anyPosition.chain((position) =>
    anyMarkNear(position).map((mark) => ({
      // The watcher notes a new best before it asks for a band.
      position: { ...position, bestPrice: betterPrice(position.side, position.bestPrice, mark) },
      mark,
    })),
  ),
  prediction: fc.option(anyPrediction),
  policy: anyPolicy,
  sinceOpenMs: fc.oneof(fc.integer({ min: 0, max: 120_000 }), fc.integer({ min: 0, max: 4_000_000 })),
});

function ask({
  at,
  prediction,
  policy,
  sinceOpenMs,
}: typeof anyCase extends fc.Arbitrary<infer C> ? C : never) {
  const nowMs = at.position.openedAtMs + sinceOpenMs;
  const answer = (price: Decimal, timeMs = nowMs, position: ExitPosition = at.position) =>
    evaluateExit(position, price, prediction, policy, timeMs);
  return { ...at, nowMs, answer, band: holdBand(at.position, at.mark, prediction, policy, nowMs) };
}

function tickAt(band: HoldBand, tickSize: Decimal, share: number): Decimal {
  const ticks = Number(big(band.high).minus(big(band.low)).div(big(tickSize)).round(0, 0).toFixed());
  return text(big(band.low).plus(big(String(Math.floor(ticks * share))).times(big(tickSize))));
}

describe('over every combination of position, mark, prediction, policy and time', () => {
  it('is null exactly where the answer is exit already, and holds the mark otherwise', () => {
    fc.assert(
      fc.property(anyCase, (given) => {
        const { answer, mark, band } = ask(given);
        expect(band === null).toBe(answer(mark).action === 'exit');
        if (!band) return;
        expect(compare(band.low, mark)).toBeLessThanOrEqual(0);
        expect(compare(band.high, mark)).toBeGreaterThanOrEqual(0);
      }),
      { numRuns: 2000 },
    );
  });

  it('holds at every price inside, until it ends', () => {
    const anyShare = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(anyCase, anyShare, anyShare, (given, priceShare, timeShare) => {
        const { answer, band, position, nowMs } = ask(given);
        if (!band) return;
        const lastMs = band.untilMs === null ? nowMs + DAY_MS : band.untilMs - 1;
        const timeMs = nowMs + Math.floor((lastMs - nowMs) * timeShare);
        for (const price of [tickAt(band, position.tickSize, priceShare), band.low, band.high]) {
          expect(answer(price, timeMs).action, `at ${price}`).toBe('hold');
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('exits one tick outside, so that no wider band could hold', () => {
    fc.assert(
      fc.property(anyCase, (given) => {
        const { answer, band, position } = ask(given);
        if (!band) return;
        const below = big(band.low).minus(big(position.tickSize));
        const above = big(band.high).plus(big(position.tickSize));
        for (const price of [below, above]) {
          if (price.gt(big('0'))) expect(answer(text(price)).action, `at ${text(price)}`).toBe('exit');
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('ends exactly when the prediction or the minimum hold that holds it ends', () => {
    fc.assert(
      fc.property(anyCase, (given) => {
        const { answer, band, mark } = ask(given);
        if (!band) return;
        const heldByTime = ['ai-confidence', 'min-hold'];
        if (band.untilMs === null) {
          expect(heldByTime).not.toContain(answer(mark).rule);
        } else {
          expect(heldByTime).toContain(answer(mark, band.untilMs - 1).rule);
          expect(heldByTime).not.toContain(answer(mark, band.untilMs).rule);
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('no new best short of trailsFrom changes any answer', () => {
    const anyShare = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(
        anyCase.chain((given) => fc.tuple(fc.constant(given), anyMarkNear(given.at.position))),
        anyShare,
        ([given, laterMark], share) => {
          const { answer, band, position } = ask(given);
          if (!band) return;
          const seen = tickAt(band, position.tickSize, share);
          const { side } = position;
          const reached =
            band.trailsFrom !== null &&
            (side === 'long' ? compare(seen, band.trailsFrom) >= 0 : compare(seen, band.trailsFrom) <= 0);
          if (reached) return;
          const noted = { ...position, bestPrice: betterPrice(side, position.bestPrice, seen) };
          const timeMs = position.openedAtMs + DAY_MS;
          expect(answer(laterMark, timeMs, noted).action).toBe(answer(laterMark, timeMs).action);
        },
      ),
      { numRuns: 2000 },
    );
  });
});

describe('by example', () => {
  const openedAtMs = 1_700_000_000_000;
  const afterMs = openedAtMs + 600_000;
  const policy: Policy = { version: 1, thresholds: STARTING_THRESHOLDS, timeScale: 1 };
  const long: ExitPosition = {
    side: 'long',
    entryPrice: '100',
    openedAtMs,
    bestPrice: '100',
    volatilityScale: 1,
    roundTripFee: 0.005,
    tickSize: '0.01',
  };

  it('lies between loss limit and profit taking; the best matters from the fees on', () => {
    expect(holdBand(long, '100', null, policy, afterMs)).toEqual({
      low: '99.51',
      high: '107.99',
      untilMs: null,
      trailsFrom: '100.5',
    });
  });

  it('is turned over for a short', () => {
    expect(holdBand({ ...long, side: 'short' }, '100', null, policy, afterMs)).toEqual({
      low: '92.01',
      high: '100.49',
      untilMs: null,
      trailsFrom: '99.5',
    });
  });

  it('reaches to the emergencies while the minimum hold or a confident prediction holds', () => {
    const early = holdBand(long, '100', null, policy, openedAtMs);
    expect(early).toMatchObject({ low: '80.01', high: '149.99', untilMs: openedAtMs + 120_000 });
    const prediction = {
      action: 'BUY' as const,
      confidence: 0.9,
      asOfMs: afterMs,
      ttlMs: 5000,
      source: 'test',
    };
    const held = holdBand(long, '99', prediction, policy, afterMs);
    expect(held).toMatchObject({ low: '80.01', high: '149.99', untilMs: afterMs + 5000 });
    expect(evaluateExit(long, '99', prediction, policy, afterMs + 5000).rule).toBe('loss-limit');
  });

  it('knows two hold zones once rule 9 is armed: above its line, and at a loss that is noise', () => {
    const armed = { ...long, bestPrice: '104' };
    expect(holdBand(armed, '103', null, policy, afterMs)).toMatchObject({ low: '102.01', high: '107.99' });
    expect(holdBand(armed, '101', null, policy, afterMs)).toBeNull();
    expect(holdBand(armed, '99.8', null, policy, afterMs)).toMatchObject({ low: '99.51', high: '100' });
  });

  it('joins them where the zone between is narrower than a tick', () => {
    const free = { ...long, roundTripFee: 0, bestPrice: '100.01' };
    expect(holdBand(free, '100', null, policy, afterMs)).toMatchObject({ low: '99.51', high: '107.99' });
    expect(holdBand(free, '100.01', null, policy, afterMs)).toMatchObject({ low: '99.51' });
  });

  it('ends at the first tick for a short whose profit has no price', () => {
    const greedy = {
      ...policy,
      thresholds: { ...STARTING_THRESHOLDS, extraordinaryProfitCapture: 2 },
    };
    expect(holdBand({ ...long, side: 'short' }, '100', null, greedy, openedAtMs)?.low).toBe('0.01');
  });
});
