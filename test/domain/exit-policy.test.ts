import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  evaluateExit,
  EXIT_RULES,
  HOLD_RULES,
  isExitRule,
  type ExitPosition,
  type Policy,
  type Prediction,
} from '../../src/domain/exit-policy.ts';
import { STARTING_THRESHOLDS, type Thresholds } from '../../src/domain/thresholds.ts';
import { anyMarkNear, anyPolicy, anyPosition, anyPrediction } from './support/exit-arbitraries.ts';
import './support/fixed-seed.ts';

const OPENED_MS = 1_700_000_000_000;
const AFTER_MIN_HOLD_MS = OPENED_MS + 3 * 60_000;

function position(overrides: Partial<ExitPosition> = {}): ExitPosition {
  return {
    side: 'long',
    entryPrice: '100',
    openedAtMs: OPENED_MS,
    bestPrice: '100',
    volatilityScale: 1,
    roundTripFee: 0.005,
    tickSize: '0.01',
    ...overrides,
  };
}

function policy(thresholds: Partial<Thresholds> = {}, timeScale = 1): Policy {
  return { version: 1, thresholds: { ...STARTING_THRESHOLDS, ...thresholds }, timeScale };
}

function predicts(action: Prediction['action'], confidence: number, ttlMs = 60_000): Prediction {
  return { action, confidence, asOfMs: AFTER_MIN_HOLD_MS - 1000, ttlMs, source: 'test' };
}

function decide(
  mark: string,
  given: {
    position?: Partial<ExitPosition>;
    prediction?: Prediction | null;
    policy?: Policy;
    nowMs?: number;
  } = {},
): string {
  const answer = evaluateExit(
    position(given.position),
    mark,
    given.prediction ?? null,
    given.policy ?? policy(),
    given.nowMs ?? AFTER_MIN_HOLD_MS,
  );
  return `${answer.action} ${answer.rule}`;
}

describe('each rule', () => {
  it('0: a demand exits at any price', () => {
    expect(decide('100', { position: { exitDemand: 'operator' } })).toBe('exit forced');
  });

  it('1: exits at the emergency stop, exactly on it too', () => {
    expect(decide('80')).toBe('exit emergency-loss');
    expect(decide('80.01', { policy: policy({ minLossBeforeExit: -0.15 }) })).not.toBe('exit emergency-loss');
  });

  it('2: exits at the extraordinary profit, exactly on it too', () => {
    expect(decide('150')).toBe('exit extraordinary-profit');
    expect(decide('149.99')).toBe('exit take-profit');
  });

  it('3: exits on a fresh prediction against us, above the threshold only', () => {
    expect(decide('100', { prediction: predicts('SELL', 0.61) })).toBe('exit ai-reversal');
    expect(decide('100', { prediction: predicts('SELL', 0.6) })).toBe('hold undecided');
    expect(decide('100', { prediction: predicts('SELL', 0.99, 1000) })).toBe('hold undecided');
    expect(decide('100', { position: { side: 'short' }, prediction: predicts('BUY', 0.61) })).toBe(
      'exit ai-reversal',
    );
  });

  it('4: holds on a fresh prediction with us or HOLD, above the threshold only', () => {
    for (const action of ['HOLD', 'BUY'] as const) {
      expect(decide('90', { prediction: predicts(action, 0.71) })).toBe('hold ai-confidence');
      expect(decide('90', { prediction: predicts(action, 0.7) })).toBe('exit loss-limit');
      expect(decide('90', { prediction: predicts(action, 0.99, 1000) })).toBe('exit loss-limit');
    }
    expect(decide('110', { position: { side: 'short' }, prediction: predicts('SELL', 0.71) })).toBe(
      'hold ai-confidence',
    );
  });

  it('5: holds within the minimum hold, which ends on the millisecond and scales with time', () => {
    const endsMs = OPENED_MS + 2 * 60_000;
    expect(decide('90', { nowMs: endsMs - 1 })).toBe('hold min-hold');
    expect(decide('90', { nowMs: endsMs })).toBe('exit loss-limit');
    const fast = policy({}, 30);
    expect(decide('90', { policy: fast, nowMs: OPENED_MS + 3999 })).toBe('hold min-hold');
    expect(decide('90', { policy: fast, nowMs: OPENED_MS + 4000 })).toBe('exit loss-limit');
  });

  it('6 and 7: a small loss is noise, the limit scales with volatility', () => {
    expect(decide('99.51')).toBe('hold noise');
    expect(decide('99.5')).toBe('exit loss-limit');
    expect(decide('99.5', { position: { volatilityScale: 2 } })).toBe('hold noise');
    expect(decide('99', { position: { volatilityScale: 2 } })).toBe('exit loss-limit');
  });

  it('8: takes profit, scaled with volatility', () => {
    expect(decide('108')).toBe('exit take-profit');
    expect(decide('107.99')).toBe('hold undecided');
    expect(decide('104', { position: { volatilityScale: 0.5 } })).toBe('exit take-profit');
    expect(decide('92', { position: { side: 'short' } })).toBe('exit take-profit');
  });

  it('9: exits when enough of the best was given back, once fees were covered', () => {
    expect(decide('102', { position: { bestPrice: '104' } })).toBe('exit giveback');
    expect(decide('102.01', { position: { bestPrice: '104' } })).toBe('hold undecided');
    expect(decide('100.2', { position: { bestPrice: '100.49' } })).toBe('hold undecided');
    expect(decide('100.2', { position: { bestPrice: '100.5' } })).toBe('exit giveback');
    expect(decide('98', { position: { side: 'short', bestPrice: '96' } })).toBe('exit giveback');
    // Nothing left to give back: below the entry rule 6 and 7 decide.
    expect(decide('100', { position: { bestPrice: '104' } })).toBe('hold undecided');
    expect(decide('99.9', { position: { bestPrice: '104' } })).toBe('hold noise');
  });
});

describe('the order of the rules', () => {
  const sure = predicts('HOLD', 0.99);

  it('lets an emergency win against a 99% HOLD, in the minimum hold too', () => {
    const within = { prediction: { ...sure, asOfMs: OPENED_MS }, nowMs: OPENED_MS + 1 };
    expect(decide('80', within)).toBe('exit emergency-loss');
    expect(decide('150', within)).toBe('exit extraordinary-profit');
  });

  it('is demand, emergencies, reversal, respect, minimum hold, then the ordinary rules', () => {
    expect(decide('80', { position: { exitDemand: 'operator' } })).toBe('exit forced');
    expect(decide('80', { prediction: predicts('SELL', 0.99) })).toBe('exit emergency-loss');
    expect(
      decide('100', {
        prediction: { ...predicts('SELL', 0.99), asOfMs: OPENED_MS },
        nowMs: OPENED_MS + 1,
      }),
    ).toBe('exit ai-reversal');
    expect(decide('108', { prediction: sure })).toBe('hold ai-confidence');
    expect(decide('108', { nowMs: OPENED_MS + 1 })).toBe('hold min-hold');
    // Take profit before giveback: both match.
    expect(decide('108', { position: { bestPrice: '130' } })).toBe('exit take-profit');
  });
});

describe('over all inputs', () => {
  it('no prediction, time or learned policy vetoes an emergency', () => {
    fc.assert(
      fc.property(
        anyPosition.chain((held) => fc.tuple(fc.constant(held), anyMarkNear(held))),
        fc.option(anyPrediction),
        anyPolicy,
        fc.integer({ min: -600_000, max: 10_000_000 }),
        ([held, mark], prediction, rules, sinceOpenMs) => {
          const nowMs = held.openedAtMs + sinceOpenMs;
          const answer = evaluateExit(held, mark, prediction, rules, nowMs);
          const limits = rules.thresholds;
          const emergency =
            answer.returnFraction <= limits.emergencyLossStop ||
            answer.returnFraction >= limits.extraordinaryProfitCapture;
          if (emergency) expect(answer.action).toBe('exit');
          else expect(['emergency-loss', 'extraordinary-profit']).not.toContain(answer.rule);
        },
      ),
      { numRuns: 3000 },
    );
  });

  it('a stale prediction is no prediction', () => {
    fc.assert(
      fc.property(
        anyPosition.chain((held) => fc.tuple(fc.constant(held), anyMarkNear(held))),
        anyPrediction,
        anyPolicy,
        fc.integer({ min: 0, max: 1_000_000 }),
        ([held, mark], prediction, rules, age) => {
          const nowMs = prediction.asOfMs + prediction.ttlMs + age;
          expect(evaluateExit(held, mark, prediction, rules, nowMs)).toEqual(
            evaluateExit(held, mark, null, rules, nowMs),
          );
        },
      ),
    );
  });

  it('a long and the short mirrored at the entry price get the same answer', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: -9000, max: 9000 }),
        fc.integer({ min: 0, max: 9000 }),
        fc.option(anyPrediction),
        anyPolicy,
        (move, best, prediction, rules) => {
          const mirrored = prediction && {
            ...prediction,
            action: ({ BUY: 'SELL', SELL: 'BUY', HOLD: 'HOLD' } as const)[prediction.action],
          };
          const long = position({ entryPrice: '10000', bestPrice: String(10000 + best) });
          const short = position({ side: 'short', entryPrice: '10000', bestPrice: String(10000 - best) });
          expect(evaluateExit(short, String(10000 - move), mirrored, rules, AFTER_MIN_HOLD_MS)).toEqual(
            evaluateExit(long, String(10000 + move), prediction, rules, AFTER_MIN_HOLD_MS),
          );
        },
      ),
    );
  });
});

it('knows of every rule whether it exits', () => {
  expect(EXIT_RULES.every(isExitRule)).toBe(true);
  expect(HOLD_RULES.some(isExitRule)).toBe(false);
});

it('refuses a mark that is no price instead of holding on it', () => {
  for (const mark of ['NaN', '0', '-5', '', 'Infinity', 'abc']) {
    expect(() => decide(mark), mark).toThrow(`mark is ${mark}, it must be a price above 0`);
  }
});
