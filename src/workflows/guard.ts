import { ActivityFailure, proxyActivities, workflowInfo, continueAsNew } from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';

export interface GuardInput {
  readonly workerId: string;
  /** The queue on which only that worker listens. */
  readonly taskQueue: string;
}

/** Time-out of the lease's heartbeat: how long a dead worker may go unnoticed. */
export const LEASE_TIMEOUT_MS = 10_000;

const announcing = proxyActivities<Pick<Activities, 'announceGuardLost'>>({
  startToCloseTimeout: 30_000,
  retry: { initialInterval: 500, maximumInterval: 5_000 },
});

/**
 * The lease of one worker over the positions it guards: one heartbeating activity on its own queue.
 * When it ends, however it ends, every trade it guarded is told to arm elsewhere.
 */
export async function guard(input: GuardInput): Promise<void> {
  const holding = proxyActivities<Pick<Activities, 'holdLease'>>({
    taskQueue: input.taskQueue,
    startToCloseTimeout: '24 hours',
    scheduleToStartTimeout: LEASE_TIMEOUT_MS,
    heartbeatTimeout: LEASE_TIMEOUT_MS,
    retry: { maximumAttempts: 1 },
  });
  try {
    const ended = await holding.holdLease({ workerId: input.workerId });
    if (ended === 'renew') return await continueAsNew<typeof guard>(input);
  } catch (failure) {
    if (!(failure instanceof ActivityFailure)) throw failure;
  }
  await announcing.announceGuardLost({
    workerId: input.workerId,
    startedAtMs: workflowInfo().startTime.getTime(),
  });
}
