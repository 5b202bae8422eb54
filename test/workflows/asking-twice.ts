import { sleep } from '@temporalio/workflow';
import { asking, askingOfGuards, sending } from '../../src/workflows/activity-options.ts';

/** Asks two questions side by side; each answer leads on to something else, one by a longer way. */
export async function askingTwice(): Promise<void> {
  const slow = asking.readOrder({ exchangeOrderId: 'O', purpose: 'exit' });
  const quick = askingOfGuards.guardHasEnded({ leaseId: 'lease' });
  await Promise.all([slow.then(() => sending('order').sendOrder({} as never)), quick.then(byALongerWay)]);
}

async function byALongerWay(): Promise<void> {
  for (let step = 0; step < 50; step += 1) await Promise.resolve();
  await sleep(1);
}
