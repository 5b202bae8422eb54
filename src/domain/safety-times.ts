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
