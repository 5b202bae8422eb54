import { expect, it } from 'vitest';
import { runShortStorm } from '../support/short-storm.ts';

/** A storm that can't fail proves nothing. */
it.each([
  ['no-look-up', 'intentsAcceptedTwice'],
  ['no-intent', 'ordersWithoutRow'],
] as const)('a storm catches the build %s', { timeout: 600_000 }, async (build, invariant) => {
  const { verdict, said } = await runShortStorm(4, '--broken', build);
  expect(verdict.invariants[invariant], said).toBeGreaterThan(0);
});
