import { ActivityFailure, continueAsNew, proxyActivities } from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import { LEASE_TIMEOUT_MS } from '../domain/safety-times.ts';
import type { GuardRef } from './messages.ts';

const announcing = proxyActivities<Pick<Activities, 'announceGuardLost'>>({
  startToCloseTimeout: 60_000,
  heartbeatTimeout: 4_000,
  retry: { initialInterval: 500, maximumInterval: 5_000 },
});

/**
 * The lease of one worker over the positions it guards: one heartbeating activity on its own queue.
 * When it ends, however it ends, every trade it guarded is told to arm elsewhere.
 */
export async function guard(lease: GuardRef): Promise<void> {
  const holding = proxyActivities<Pick<Activities, 'holdLease'>>({
    taskQueue: lease.taskQueue,
    startToCloseTimeout: '24 hours',
    scheduleToStartTimeout: LEASE_TIMEOUT_MS,
    heartbeatTimeout: LEASE_TIMEOUT_MS,
    retry: { maximumAttempts: 1 },
  });
  const { leaseId } = lease;
  let soldPositions: readonly string[] | null = null;
  try {
    const ended = await holding.holdLease({ leaseId });
    if (ended === 'renew') return await continueAsNew<typeof guard>(lease);
    ({ soldPositions } = ended);
  } catch (failure) {
    if (!(failure instanceof ActivityFailure)) throw failure;
  }
  // Temporal notices a lost lease only after it has run out; one given back might have lasted on.
  const lastDeadlineMs = Date.now() + (soldPositions === null ? 0 : LEASE_TIMEOUT_MS);
  await announcing.announceGuardLost({ leaseId, lastDeadlineMs, soldPositions });
}
