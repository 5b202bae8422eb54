import { expect, it } from 'vitest';
import { runShortStorm } from '../support/short-storm.ts';

/** `npm run chaos -- --short`: real processes are killed, frozen and cut off while they trade. */
it('loses nothing in a storm', { timeout: 600_000 }, async () => {
  const { verdict, said } = await runShortStorm(4);
  expect(
    Object.entries(verdict.invariants).filter(([, number]) => number !== 0),
    said,
  ).toEqual([]);
  expect(Object.keys(verdict.invariants)).toHaveLength(11);
  for (const kind of ['kill-at-step', 'temporal-kill', 'postgres-kill', 'exchange-kill', 'cut-exchange'])
    expect(verdict.faults[kind], said).toBeGreaterThanOrEqual(1);
  expect(verdict.orders, said).toBeGreaterThanOrEqual(4);
});
