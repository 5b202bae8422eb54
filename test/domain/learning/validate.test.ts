import { expect, it } from 'vitest';
import type { Outcome, Study } from '../../../src/domain/learning/study.ts';
import { validateStudies, validateStudy } from '../../../src/domain/learning/validate.ts';
import { ramp, signalAlong, studyOf } from '../support/studies.ts';

const good = studyOf(signalAlong(0, ramp(0, 0.08, 10)));
const outcome = good.outcome!;

function withOutcome(changes: Partial<Outcome>): Study {
  return { ...good, outcome: { ...outcome, ...changes } };
}

it('lets an honest trade and an honest skipped signal pass', () => {
  expect(validateStudy(good, [1])).toEqual([]);
  expect(validateStudy({ ...good, outcome: null }, [1])).toEqual([]);
});

it.each<[string, Study, RegExp]>([
  ['a confidence that is no number', { ...good, confidence: NaN }, /^confidence is NaN, allowed is 0..1$/],
  ['P&L that is no number', withOutcome({ netPnl: 'NaN' }), /^netPnl is NaN, it must be a decimal$/],
  ['absurd P&L', withOutcome({ netPnl: '1000000' }), /^netPnl is 1000000, prices, quantity and fees make /],
  [
    'a return that the prices deny',
    withOutcome({ returnFraction: 5 }),
    /^returnFraction is 5, the prices make 0.08$/,
  ],
  ['an exit before the entry', withOutcome({ exitTimeMs: 1 }), /^exitTimeMs is 1, allowed is /],
  ['a negative price', withOutcome({ exitPrice: '-1' }), /^exitPrice is -1, it must be above 0$/],
  [
    'an unknown version',
    { ...withOutcome({ thresholdsVersion: 9 }), thresholdsVersion: 9 },
    /^thresholdsVersion 9 never existed$/,
  ],
  ['another position', withOutcome({ positionId: 'other' }), /^id study-0 is not position other$/],
  ['an empty path', { ...good, path: [] }, /^path: no price after the entry$/],
  [
    'a gap',
    { ...good, path: good.path.filter((_, index) => index !== 5) },
    /^path: gap from \d+ to \d+, at most 60000 ms is allowed$/,
  ],
  [
    'a path that ends too early',
    { ...good, path: good.path.slice(0, 15) },
    /^path: ends at \d+, the horizon at \d+$/,
  ],
  [
    'a jump',
    { ...good, path: good.path.map((point, index) => (index === 9 ? { ...point, price: '5000' } : point)) },
    /^path: price jumps from /,
  ],
  [
    'a price that is none',
    { ...good, path: good.path.map((point) => ({ ...point, price: 'NaN' })) },
    /^path: price is NaN, it must be above 0$/,
  ],
  [
    'time going back',
    { ...good, path: [...good.path.slice(0, 6), ...good.path.slice(3)] },
    /^path: time \d+ is out of order$/,
  ],
  [
    'a poisoned rival',
    { ...good, rivals: [{ ...good, baseFraction: Infinity }] },
    /^rival study-0: baseFraction is Infinity/,
  ],
])('refuses %s, saying why', (_what, study, reason) => {
  const reasons = validateStudy(study, [1]);
  expect(reasons).toContainEqual(expect.stringMatching(reason));
});

it('counts a study once', () => {
  const { valid, refused } = validateStudies([good, { ...good, confidence: 0.1 }], null);
  expect(valid).toEqual([good]);
  expect(refused).toEqual([{ id: 'study-0', reasons: ['study-0 was studied before'] }]);
});
