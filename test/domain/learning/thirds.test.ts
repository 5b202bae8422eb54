import { expect, it } from 'vitest';
import { learningStep, NO_VELOCITY, stateAfter } from '../../../src/domain/learning/step.ts';
import { judgingThird, splitBy } from '../../../src/domain/learning/thirds.ts';
import { STARTING_THRESHOLDS } from '../../../src/domain/thresholds.ts';
import { signalAlong, studyOf } from '../support/studies.ts';

const START = { version: 1, thresholds: STARTING_THRESHOLDS, velocity: NO_VELOCITY };

it('each third is kept unseen in turn, the newest first', () => {
  const studies = Array.from({ length: 8 }, (_, index) => index);
  expect([0, 1, 2, 3].map(judgingThird)).toEqual(['newest', 'middle', 'oldest', 'newest']);
  expect(splitBy('newest', studies)).toEqual({ seen: [0, 1, 2, 3, 4, 5], unseen: [6, 7], newest: [6, 7] });
  expect(splitBy('middle', studies)).toEqual({ seen: [0, 1, 2, 3, 6, 7], unseen: [4, 5], newest: [6, 7] });
  expect(splitBy('oldest', studies)).toEqual({ seen: [0, 1, 4, 5, 6, 7], unseen: [2, 3], newest: [6, 7] });
  expect(splitBy('oldest', [1, 2])).toEqual({ seen: [1, 2], unseen: [], newest: [] });
});

it('whichever third judges, nothing is adopted that does worse on the newest', () => {
  // Size is all that matters: large is right on the older two thirds, and wrong on the newest.
  const studies = Array.from({ length: 30 }, (_, index) =>
    studyOf(signalAlong(index, [index < 20 ? 0.02 : -0.004])),
  );
  const steps = [0, 1, 2].map((refusals) => learningStep(studies, { ...START, refusals }, 1));
  expect(steps.map(({ accepted }) => accepted)).toEqual([false, false, false]);
  expect(steps.map(({ unseenThird }) => unseenThird)).toEqual(['newest', 'middle', 'oldest']);
  expect(steps.map(({ why }) => why.replace(/: .*/, ''))).toEqual([
    'worse on unseen trades',
    'worse on the newest trades',
    'worse on the newest trades',
  ]);
});

it('a refusal changes nothing but who judges next; what is adopted is judged by the newest again', () => {
  const [refused, accepted] = [-0.004, 0.02].map((newest) =>
    learningStep(
      Array.from({ length: 30 }, (_, index) => studyOf(signalAlong(index, [index < 20 ? 0.02 : newest]))),
      START,
      1,
    ),
  );
  const after = stateAfter(START, refused!);
  expect(after).toEqual({ ...START, refusals: 1 });
  expect(stateAfter(after, refused!)).toEqual({ ...START, refusals: 2 });
  expect(accepted).toMatchObject({ accepted: true });
  expect(stateAfter(after, accepted!)).toEqual({
    version: 2,
    thresholds: accepted!.proposed,
    velocity: accepted!.velocity,
    refusals: 0,
  });
});
