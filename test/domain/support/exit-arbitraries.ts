import fc from 'fast-check';
import type { ExitPosition, Policy, Prediction } from '../../../src/domain/exit-policy.ts';
import { big, text, type Decimal } from '../../../src/domain/money.ts';
import { STARTING_THRESHOLDS, THRESHOLD_NAMES, THRESHOLD_SPECS } from '../../../src/domain/thresholds.ts';
import type { Thresholds } from '../../../src/domain/thresholds.ts';

const OPENED_MS = 1_700_000_000_000;

const fraction = fc.double({ min: 0, max: 1, noNaN: true });

/** Anything within the bounds, whether the invariants hold or not; and the starting thresholds. */
export const anyThresholds: fc.Arbitrary<Thresholds> = fc.oneof(
  fc.constant(STARTING_THRESHOLDS),
  fc.array(fraction, { minLength: 12, maxLength: 12 }).map((shares) => {
    const entries = THRESHOLD_NAMES.map((name, index) => {
      const { min, max } = THRESHOLD_SPECS[name];
      return [name, min + (max - min) * (shares[index] ?? 0)];
    });
    return Object.fromEntries(entries) as Thresholds;
  }),
);

export const anyPolicy: fc.Arbitrary<Policy> = fc.record({
  version: fc.constant(1),
  thresholds: anyThresholds,
  timeScale: fc.constantFrom(1, 30),
});

export const anyPrediction: fc.Arbitrary<Prediction> = fc.record({
  action: fc.constantFrom('BUY', 'SELL', 'HOLD'),
  confidence: fraction,
  asOfMs: fc.integer({ min: 0, max: 3_600_000 }).map((ms) => OPENED_MS + ms),
  ttlMs: fc.integer({ min: 1, max: 600_000 }),
  source: fc.constant('test'),
});

/** Long and short, cheap and dear, entered on the grid of ticks or between (an average of fills). */
export const anyPosition: fc.Arbitrary<ExitPosition> = fc
  .record({
    side: fc.constantFrom('long' as const, 'short' as const),
    tickSize: fc.constantFrom('0.1', '0.01', '0.00001', '1'),
    entryTicks: fc.integer({ min: 40, max: 4000 }),
    between: fc.constantFrom('0', '0.5', '0.333333'),
    bestMove: fc.double({ min: 0, max: 0.6, noNaN: true }),
    volatilityScale: fc.double({ min: 0.5, max: 2, noNaN: true }),
    roundTripFee: fc.constantFrom(0, 0.0005, 0.0052, 0.02),
  })
  .map(({ side, tickSize, entryTicks, between, bestMove, volatilityScale, roundTripFee }) => {
    const tick = big(tickSize);
    const entry = big(String(entryTicks)).plus(big(between)).times(tick);
    const moved = side === 'long' ? entryTicks * (1 + bestMove) : entryTicks * (1 - bestMove);
    const best = big(Math.max(1, Math.round(moved)).toFixed(0)).times(tick);
    const isBetter = side === 'long' ? best.gt(entry) : best.lt(entry);
    return {
      side,
      entryPrice: text(entry),
      openedAtMs: OPENED_MS,
      bestPrice: text(isBetter ? best : entry),
      volatilityScale,
      roundTripFee,
      tickSize,
    };
  });

/** Marks on the grid, from near nothing to more than twice the entry, most of them near it. */
export function anyMarkNear(position: ExitPosition): fc.Arbitrary<Decimal> {
  const tick = big(position.tickSize);
  const entryTicks = Math.round(Number(big(position.entryPrice).div(tick).toFixed(6)));
  return fc
    .oneof(
      fc.integer({ min: 1, max: Math.ceil(entryTicks * 2.5) }),
      fc.integer({ min: Math.floor(entryTicks * 0.9), max: Math.ceil(entryTicks * 1.1) }),
      fc.integer({ min: Math.max(1, entryTicks - 3), max: entryTicks + 3 }),
    )
    .map((ticks) => text(big(String(Math.max(1, ticks))).times(tick)));
}
