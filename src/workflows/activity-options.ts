import {
  isCancellation,
  proxyActivities,
  proxyLocalActivities,
  TemporalFailure,
  type ActivityInterfaceFor,
  type ActivityOptions,
  type RetryPolicy,
} from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import { SEND_WINDOW_MS, WAITING_HEARTBEAT_TIMEOUT_MS } from '../domain/safety-times.ts';

const quickRetry: RetryPolicy = { initialInterval: 250, backoffCoefficient: 2, maximumInterval: 5_000 };
const patientRetry: RetryPolicy = { initialInterval: 500, backoffCoefficient: 2, maximumInterval: 15_000 };

/** Longer than the parts need when all is well; a workflow task lasts 5 s. */
const AT_ONCE_MS = 1_500;

type Activity = (...args: never[]) => Promise<unknown>;

/**
 * One at a time in a workflow: the answers of two that end within one workflow task come together when the history is
 * replayed, and what they lead to may come in another order than it did.
 */
let isAtOnce = false;

/**
 * Tried once here and now, within the workflow task: one event in the history instead of six, and no dispatch.
 * What can't be answered so, or while another is being tried, becomes an activity of its own, with its retries. The
 * first try leaves no trace when its worker dies, so this is only for what may be repeated: questions, and records
 * that are idempotent.
 */
function atOnce<A>(options: ActivityOptions): ActivityInterfaceFor<A> {
  const first = proxyLocalActivities<A>({
    startToCloseTimeout: AT_ONCE_MS,
    scheduleToCloseTimeout: AT_ONCE_MS,
    retry: { maximumAttempts: 1 },
  });
  const patient = proxyActivities<A>(options);
  return new Proxy(first, {
    get: (_first, name) => {
      const [tryOnce, untilDone] = [first, patient].map((each) => Reflect.get(each, name) as Activity);
      return async (...args: never[]): Promise<unknown> => {
        if (isAtOnce) return untilDone?.(...args);
        isAtOnce = true;
        try {
          return await tryOnce?.(...args);
        } catch (failure) {
          if (!(failure instanceof TemporalFailure) || isCancellation(failure)) throw failure;
        } finally {
          isAtOnce = false;
        }
        return untilDone?.(...args);
      };
    },
  });
}

/**
 * A send is never retried by Temporal: after anything but a definite answer the order is looked up. The summary, here
 * as below, is what the Temporal Web UI shows beside the event: never free text, the server takes 400 bytes.
 */
export function sending(summary: string) {
  return proxyActivities<Pick<Activities, 'sendOrder'>>({
    startToCloseTimeout: SEND_WINDOW_MS + 2_000,
    retry: { maximumAttempts: 1 },
    summary,
  });
}

/**
 * What changes an order that rests: repeated until it is answered. A task of its own, so that what demanded it, an
 * exit perhaps, is in the history before anything is done about it.
 */
export function changing(summary: string) {
  return proxyActivities<Pick<Activities, 'cancelOrder' | 'amendStop' | 'withdrawStop'>>({
    startToCloseTimeout: 10_000,
    retry: quickRetry,
    summary,
  });
}

/**
 * Questions to the exchange: asked until they are answered. One may wait for its turn in the call budget, and says so:
 * given up and asked again it would only wait anew, and its answer be lost.
 */
export const asking = atOnce<Pick<Activities, 'lookUpOrder' | 'readOrder' | 'witnessHolding'>>({
  startToCloseTimeout: 120_000,
  heartbeatTimeout: WAITING_HEARTBEAT_TIMEOUT_MS,
  retry: quickRetry,
});

/** Questions about guards: asked until they are answered. */
export const askingOfGuards = atOnce<Pick<Activities, 'guardHasEnded' | 'isUnderGuard'>>({
  startToCloseTimeout: 10_000,
  retry: quickRetry,
});

/** What must reach the database sooner or later, however long it is away. */
export const recording = atOnce<
  Pick<Activities, 'recordClose' | 'releaseReservation' | 'handToLearning' | 'raiseFinding'>
>({ startToCloseTimeout: 10_000, retry: patientRetry });

/** What the close will record as well: never worth a wait, so a task of its own from the first try. */
export const noting = proxyActivities<Pick<Activities, 'recordExits'>>({
  startToCloseTimeout: 10_000,
  retry: patientRetry,
});

/** Reserving is pointless once the entry signal is stale. */
export function reserving(budgetMs: number) {
  return atOnce<Pick<Activities, 'reserve'>>({
    startToCloseTimeout: 10_000,
    scheduleToCloseTimeout: Math.max(1_000, budgetMs),
    retry: quickRetry,
  });
}

/** The four records, within their budget. */
export function persisting(budgetMs: number, summary: string) {
  return proxyActivities<Pick<Activities, 'persistPosition'>>({
    startToCloseTimeout: Math.min(10_000, budgetMs),
    scheduleToCloseTimeout: budgetMs,
    retry: quickRetry,
    summary,
  });
}

const guardOptions: ActivityOptions = { startToCloseTimeout: 5_000, retry: { maximumAttempts: 1 } };
/** A worker that doesn't take an activity by then is not there. */
const GUARD_PATIENCE_MS = 5_000;

/** This worker if it has a lease, else any other that answers. */
export const findingGuard = atOnce<Pick<Activities, 'findGuard'>>(guardOptions);

/** On the queue of the guard, on which only its worker answers. */
export function guarding(taskQueue: string, summary: string) {
  return proxyActivities<Pick<Activities, 'armPosition' | 'exitThroughGuard' | 'suspendGuard'>>({
    ...guardOptions,
    taskQueue,
    scheduleToStartTimeout: GUARD_PATIENCE_MS,
    summary,
  });
}
