import { defineConfig } from 'vitest/config';

/** Minutes each, and wait-bound: a run of their own, `npm run test:long`. */
const LONG = [
  'test/chaos/protective-stop.test.ts',
  'test/chaos/protocol.test.ts',
  'test/chaos/storm-broken.test.ts',
  'test/chaos/unguarded.test.ts',
  'test/chaos/versioning.test.ts',
  'test/deploy/compose-stack.test.ts',
  'test/integration/backtest-parity.test.ts',
  'test/integration/benchmarks.test.ts',
  'test/integration/documented-commands.test.ts',
  'test/integration/feed-outage.test.ts',
  'test/integration/learning-burst.test.ts',
  'test/integration/open-storm.test.ts',
  'test/integration/persistence-faults.test.ts',
  'test/integration/protections-on-stack.test.ts',
  'test/integration/reconcile-exposure.test.ts',
  'test/integration/reconcile-flatten.test.ts',
  'test/integration/reconcile-loss.test.ts',
  'test/integration/reconcile-midway.test.ts',
  'test/integration/reconcile-rows.test.ts',
  'test/integration/reconcile-shortage.test.ts',
];

const onServers = {
  globalSetup: ['test/support/global-setup.ts'],
  testTimeout: 60_000,
  hookTimeout: 60_000,
};

export default defineConfig({
  test: {
    reporters: ['default', './test/support/plain-reporter.ts'],
    pool: 'forks',
    maxWorkers: 2,
    projects: [
      { extends: true, test: { name: 'domain', include: ['test/domain/**/*.test.ts'] } },
      {
        extends: true,
        test: {
          name: 'stack',
          include: ['test/**/*.test.ts'],
          exclude: ['test/domain/**', 'node_modules/**', ...LONG],
          ...onServers,
        },
      },
      { extends: true, test: { name: 'long', include: LONG, ...onServers } },
    ],
  },
});
