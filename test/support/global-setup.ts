import type { TestProject } from 'vitest/node';
import { setUpPostgres } from './postgres.ts';
import { setUpTemporal } from './temporal.ts';

/** Real servers, started once for a whole test run; torn down in reverse order. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const starts = await Promise.allSettled([setUpPostgres(project), setUpTemporal(project)]);
  const teardowns = starts.flatMap((start) => (start.status === 'fulfilled' ? [start.value] : []));
  const teardown = async () => {
    for (const stop of teardowns.reverse()) await stop();
  };
  const failed = starts.find((start) => start.status === 'rejected');
  if (failed === undefined) return teardown;
  await teardown();
  throw failed.reason;
}
