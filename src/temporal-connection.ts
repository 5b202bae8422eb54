import { loadClientConnectConfig } from '@temporalio/envconfig';
import {
  Connection,
  Client,
  ScheduleAlreadyRunning,
  ScheduleOverlapPolicy,
  type ConnectionOptions,
} from '@temporalio/client';
import { TASK_QUEUE } from './client.ts';

/** Where Temporal is, by Temporal's own environment configuration (TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, TLS, …). */
export function temporalEnvironment(): { connectionOptions: ConnectionOptions; namespace: string } {
  const { connectionOptions, namespace } = loadClientConnectConfig();
  return { connectionOptions, namespace: namespace ?? 'default' };
}

/** A client of its own connection, for CLI and dashboard. */
export async function connectTemporal(): Promise<Client> {
  const { connectionOptions, namespace } = temporalEnvironment();
  const connection = await Connection.connect({ connectTimeout: '5s', ...connectionOptions });
  return new Client({ connection, namespace });
}

/** Creates the schedule of a workflow of ours, once; an existing one is left as its operator set it. */
export async function ensureSchedule(
  client: Client,
  workflowType: 'reconcile' | 'scan' | 'equity',
  everyMs: number,
  atOnce: boolean,
): Promise<void> {
  try {
    await client.schedule.create({
      scheduleId: workflowType,
      spec: { intervals: [{ every: everyMs }] },
      policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: '1 minute' },
      action: { type: 'startWorkflow', workflowType, taskQueue: TASK_QUEUE, args: [] },
    });
  } catch (error) {
    if (!(error instanceof ScheduleAlreadyRunning)) throw error;
  }
  if (atOnce) await client.schedule.getHandle(workflowType).trigger();
}
