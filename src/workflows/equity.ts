import { continueAsNew, proxyActivities, setHandler, workflowInfo } from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import { positionClosedSignal } from './messages.ts';

/** Asked until it is answered: an exchange or a database that is away is no failure of the workflow. */
const asking = proxyActivities<Pick<Activities, 'takeEquitySnapshot'>>({
  startToCloseTimeout: 30_000,
  retry: { initialInterval: 1_000, maximumInterval: 30_000 },
});

/**
 * Keeps what the account is worth: once when the schedule asks, and after every close. Closes that come while the
 * exchange is being asked are covered by one more snapshot together.
 */
export async function equity(): Promise<void> {
  let closes = 0;
  let covered: number;
  setHandler(positionClosedSignal, () => {
    closes += 1;
  });
  do {
    covered = closes;
    await asking.takeEquitySnapshot({ cause: covered > 0 ? 'close' : 'interval' });
    if (workflowInfo().continueAsNewSuggested) await continueAsNew<typeof equity>();
  } while (closes > covered);
}
