import { setTimeout as delay } from 'node:timers/promises';
import type { Leases } from '../leases.ts';
import type { Logger } from '../logging.ts';

const RETRY_MS = 1_000;

export interface KeepLeaseOptions {
  readonly workerId: string;
  readonly taskQueue: string;
  readonly leases: Pick<Leases, 'run'>;
  /** True while others guard better than this worker could. */
  readonly standsBack: () => Promise<boolean>;
  readonly log: Logger;
}

/** Runs one lease after the other: one that was lost is followed by a new one with a new id. */
export function keepLease(options: KeepLeaseOptions): { stop: () => void } {
  const { workerId, taskQueue, leases, standsBack, log } = options;
  const stopping = new AbortController();
  const isStopping = () => stopping.signal.aborted;
  const run = async () => {
    for (let term = 1; !isStopping(); term += 1) {
      try {
        while (!isStopping() && (await standsBack())) await delay(RETRY_MS);
        if (!isStopping()) await leases.run({ leaseId: `${workerId}-${term}`, taskQueue });
      } catch (err) {
        if (!isStopping()) log.warn({ event: 'lease-not-kept', err }, 'no lease; trying again');
      }
      await delay(RETRY_MS);
    }
  };
  void run();
  return { stop: () => stopping.abort() };
}
