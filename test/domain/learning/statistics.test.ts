import { describe, expect, it } from 'vitest';
import { isPremature, statistics, statisticsByVersion } from '../../../src/domain/learning/statistics.ts';
import type { Outcome } from '../../../src/domain/learning/study.ts';
import { MINUTE_MS, ramp, signalAlong, studyOf } from '../support/studies.ts';

const base = studyOf(signalAlong(0, ramp(0, 0.08, 10))).outcome!;

function trade(netPnl: string, heldMinutes: number, thresholdsVersion = 1): { outcome: Outcome } {
  const exitTimeMs = base.entryTimeMs + heldMinutes * MINUTE_MS;
  return { outcome: { ...base, netPnl, exitTimeMs, thresholdsVersion, entryFee: '0.1', exitFee: '0.2' } };
}

it('adds up by version', () => {
  const [first, second] = statisticsByVersion([
    trade('5', 20, 2),
    trade('3', 10),
    trade('-1', 30),
    trade('0', 20),
  ]);
  expect(first).toEqual({
    version: 1,
    trades: 3,
    winRate: 1 / 3,
    expectedValue: '0.666666666667',
    profitFactor: 3,
    averageHoldMs: 20 * MINUTE_MS,
    prematureShare: null,
    fees: '0.9',
  });
  expect(second).toMatchObject({ version: 2, trades: 1, profitFactor: null, winRate: 1 });
  expect(statistics([])).toMatchObject({ trades: 0, winRate: 0, expectedValue: '0', averageHoldMs: 0 });
});

describe('premature', () => {
  // Out after 10 minutes at +8%; a round trip costs 0.1% + 0.108%.
  const after = (returns: readonly number[]) => signalAlong(0, [...ramp(0, 0.08, 10), ...returns]).path;

  it('is an exit that waiting would have bettered by more than a round trip of fees', () => {
    expect(isPremature(base, after([0.0822]))).toBe(true);
    expect(isPremature(base, after([0.082]))).toBe(false);
  });

  it('looks as long as the trade was held, ten minutes at least, and no further', () => {
    expect(isPremature(base, after([...new Array<number>(9).fill(0), 0.2]))).toBe(true);
    expect(isPremature(base, after([...new Array<number>(10).fill(0), 0.2]))).toBe(false);
    const short = { ...base, entryTimeMs: base.exitTimeMs - MINUTE_MS };
    expect(isPremature(short, after([...new Array<number>(9).fill(0), 0.2]))).toBe(true);
  });

  it('is not known before the horizon is over, unless it has shown already', () => {
    expect(isPremature(base, after([0]).slice(0, 18))).toBeNull();
    expect(isPremature(base, after([0.2]).slice(0, 18))).toBe(true);
    expect(statistics([{ outcome: base, path: after([0]).slice(0, 18) }]).prematureShare).toBeNull();
    const both = [after([0.2]), after([0])].map((path) => ({ outcome: base, path }));
    expect(statistics(both).prematureShare).toBe(0.5);
  });
});
