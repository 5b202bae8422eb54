import { afterAll, beforeAll, test } from 'vitest';
import { survivesBurst } from '../support/learning-burst.ts';
import { LearningStack } from '../support/learning-stack.ts';

const OUTCOMES = 1000;
const HOUR_MS = 3_600_000;

let stack: LearningStack;
beforeAll(async () => {
  stack = await LearningStack.start();
}, 240_000);
afterAll(() => stack.stop(), 60_000);

test('1,000 outcomes signalled while it is down, and a kill during a step, lose and repeat nothing', async () => {
  await survivesBurst(stack, OUTCOMES, Date.now() - 8 * HOUR_MS);
}, 600_000);
