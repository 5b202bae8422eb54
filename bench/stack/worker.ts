import { loadConfig } from '../../src/config.ts';
import { exitWithParent, onStopSignal } from '../../src/embedded/parent-link.ts';
import { createLogger } from '../../src/logging.ts';
import { startWorker, type WorkerChanges } from '../../src/worker.ts';
import { pollingActivities, POLLING_WORKFLOWS } from '../exit/polling.ts';

/** How an exit is found and sent: ours, and the two ways it is measured against. */
export type Mechanism = 'guard' | 'signal' | 'poll';

const CHANGES: Readonly<Record<Mechanism, WorkerChanges>> = {
  guard: {},
  // As without a lease: the guard watches and tells, the trade sends by an ordinary activity.
  signal: { fire: () => Promise.resolve(null) },
  poll: { workflowsPath: POLLING_WORKFLOWS, activities: pollingActivities },
};

exitWithParent();
const log = createLogger('worker');
const mechanism = process.argv[2] as Mechanism;
const worker = await startWorker(loadConfig(), log, CHANGES[mechanism]);
onStopSignal(() => void worker.stop());
log.info({ event: 'ready', metricsUrl: worker.metricsUrl }, `worker ready: ${mechanism}`);
await worker.ended;
