import { describe, expect, test } from 'vitest';
import { mayRotate, weakestToRotate, type OpenCandidate } from '../../src/domain/rotation.ts';
import { STARTING_THRESHOLDS } from '../../src/domain/thresholds.ts';

const NOW_MS = Date.UTC(2026, 5, 1, 9);
const MINUTE_MS = 60_000;
const policy = {
  version: 1,
  thresholds: { ...STARTING_THRESHOLDS, minHoldTimeMinutes: 5, capitalRotationUrgency: 0.25 },
  timeScale: 1,
};
const candidate = (tradeId: string, over: Partial<OpenCandidate> = {}): OpenCandidate => ({
  tradeId,
  positionId: `kraken-${tradeId}`,
  symbol: 'ETH/USD',
  side: 'long',
  notional: '250',
  confidence: 0.5,
  openedAtMs: NOW_MS - 10 * MINUTE_MS,
  policy,
  ...over,
});
const btc = { symbol: 'BTC/USD', side: 'long', confidence: 1 } as const;
const weakest = (candidates: OpenCandidate[], signal = btc, room = (_one: OpenCandidate) => true) =>
  weakestToRotate(candidates, signal, NOW_MS, room)?.tradeId ?? null;

describe('whether a position gives way', () => {
  test('only to a signal that is better by more than its own urgency', () => {
    const position = { confidence: 0.5, openedAtMs: 0 };
    expect(mayRotate(position, 0.75, policy, NOW_MS)).toBe(false);
    expect(mayRotate(position, 0.7501, policy, NOW_MS)).toBe(true);
  });

  test('never within its minimum hold, to the millisecond', () => {
    const position = { confidence: 0.1, openedAtMs: NOW_MS - 5 * MINUTE_MS };
    expect(mayRotate(position, 1, policy, NOW_MS - 1)).toBe(false);
    expect(mayRotate(position, 1, policy, NOW_MS)).toBe(true);
    expect(mayRotate(position, 1, { ...policy, timeScale: 0.5 }, NOW_MS)).toBe(false);
  });
});

describe('which position gives way', () => {
  test('the weakest, of equals the oldest', () => {
    const older = candidate('older', { confidence: 0.2, openedAtMs: NOW_MS - 20 * MINUTE_MS });
    const weak = candidate('weak', { confidence: 0.2 });
    expect(weakest([candidate('strong', { confidence: 0.6 }), weak, older])).toBe('older');
    expect(weakest([candidate('strong', { confidence: 0.75 })])).toBeNull();
    expect(weakest([])).toBeNull();
  });

  test('the next one while the weakest is within its minimum hold, by the policy it pinned', () => {
    const young = candidate('young', { confidence: 0.1, openedAtMs: NOW_MS - 4 * MINUTE_MS });
    const patient = candidate('patient', {
      confidence: 0.1,
      policy: { ...policy, thresholds: { ...policy.thresholds, minHoldTimeMinutes: 11 } },
    });
    const content = candidate('content', {
      confidence: 0.1,
      policy: { ...policy, thresholds: { ...policy.thresholds, capitalRotationUrgency: 0.9 } },
    });
    expect(weakest([young, patient, content, candidate('next')])).toBe('next');
  });

  test('none of the same symbol and side', () => {
    const same = candidate('same', { symbol: 'BTC/USD', confidence: 0 });
    expect(weakest([same])).toBeNull();
    expect(weakest([{ ...same, side: 'short' }])).toBe('same');
  });

  test('only one whose going makes room', () => {
    const small = candidate('small', { confidence: 0, notional: '100' });
    const enough = ({ notional }: OpenCandidate) => Number(notional) >= 250;
    expect(weakest([small, candidate('large')], btc, enough)).toBe('large');
    expect(weakest([small], btc, enough)).toBeNull();
  });
});
