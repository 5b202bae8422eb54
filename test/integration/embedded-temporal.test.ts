import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Client, Connection, WorkflowExecutionAlreadyStartedError } from '@temporalio/client';
import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import { freePort } from '../support/port-base.ts';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { startTemporal, type EmbeddedTemporal } from '../../src/embedded/temporal.ts';
import { createTestNamespace, uniqueName } from '../support/temporal-namespace.ts';

const SYMBOL = defineSearchAttributeKey('HoldfastSymbol', SearchAttributeType.KEYWORD);
const STAGE = defineSearchAttributeKey('HoldfastStage', SearchAttributeType.KEYWORD);
const RETURN = defineSearchAttributeKey('HoldfastReturn', SearchAttributeType.DOUBLE);
const log = pino({ level: 'silent' });

describe('embedded Temporal', () => {
  let dataDir: string;
  let port: number;
  let server: EmbeddedTemporal | undefined;

  beforeEach(async () => {
    dataDir = await mkdtemp(path.join(tmpdir(), 'holdfast-embedded-temporal-'));
    port = await freePort();
  });

  afterEach(async () => {
    await server?.kill();
    server = undefined;
    await rm(dataDir, { recursive: true, force: true });
  });

  const start = async () => startTemporal({ cli: inject('temporalCli'), dataDir, port, uiPort: null, log });

  it('keeps what it acknowledged through kill -9, search attributes included', async () => {
    server = await start();
    const before = await Connection.connect({ address: server.address });
    const client = new Client({ connection: before });
    await client.workflow.start('trade', {
      workflowId: 'trade-kept',
      taskQueue: 'nobody',
      typedSearchAttributes: [
        { key: SYMBOL, value: 'BTC/USD' },
        { key: RETURN, value: 0.5 },
      ],
    });
    await before.close();
    await server.kill();

    server = await start();
    const after = await Connection.connect({ address: server.address });
    const again = new Client({ connection: after });
    await expect(
      again.workflow.start('trade', { workflowId: 'trade-kept', taskQueue: 'nobody' }),
    ).rejects.toThrow(WorkflowExecutionAlreadyStartedError);
    await expect
      .poll(
        async () => (await again.workflow.count('HoldfastSymbol = "BTC/USD" AND HoldfastReturn = 0.5')).count,
        { timeout: 20_000 },
      )
      .toBe(1);
    await after.close();
  });

  it('has ended when stop() returns', async () => {
    server = await start();
    await server.stop();
    expect(() => process.kill(server!.pid, 0)).toThrow('ESRCH');
  });

  it('does not mistake another server on its port for its own', async () => {
    server = await start();
    await expect(start()).rejects.toThrow(`port ${port} for Temporal is taken`);
  });

  it('repeats what the server said when it does not come up', async () => {
    await writeFile(
      path.join(dataDir, 'temporal.db'),
      'this is no database, and long enough to be seen as none',
    );
    await expect(start()).rejects.toThrow(
      new RegExp(`did not start on port ${port}: it ended with 1: .*not a database`),
    );
  });
});

describe('a test namespace', () => {
  it('finds workflows by the search attributes of a trade and sees no others', async () => {
    const [one, other] = await Promise.all([createTestNamespace(), createTestNamespace()]);
    await one.client.workflow.start('trade', {
      workflowId: uniqueName('trade'),
      taskQueue: 'nobody',
      typedSearchAttributes: [{ key: STAGE, value: 'open' }],
    });
    await expect
      .poll(async () => (await one.client.workflow.count('HoldfastStage = "open"')).count, {
        timeout: 20_000,
      })
      .toBe(1);
    expect((await other.client.workflow.count('HoldfastStage = "open"')).count).toBe(0);
    await Promise.all([one.close(), other.close()]);
  });
});
