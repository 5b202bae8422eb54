import { Client } from '@temporalio/client';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { openDatabase } from '../../db/data-source.ts';
import { createRepositories } from '../../db/repositories/index.ts';
import { createAlertActivities } from '../../src/activities/alerts.ts';
import { withFailures } from '../../src/activities/failures.ts';
import { startAlertDesk } from '../../src/alerts/desk.ts';
import { alertDestinations } from '../../src/alerts/destinations.ts';
import { HoldfastClient, TASK_QUEUE } from '../../src/client.ts';
import { loadConfig } from '../../src/config.ts';
import type { Destination } from '../../src/domain/alerts.ts';
import { createLogger } from '../../src/logging.ts';
import { temporalEnvironment } from '../../src/temporal-connection.ts';

/** A worker that only tells people, as a process of its own: `node --import tsx alert-worker.ts BUNDLE`. */

const [codePath = ''] = process.argv.slice(2);
const config = loadConfig();
const log = createLogger('alert-worker');

Runtime.install({ logger: new DefaultLogger('ERROR') });
const { connectionOptions, namespace } = temporalEnvironment();
const connection = await NativeConnection.connect({ address: String(connectionOptions.address) });
const client = new HoldfastClient(new Client({ connection, namespace }));
const { alerts: store } = createRepositories(await openDatabase(config.DATABASE_URL ?? '', { poolSize: 2 }));
const destinations = alertDestinations(config);
const names = Object.keys(destinations) as Destination[];
const worker = await Worker.create({
  connection,
  namespace,
  taskQueue: TASK_QUEUE,
  workflowBundle: { codePath },
  // What a killed worker has cached is not waited for.
  stickyQueueScheduleToStartTimeout: 1_000,
  activities: withFailures(createAlertActivities({ alertDestinations: destinations, log })),
});
startAlertDesk({
  store,
  client,
  destinations: names,
  kinds: config.HOLDFAST_ALERT_KINDS,
  now: Date.now,
  log,
});
for (const destination of names) await client.ensureAlerts(destination);
await worker.run();
