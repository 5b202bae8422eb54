import { setTimeout as delay } from 'node:timers/promises';
import type { Leases } from '../leases.ts';
import type { Logger } from '../logging.ts';

const RETRY_MS = 1_000;

export interface KeepLeaseOptions {
  readonly workerId: string;
  readonly taskQueue: string;
  readonly leases: Pick<Leases, 'begin' | 'ended'>;
  /** True while others guard better than this worker could. */
  readonly standsBack: () => Promise<boolean>;
  readonly log: Logger;
}

/**
 * Keeps one lease after the other: one that was lost is followed by a new one with a new id. The next begins only when
 * Temporal says that the last is over; a question that fails says nothing of the kind.
 */
export function keepLease(options: KeepLeaseOptions): { stop: () => void } {
  const { workerId, taskQueue, leases, standsBack, log } = options;
  const stopping = new AbortController();
  const isStopping = () => stopping.signal.aborted;
  const untilDone = async (step: () => Promise<void>) => {
    while (!isStopping()) {
      try {
        await step();
        return;
      } catch (err) {
        if (!isStopping())
          log.warn({ event: 'lease-not-kept', err }, 'Temporal says nothing of the lease; asking again');
        await delay(RETRY_MS);
      }
    }
  };
  const waitForTurn = async () => {
    while (!isStopping() && (await standsBack())) await delay(RETRY_MS);
  };
  const run = async () => {
    for (let term = 1; !isStopping(); term += 1) {
      const leaseId = `${workerId}-${term}`;
      await untilDone(waitForTurn);
      await untilDone(() => leases.begin({ leaseId, taskQueue }));
      await untilDone(() => leases.ended(leaseId));
      await delay(RETRY_MS);
    }
  };
  void run();
  return { stop: () => stopping.abort() };
}
