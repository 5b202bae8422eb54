import type { WorkflowFailedError, WorkflowHandle } from '@temporalio/client';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { proxyDatabase, type DatabaseProxy } from '../support/database-proxy.ts';
import { closedRows, OPEN_ROWS, PersistingStack } from '../support/persisting-stack.ts';
import { openTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts';

/** How the persisting statement is called on the wire, the first time and every other. */
const OPENING = 'open-position';
const SLOW_MS = 30_000;
const LASTING = { timeout: 240_000 };

/** What a database can do to a trade while it is up: whole trades, by the activities' own time-outs and retries. */
describe('a position whose database is up', LASTING, () => {
  let stack: PersistingStack;
  let link: TcpProxy;
  let statements: DatabaseProxy;

  beforeAll(async () => {
    stack = await PersistingStack.start({}, async (databaseUrl) => {
      const url = new URL(databaseUrl);
      link = await openTcpProxy(url.host);
      url.port = String(link.port);
      statements = await proxyDatabase(url.href);
      return statements.url;
    });
  }, 180_000);
  afterAll(async () => {
    await stack.stop();
    await statements.close();
    await link.close();
  }, 60_000);
  beforeEach(() => stack.paper.price('BTC/USD', '10000.0', '10000.1'));
  afterEach(async () => {
    link.delay(0);
    await setReadOnly(false);
  });

  const setReadOnly = async (isReadOnly: boolean) => {
    const value = isReadOnly ? 'on' : 'off';
    await stack.sql(`ALTER SYSTEM SET default_transaction_read_only = ${value}`);
    await stack.sql('SELECT pg_reload_conf()');
    await expect
      .poll(() => stack.sql('SHOW default_transaction_read_only'))
      .toEqual([{ default_transaction_read_only: value }]);
  };
  const confirmed = (handle: WorkflowHandle) =>
    expect
      .poll(() => stack.state(handle), { timeout: 60_000 })
      .toMatchObject({ stage: 'open', persistence: 'confirmed' });

  async function exitsOnce(id: string, before: number): Promise<void> {
    expect(await stack.rowsOf(id)).toEqual([OPEN_ROWS]);
    await stack.cli('exit', id, '--wait', 'closed');
    expect(await stack.rowsOf(id)).toEqual([closedRows('forced')]);
    expect(await stack.acceptedSince(before)).toBe(2);
  }

  /** Flat on the exchange and loud while the database is no use; recorded once when it is of use again. */
  async function failsLoudly(id: string, handle: WorkflowHandle, before: number, heal: () => unknown) {
    const failure: unknown = await handle.result().catch((error: unknown) => error);
    expect((failure as WorkflowFailedError).cause).toMatchObject({ type: 'PositionPersistenceFailed' });
    expect(await stack.acceptedSince(before)).toBe(2);
    expect((await stack.paper.account()).balances.BTC ?? '0').toMatch(/^0(\.0*)?$/);
    await heal();
    await stack.temporal.workflow.getHandle(`settle-unrecorded-${id}`).result();
    expect(await stack.rowsOf(id)).toEqual([closedRows('compensation')]);
  }

  it.each(['before', 'after'] as const)(
    'has its rows once when the connection is cut %s they are written',
    async (when) => {
      const before = (await stack.paper.accepted()).length;
      let cut: Promise<void> | undefined;
      const handle = await stack.openAndThen(`cut-${when}`, () => {
        cut = statements.cutOnce({ text: OPENING, nth: 1, when });
      });
      await cut;
      await confirmed(handle);
      await exitsOnce(`cut-${when}`, before);
    },
  );

  it('is closed once when the connection is cut while its close is written', async () => {
    const before = (await stack.paper.accepted()).length;
    const handle = await stack.openAndThen('cut-close', () => undefined);
    await confirmed(handle);
    const cut = statements.cutOnce({ text: 'INSERT INTO "TradeOutcome"', nth: 1, when: 'after' });
    await exitsOnce('cut-close', before);
    await cut;
  });

  it('has its rows once when the database takes half a minute for an answer, and then is quick again', async () => {
    const before = (await stack.paper.accepted()).length;
    const handle = await stack.openAndThen('slow', () => link.delay(SLOW_MS / 2));
    // Statements of tries that were given up are on their way all the same, and arrive beside the next ones.
    await expect
      .poll(async () => (await handle.describe()).raw.pendingActivities?.[0]?.attempt ?? 0, LASTING)
      .toBeGreaterThan(1);
    link.delay(0);
    await confirmed(handle);
    await exitsOnce('slow', before);
  });

  it('is flattened and loud when answers go on taking half a minute', async () => {
    const before = (await stack.paper.accepted()).length;
    const handle = await stack.openAndThen('too-slow', () => link.delay(SLOW_MS / 2));
    await failsLoudly('too-slow', handle, before, () => link.delay(0));
  });

  it('has its rows once when the database was read-only for a while', async () => {
    const before = (await stack.paper.accepted()).length;
    const handle = await stack.openAndThen('read-only', () => setReadOnly(true));
    expect(await stack.rowsOf('read-only')).toEqual([]);
    await setReadOnly(false);
    await confirmed(handle);
    await exitsOnce('read-only', before);
  });

  it('is flattened and loud when the database stays read-only', async () => {
    const before = (await stack.paper.accepted()).length;
    const handle = await stack.openAndThen('for-good', () => setReadOnly(true));
    await failsLoudly('for-good', handle, before, () => setReadOnly(false));
  });
});
