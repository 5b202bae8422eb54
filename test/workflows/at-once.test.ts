import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { NativeConnection, Worker } from '@temporalio/worker';
import { expect, it } from 'vitest';
import { createTestNamespace, uniqueName } from '../support/temporal-namespace.ts';

const workflowsPath = fileURLToPath(new URL('./asking-twice.ts', import.meta.url));

/** A worker that dies leaves its trades to others, which replay them. */
it('replays questions that were asked side by side', { timeout: 60_000 }, async () => {
  const temporal = await createTestNamespace();
  const connection = await NativeConnection.connect({ address: temporal.address });
  const [taskQueue, workflowId] = [uniqueName('asking'), uniqueName('asking')];
  const worker = await Worker.create({
    connection,
    namespace: temporal.namespace,
    taskQueue,
    workflowsPath,
    activities: {
      // Long enough for the workflow to go on with one answer before the other is there.
      readOrder: async () => delay(300),
      guardHasEnded: async () => delay(30),
      sendOrder: async () => null,
    },
  });
  const run = temporal.client.workflow.execute('askingTwice', { taskQueue, workflowId });
  await worker.runUntil(run);
  const history = await temporal.client.workflow.getHandle(workflowId).fetchHistory();
  await expect(Worker.runReplayHistory({ workflowsPath }, history, workflowId)).resolves.toBeUndefined();
  await connection.close();
  await temporal.close();
});
