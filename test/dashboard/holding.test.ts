import { describe, expect, test } from 'vitest';
import { holdingRule } from '../../src/dashboard/holding.ts';
import type { DashboardPosition } from '../../src/dashboard/positions.ts';
import { STARTING_THRESHOLDS } from '../../src/domain/thresholds.ts';
import { positionView } from '../../src/views/position-view.ts';
import type { TradeState } from '../../src/workflows/messages.ts';
import { OPENED_AT_MS, sampleOpen } from '../support/ledger-samples.ts';

/** Of the trade's state only what the rule looks at. */
const STATE = {
  plan: {
    policy: { version: 1, thresholds: STARTING_THRESHOLDS, timeScale: 1 },
    volatilityScale: 1,
    roundTripFee: 0.005,
    tickSize: '0.1',
  },
  position: {},
  demand: null,
} as unknown as TradeState;

const { managedPosition, livePosition } = sampleOpen('rule');

function at(mark: string): DashboardPosition {
  const live = {
    ...livePosition,
    currentPrice: mark,
    bestPrice: null,
    markAgeMs: 0,
    stage: 'open',
    updatedAt: 0,
  };
  const view = positionView(
    { ...managedPosition, createdAt: 0, updatedAt: 0, live },
    { nowMs: OPENED_AT_MS },
  );
  return { ...view, minHoldEndsAtMs: null };
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
    expect(holdingRule(STATE, at(mark), OPENED_AT_MS + afterMs)).toMatchObject({ action, rule });
  });

  test('a demand comes before every rule', () => {
    const demand = { rule: 'forced', reason: 'operator', atMs: 0 } as const;
    expect(holdingRule({ ...STATE, demand }, at('60200'), OPENED_AT_MS)).toMatchObject({ rule: 'forced' });
  });

  test('nothing is said of a trade that is not open', () => {
    expect(holdingRule(null, at('60200'), 0)).toBeNull();
    expect(holdingRule({ ...STATE, position: null }, at('60200'), 0)).toBeNull();
    expect(holdingRule(STATE, { ...at('60200'), status: 'closed' }, 0)).toBeNull();
    expect(holdingRule(STATE, null, 0)).toBeNull();
  });
});
