import type { TestProject } from 'vitest/node';
import { setUpPostgres } from './postgres.ts';

/** Real servers, started once for a whole test run; torn down in reverse order. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const teardowns = [await setUpPostgres(project)];
  return async () => {
    for (const teardown of teardowns.reverse()) await teardown();
  };
}
