import { describe, expect, test } from 'vitest';
import { ruleAt } from '../../src/dashboard/holding.ts';
import type { Prediction } from '../../src/domain/exit-policy.ts';
import { STARTING_THRESHOLDS } from '../../src/domain/thresholds.ts';
import { positionView, type PositionView } from '../../src/views/position-view.ts';
import { predictionView } from '../../src/views/prediction-view.ts';
import { OPENED_AT_MS, sampleOpen } from '../support/ledger-samples.ts';

const RULES = {
  policy: { version: 1, thresholds: STARTING_THRESHOLDS, timeScale: 1 },
  volatilityScale: 1,
  roundTripFee: 0.005,
};

const { managedPosition, livePosition } = sampleOpen('rule');

function at(mark: string): PositionView {
  const live = {
    ...livePosition,
    currentPrice: mark,
    bestPrice: null,
    markAgeMs: 0,
    stage: 'open',
    updatedAt: 0,
  };
  return positionView({ ...managedPosition, createdAt: 0, updatedAt: 0, live }, { nowMs: OPENED_AT_MS });
}

const MINUTE_MS = 60_000;

describe('the rule at the mark shown', () => {
  test.each([
    ['60100', MINUTE_MS, 'hold', 'min-hold'],
    ['60100', 3 * MINUTE_MS, 'hold', 'noise'],
    ['59000', 3 * MINUTE_MS, 'exit', 'loss-limit'],
    ['45000', MINUTE_MS, 'exit', 'emergency-loss'],
    ['60200', 3 * MINUTE_MS, 'hold', 'undecided'],
  ])('%s after %i ms: %s by %s', (mark, afterMs, action, rule) => {
    expect(ruleAt(at(mark), RULES, null, OPENED_AT_MS + afterMs)).toMatchObject({ action, rule });
  });

  test('a demand comes before every rule', () => {
    expect(ruleAt(at('60200'), { ...RULES, exitDemand: 'operator' }, null, OPENED_AT_MS)).toMatchObject({
      rule: 'forced',
    });
  });

  test('nothing is said of a position that is not open', () => {
    expect(ruleAt({ ...at('60200'), status: 'closed' }, RULES, null, 0)).toBeNull();
  });
});

describe('the prediction of a long position', () => {
  const NOW_MS = OPENED_AT_MS + 3 * MINUTE_MS;
  const said = (action: Prediction['action'], confidence: number, ageMs = 0): Prediction => ({
    ...{ action, confidence, source: 'momentum', asOfMs: NOW_MS - ageMs, ttlMs: MINUTE_MS },
  });

  test.each([
    ['BUY', 0.71, 0, 'holds', 0.7, 'ai-confidence'],
    ['HOLD', 0.71, 0, 'holds', 0.7, 'ai-confidence'],
    ['BUY', 0.7, 0, 'too-weak', 0.7, 'undecided'],
    ['SELL', 0.6, 0, 'too-weak', 0.6, 'undecided'],
    ['SELL', 0.61, 0, 'exits', 0.6, 'ai-reversal'],
    ['SELL', 0.99, MINUTE_MS, 'stale', 0.6, 'undecided'],
  ] as const)('%s %d, %d ms old: %s', (action, confidence, ageMs, effect, needsConfidence, rule) => {
    const prediction = said(action, confidence, ageMs);
    expect(predictionView('long', prediction, RULES.policy, NOW_MS)).toEqual({
      ...{ action, confidence, source: 'momentum', asOfMs: NOW_MS - ageMs },
      ...{ expiresAtMs: NOW_MS - ageMs + MINUTE_MS, effect, needsConfidence },
    });
    expect(ruleAt(at('60200'), RULES, prediction, NOW_MS)).toMatchObject({ rule });
  });
});
