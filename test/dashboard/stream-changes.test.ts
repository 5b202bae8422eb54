import { describe, expect, test } from 'vitest';
import type { DashboardPosition } from '../../src/dashboard/positions.ts';
import { changesBetween } from '../../src/dashboard/stream-changes.ts';
import { positionView } from '../../src/views/position-view.ts';
import { sampleOpen } from '../support/ledger-samples.ts';

function position(tradeId: string, over: Partial<DashboardPosition> = {}): DashboardPosition {
  const { managedPosition, livePosition } = sampleOpen(tradeId);
  const times = { createdAt: 0, updatedAt: 0 };
  const live = { ...livePosition, bestPrice: null, markAgeMs: 100, stage: 'open', updatedAt: 0 };
  const view = positionView({ ...managedPosition, ...times, live }, { nowMs: 0 });
  return { ...view, minHoldEndsAtMs: null, ruleNow: null, prediction: null, ...over };
}

const book = (...positions: DashboardPosition[]) => new Map(positions.map((one) => [one.positionId, one]));

describe('changes of a batch', () => {
  test('a first look is no opening', () => {
    const now = book(position('a'), position('b'));
    const { positions, opened, removed } = changesBetween(null, now);
    expect(positions).toEqual([...now.values()]);
    expect([opened, removed]).toEqual([[], []]);
  });

  test('nothing moved, nothing sent', () => {
    expect(changesBetween(book(position('a')), book(position('a', { markAgeMs: 4_900 })))).toEqual({
      positions: [],
      opened: [],
      removed: [],
    });
  });

  test('what moved is sent, and nothing else', () => {
    const { positions } = changesBetween(
      book(position('a')),
      book(position('a', { markPrice: '1', stage: 'exiting' })),
    );
    expect(positions).toEqual([
      { positionId: 'kraken-Oa', markAgeMs: 100, markPrice: '1', stage: 'exiting' },
    ]);
  });

  test('a prediction is sent when it is another, or does something else', () => {
    const times = { asOfMs: 1, expiresAtMs: 2 };
    const prediction: DashboardPosition['prediction'] = {
      ...times,
      ...{ action: 'BUY' as const, confidence: 0.8, source: 'momentum', effect: 'holds' as const },
      needsConfidence: 0.7,
    };
    const before = book(position('a', { prediction }));
    expect(changesBetween(before, book(position('a', { prediction: { ...prediction } }))).positions).toEqual(
      [],
    );
    const stale = { ...prediction, effect: 'stale' } as const;
    expect(changesBetween(before, book(position('a', { prediction: stale }))).positions).toEqual([
      { positionId: 'kraken-Oa', markAgeMs: 100, prediction: stale },
    ]);
  });

  test('a mark that grows old is told in steps', () => {
    const { positions } = changesBetween(book(position('a')), book(position('a', { markAgeMs: 10_200 })));
    expect(positions).toMatchObject([{ positionId: 'kraken-Oa', markAgeMs: 10_200 }]);
  });

  test('opened and removed', () => {
    const changes = changesBetween(book(position('a')), book(position('b')));
    expect(changes.opened).toEqual([position('b')]);
    expect(changes.positions).toEqual([position('b')]);
    expect(changes.removed).toEqual(['kraken-Oa']);
  });
});
