import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import { inject } from 'vitest';
import { ensureSearchAttributes } from '../../src/embedded/search-attributes.ts';

export interface TestNamespace {
  readonly address: string;
  readonly namespace: string;
  /** On the namespace; share its `connection` freely. */
  readonly client: Client;
  close(): Promise<void>;
}

const USABLE_WITHIN_MS = 30_000;

/** A name for a task queue (or an id) that no other test has. */
export function uniqueName(prefix: string): string {
  return `${prefix}-${randomUUID().slice(0, 8)}`;
}

/** A fresh namespace on the run's server with the project's search attributes, ready for use. */
export async function createTestNamespace(): Promise<TestNamespace> {
  const address = inject('temporalAddress');
  const namespace = uniqueName('test');
  const connection = await Connection.connect({ address });
  await connection.workflowService.registerNamespace({
    namespace,
    workflowExecutionRetentionPeriod: { seconds: (24 * 3_600) as never },
  });
  const client = new Client({ connection, namespace });
  // The server's parts learn of a new namespace one after the other.
  await untilItWorks(() => ensureSearchAttributes(connection, namespace));
  await untilItWorks(() => client.workflow.count('HoldfastStage = "open"'));
  return { address, namespace, client, close: () => connection.close() };
}

async function untilItWorks(attempt: () => Promise<unknown>): Promise<void> {
  const until = Date.now() + USABLE_WITHIN_MS;
  for (;;) {
    try {
      await attempt();
      return;
    } catch (error) {
      if (Date.now() >= until) throw error;
      await delay(100);
    }
  }
}
