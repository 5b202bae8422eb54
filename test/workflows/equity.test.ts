import { fileURLToPath } from 'node:url';
import { ApplicationFailure } from '@temporalio/common';
import { NativeConnection, Worker } from '@temporalio/worker';
import { expect, it } from 'vitest';
import { createTestNamespace, uniqueName } from '../support/temporal-namespace.ts';

const WORKFLOWS = fileURLToPath(new URL('../../src/workflows/index.ts', import.meta.url));
const TIMES_AWAY = 8;

it(
  'takes its snapshot when the exchange is back, however often it was away',
  { timeout: 60_000 },
  async () => {
    const temporal = await createTestNamespace();
    const connection = await NativeConnection.connect({ address: temporal.address });
    const taskQueue = uniqueName('equity');
    let asked = 0;
    const worker = await Worker.create({
      connection,
      namespace: temporal.namespace,
      taskQueue,
      workflowsPath: WORKFLOWS,
      activities: {
        takeEquitySnapshot: async () => {
          asked += 1;
          if (asked <= TIMES_AWAY)
            throw ApplicationFailure.create({ message: 'away', nextRetryDelay: '10 milliseconds' });
        },
      },
    });
    await worker.runUntil(temporal.client.workflow.execute('equity', { taskQueue, workflowId: taskQueue }));
    expect(asked).toBe(TIMES_AWAY + 1);
    await connection.close();
    await temporal.close();
  },
);
