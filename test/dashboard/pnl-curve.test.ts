import { describe, expect, test } from 'vitest';
import { pnlCurve, thinned } from '../../src/dashboard/pnl-curve.ts';

const closes = (...pnls: string[]) => pnls.map((pnl, index) => ({ closedAtMs: index, pnl }));

describe('P&L curve', () => {
  test('sums exactly and measures each fall from the highest point before it', () => {
    expect(pnlCurve(closes('0.1', '0.2', '-0.5', '0.1', '1'))).toEqual([
      { atMs: 0, pnl: '0.1', drawdown: '0' },
      { atMs: 1, pnl: '0.3', drawdown: '0' },
      { atMs: 2, pnl: '-0.2', drawdown: '-0.5' },
      { atMs: 3, pnl: '-0.1', drawdown: '-0.4' },
      { atMs: 4, pnl: '0.9', drawdown: '0' },
    ]);
  });

  test('a loss at the very start is a fall from nothing', () => {
    expect(pnlCurve(closes('-2'))).toEqual([{ atMs: 0, pnl: '-2', drawdown: '-2' }]);
  });

  test('thinning keeps the deepest fall and the last point', () => {
    const pnls = Array.from({ length: 1_000 }, (_, index) => (index === 613 ? '-400' : '1'));
    const curve = pnlCurve(closes(...pnls));
    const few = thinned(curve, 50);
    expect(few.length).toBeLessThanOrEqual(51);
    expect(few).toContainEqual(curve[613]);
    expect(few.at(-1)).toEqual(curve.at(-1));
    expect(few.map(({ atMs }) => atMs)).toEqual(
      few.map(({ atMs }) => atMs).sort((left, right) => left - right),
    );
    expect(thinned(curve, 1_000)).toEqual(curve);
  });
});
