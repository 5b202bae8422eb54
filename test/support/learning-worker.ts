import { Client } from '@temporalio/client';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { pino } from 'pino';
import { openDatabase } from '../../db/data-source.ts';
import { createRepositories } from '../../db/repositories/index.ts';
import { createStepRunner } from '../../db/step-process/run.ts';
import { withFailures } from '../../src/activities/failures.ts';
import { createStudyActivities } from '../../src/activities/studies.ts';
import { HoldfastClient, TASK_QUEUE } from '../../src/client.ts';
import { NO_PROTECTIONS } from '../../src/domain/protections.ts';
import { NO_LIMITS } from '../../src/domain/risk.ts';
import { candlesUntil } from './learning-market.ts';

/** A worker that only learns, as a process of its own: `node --import tsx learning-worker.ts ADDRESS DATABASE BUNDLE`. */

const [address = '', databaseUrl = '', codePath = ''] = process.argv.slice(2);

Runtime.install({ logger: new DefaultLogger('ERROR') });
const connection = await NativeConnection.connect({ address });
const { learning, findings, signals } = createRepositories(await openDatabase(databaseUrl, { poolSize: 4 }));
const activities = createStudyActivities({
  exchange: {
    candles: async (symbol, intervalMs, count) => candlesUntil(Date.now(), symbol, intervalMs, count),
  },
  learning,
  findings,
  signals,
  runStep: createStepRunner(databaseUrl),
  client: new HoldfastClient(new Client({ connection })),
  limits: NO_LIMITS,
  protections: NO_PROTECTIONS,
  timeScale: 1,
  now: Date.now,
  log: pino({ level: 'error' }, pino.destination(2)),
});
const worker = await Worker.create({
  connection,
  taskQueue: TASK_QUEUE,
  workflowBundle: { codePath },
  activities: withFailures(activities),
});
await worker.run();
