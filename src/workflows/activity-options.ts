import { proxyActivities, type ActivityOptions, type RetryPolicy } from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import { SEND_WINDOW_MS } from '../domain/safety-times.ts';

const quickRetry: RetryPolicy = { initialInterval: 250, backoffCoefficient: 2, maximumInterval: 5_000 };
const patientRetry: RetryPolicy = { initialInterval: 500, backoffCoefficient: 2, maximumInterval: 15_000 };

/** A send is never retried by Temporal: after anything but a definite answer the order is looked up. */
export const sending = proxyActivities<Pick<Activities, 'sendOrder'>>({
  startToCloseTimeout: SEND_WINDOW_MS + 2_000,
  retry: { maximumAttempts: 1 },
});

/** Questions to the exchange: asked until they are answered. */
export const asking = proxyActivities<
  Pick<Activities, 'lookUpOrder' | 'readOrder' | 'cancelOrder' | 'witnessExposure' | 'guardHasEnded'>
>({ startToCloseTimeout: 10_000, retry: quickRetry });

/** What must reach the database sooner or later, however long it is away. */
export const recording = proxyActivities<
  Pick<Activities, 'recordClose' | 'releaseReservation' | 'handToLearning' | 'raiseFinding'>
>({ startToCloseTimeout: 10_000, retry: patientRetry });

/** Reserving is pointless once the entry signal is stale. */
export function reserving(budgetMs: number) {
  return proxyActivities<Pick<Activities, 'reserve'>>({
    startToCloseTimeout: 10_000,
    scheduleToCloseTimeout: Math.max(1_000, budgetMs),
    retry: quickRetry,
  });
}

/** The four records, within their budget. */
export function persisting(budgetMs: number) {
  return proxyActivities<Pick<Activities, 'persistPosition'>>({
    startToCloseTimeout: Math.min(10_000, budgetMs),
    scheduleToCloseTimeout: budgetMs,
    retry: quickRetry,
  });
}

const guardOptions: ActivityOptions = { startToCloseTimeout: 5_000, retry: { maximumAttempts: 1 } };
/** A worker that doesn't take an activity by then is not there. */
const GUARD_PATIENCE_MS = 5_000;

/** Without a queue any worker may answer, to be found as a guard; with one, that worker. */
export function guarding(taskQueue?: string) {
  return proxyActivities<Pick<Activities, 'findGuard' | 'armPosition' | 'exitThroughGuard'>>(
    taskQueue === undefined
      ? guardOptions
      : { ...guardOptions, taskQueue, scheduleToStartTimeout: GUARD_PATIENCE_MS },
  );
}
