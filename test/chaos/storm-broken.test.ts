import { expect, it } from 'vitest';
import { runShortStorm } from '../support/short-storm.ts';

/**
 * A storm that can't fail proves nothing. The build `no-look-up` errs only where an exit's answer was lost, which takes
 * a longer storm: `npm run chaos -- --broken no-look-up`.
 */
it('a storm catches a build that writes its intents too late', { timeout: 600_000 }, async () => {
  const { verdict, said } = await runShortStorm(4, '--broken', 'no-intent');
  expect(verdict.invariants.ordersWithoutRow, said).toBeGreaterThan(0);
});
