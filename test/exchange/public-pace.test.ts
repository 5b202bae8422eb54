import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createPace, TooManyWaiting } from '../../src/exchange/kraken/public-pace.ts';

beforeEach(() => vi.useFakeTimers({ toFake: ['setTimeout', 'performance'] }));
afterEach(() => vi.useRealTimers());

it('lets a burst through, then one at a time, and refuses a long wait', async () => {
  const pace = createPace({ burst: 3, perSecond: 1 });
  const started: number[] = [];
  const calls = [1, 2, 3, 4, 5].map(async () => {
    await pace(10_000);
    started.push(Math.round(performance.now()));
  });
  const begin = Math.round(performance.now());
  await vi.advanceTimersByTimeAsync(10_000);
  await Promise.all(calls);
  expect(started.map((at) => at - begin)).toEqual([0, 0, 0, 1_000, 2_000]);

  const many = Array.from({ length: 6 }, () => pace(1_500));
  const outcomes = Promise.allSettled(many);
  await vi.advanceTimersByTimeAsync(10_000);
  const refused = (await outcomes).filter((each) => each.status === 'rejected');
  expect(refused).toHaveLength(2);
  expect(refused.every((each) => each.reason instanceof TooManyWaiting)).toBe(true);
});
