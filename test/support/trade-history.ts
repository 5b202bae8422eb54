import type { Client } from '@temporalio/client';

/** How often each kind of event stands in the history of a workflow. */
export interface EventCounts {
  readonly all: number;
  readonly timersFired: number;
  /** Local activities that had to be done again as activities of their own. */
  readonly repeated: number;
  /** Nothing is under way: the last thing it did was to wait for a time. */
  readonly isWaiting: boolean;
}

const ONLY_AS_ACTIVITIES = ['sendOrder', 'armPosition', 'persistPosition', 'exitThroughGuard'];

export async function countEvents(temporal: Client, workflowId: string): Promise<EventCounts> {
  const { events } = await temporal.workflow.getHandle(workflowId).fetchHistory();
  const all = events ?? [];
  const scheduled = all.flatMap(
    (event) => event.activityTaskScheduledEventAttributes?.activityType?.name ?? [],
  );
  return {
    all: all.length,
    timersFired: all.filter((event) => event.timerFiredEventAttributes).length,
    isWaiting: Boolean(all.at(-1)?.timerStartedEventAttributes),
    repeated: scheduled.filter((name) => !ONLY_AS_ACTIVITIES.includes(name)).length,
  };
}
