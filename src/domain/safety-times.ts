/** Times that several parts must agree on. */

/** How long the exchange may still accept a send; the deadline that travels with every order. */
export const SEND_WINDOW_MS = 10_000;

/** Between a deadline on our clock and trusting that it has passed on the exchange's too. */
export const CLOCK_MARGIN_MS = 1_000;

/**
 * How long Temporal waits for a worker that took a workflow task. A frozen worker swallows the tasks that its
 * open polls receive, and each costs a position this much of its watch.
 */
export const WORKFLOW_TASK_TIMEOUT_MS = 5_000;

/** How long Temporal waits for a guard's beat before it takes the lease for lost. */
export const LEASE_TIMEOUT_MS = 10_000;

/** Pauses between a trade's own looks at its guard; the last one repeats. Each look is six events of its history. */
export const GUARD_CHECK_AFTER_MS: readonly [number, ...number[]] = [60_000, 1_800_000, 43_200_000];

/** The pause before the next look, counted from 0. */
export function guardCheckAfterMs(check: number): number {
  return GUARD_CHECK_AFTER_MS[check] ?? GUARD_CHECK_AFTER_MS.at(-1) ?? Infinity;
}

/** Looks at the guard within so long a hold. */
export function guardChecksWithin(heldMs: number): number {
  let checks = 0;
  for (let atMs = guardCheckAfterMs(0); atMs <= heldMs; atMs += guardCheckAfterMs(checks)) checks += 1;
  return checks;
}

/** How long Temporal waits for a sign of life of an activity that waits for the exchange. */
export const WAITING_HEARTBEAT_TIMEOUT_MS = 10_000;

/** How often it gives one: one that a slow way delays must still be in time. */
export const WAITING_HEARTBEAT_MS = WAITING_HEARTBEAT_TIMEOUT_MS / 5;
