import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { evaluateExit } from '../../src/domain/exit-policy.ts';
import { add, floorToTick, subtract } from '../../src/domain/money.ts';
import { stopTrigger } from '../../src/domain/protective-stop.ts';
import { anyPolicy, anyPosition, anyPrediction } from './support/exit-arbitraries.ts';
import './support/fixed-seed.ts';

describe('the trigger of a protective stop', () => {
  it.each([
    ['long', '10000.1', '8000'],
    ['long', '10000', '8000'],
    ['short', '10000.1', '12000.2'],
    ['short', '10000', '12000'],
  ] as const)('of a %s entered at %s is %s', (side, entryPrice, trigger) => {
    const policy = { version: 1, timeScale: 1, thresholds: { emergencyLossStop: -0.2 } };
    expect(stopTrigger({ side, entryPrice, tickSize: '0.1' }, policy as never)).toBe(trigger);
  });

  it('is the first price at which the emergency exits, whatever the position and whatever is predicted', () => {
    fc.assert(
      fc.property(anyPosition, anyPolicy, anyPrediction, (position, policy, prediction) => {
        const { side, tickSize } = position;
        const nowMs = prediction.asOfMs;
        const asked = { ...position, bestPrice: position.entryPrice };
        const ruleAt = (price: string) => evaluateExit(asked, price, prediction, policy, nowMs).rule;
        const trigger = stopTrigger(position, policy);
        expect(floorToTick(trigger, tickSize)).toBe(trigger);
        expect(ruleAt(trigger)).toBe('emergency-loss');
        const before = side === 'long' ? add(trigger, tickSize) : subtract(trigger, tickSize);
        expect(ruleAt(before)).not.toBe('emergency-loss');
      }),
    );
  });
});
