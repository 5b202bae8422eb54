import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { freePort } from './port-base.ts';
import { pino } from 'pino';
import type {} from 'vitest';
import type { TestProject } from 'vitest/node';
import { resolveTemporalCli } from '../../src/embedded/temporal-cli.ts';
import { PUNCTUAL_TIMERS, startTemporal } from '../../src/embedded/temporal.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Of the run's Temporal server; see temporal-namespace.ts for a namespace of your own. */
    temporalAddress: string;
    /** Path of the Temporal CLI, for tests that start (and kill) a server of their own. */
    temporalCli: string;
  }
}

/** One dev server for the whole run, with punctual timers and the project's search attributes on `default`. */
export async function setUpTemporal(project: TestProject): Promise<() => Promise<void>> {
  const log = pino({ level: 'silent' });
  const cli = await resolveTemporalCli({ log, onProgress: (line) => console.log(line) });
  const directory = await mkdtemp(path.join(tmpdir(), 'holdfast-test-temporal-'));
  const server = await startTemporal({
    cli: cli.path,
    dataDir: directory,
    port: await freePort(),
    uiPort: null,
    log,
    dynamicConfig: [PUNCTUAL_TIMERS],
  });
  project.provide('temporalAddress', server.address);
  project.provide('temporalCli', cli.path);
  return async () => {
    // Nothing of a test run is worth the seconds of an orderly stop.
    await server.kill();
    await rm(directory, { recursive: true, force: true });
  };
}
