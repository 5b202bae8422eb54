import {
  WorkflowExecutionAlreadyStartedError,
  WorkflowFailedError,
  WorkflowNotFoundError,
  type Client,
} from '@temporalio/client';
import { defaultPayloadConverter, fromPayloadsAtIndex, toPayloads } from '@temporalio/common';
import { TASK_QUEUE } from './client.ts';
import { WORKFLOW_TASK_TIMEOUT_MS } from './domain/safety-times.ts';
import type { GuardRef } from './workflows/messages.ts';

const BEAT_DEADLINE_MS = 2_000;
/** One whose newest beat is so much older than the newest of all may be dead. */
const BEATS_APART_MS = 5_000;

/** What a guard says with every beat. */
export interface GuardReport extends GuardRef {
  /** Whether it has heard of the exchange lately: marks, or any answer. */
  readonly seesExchange: boolean;
  /** Of its worker; null where workers are not versioned. */
  readonly buildId: string | null;
}

function guardWorkflowId(leaseId: string): string {
  return `guard-${leaseId}`;
}

/** The queue on which only this worker listens. */
export function guardTaskQueue(workerId: string): string {
  return `${TASK_QUEUE}-guard-${workerId}`;
}

/** The workers' rights to sell from memory, as Temporal keeps them. */
export class Leases {
  readonly #client: Client;

  constructor(client: Client) {
    this.#client = client;
  }

  /** Begins a lease, unless it has begun before. */
  async begin(lease: GuardRef): Promise<void> {
    try {
      await this.#client.workflow.start('guard', {
        taskQueue: TASK_QUEUE,
        workflowId: guardWorkflowId(lease.leaseId),
        workflowIdReusePolicy: 'REJECT_DUPLICATE',
        args: [lease],
        workflowTaskTimeout: WORKFLOW_TASK_TIMEOUT_MS,
        staticSummary: `lease ${lease.leaseId}`,
      });
    } catch (error) {
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    }
  }

  /** Resolves when it has ended, however that came; rejects when Temporal can't say. */
  async ended(leaseId: string): Promise<void> {
    try {
      await this.#client.workflow.getHandle(guardWorkflowId(leaseId)).result();
    } catch (error) {
      if (!(error instanceof WorkflowFailedError || error instanceof WorkflowNotFoundError)) throw error;
    }
  }

  /** One beat of the lease's activity; resolves only when Temporal has acknowledged it. */
  async beat(taskToken: Uint8Array, report: GuardReport): Promise<void> {
    const { namespace } = this.#client.options;
    const payloads = toPayloads(defaultPayloadConverter, report) ?? [];
    await this.#client.withDeadline(Date.now() + BEAT_DEADLINE_MS, () =>
      this.#client.workflowService.recordActivityTaskHeartbeat({
        namespace,
        taskToken,
        details: { payloads },
      }),
    );
  }

  async hasEnded(leaseId: string): Promise<boolean> {
    try {
      const { status } = await this.#client.workflow.getHandle(guardWorkflowId(leaseId)).describe();
      return status.name !== 'RUNNING';
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return true;
      throw error;
    }
  }

  /** Guards that beat, by their own last word; the one that beat last comes first. */
  async beating(): Promise<GuardReport[]> {
    const heard: { report: GuardReport; atMs: number }[] = [];
    const running = this.#client.workflow.list({
      query: `WorkflowType = 'guard' AND ExecutionStatus = 'Running'`,
    });
    for await (const { workflowId, runId } of running) {
      const { raw } = await this.#client.workflow.getHandle(workflowId, runId).describe();
      for (const { heartbeatDetails, lastHeartbeatTime } of raw.pendingActivities ?? []) {
        const report = fromPayloadsAtIndex<GuardReport | undefined>(
          defaultPayloadConverter,
          0,
          heartbeatDetails?.payloads,
        );
        if (!report || !lastHeartbeatTime) continue;
        const { seconds, nanos } = lastHeartbeatTime;
        heard.push({ report, atMs: Number(seconds ?? 0) * 1_000 + (nanos ?? 0) / 1e6 });
      }
    }
    heard.sort((one, other) => other.atMs - one.atMs);
    const newestMs = heard[0]?.atMs ?? 0;
    return heard.filter(({ atMs }) => newestMs - atMs <= BEATS_APART_MS).map(({ report }) => report);
  }
}
