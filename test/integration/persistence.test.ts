import { ApplicationFailure, WorkflowFailedError } from '@temporalio/client';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { AlertReceiver } from '../support/alert-receiver.ts';
import { closedRows, OPEN_ROWS, PersistingStack } from '../support/persisting-stack.ts';

/** The database goes away after the entry order was sent and before its position is persisted. */
describe('a position that the database does not take', { timeout: 180_000 }, () => {
  let stack: PersistingStack;
  let receiver: AlertReceiver;

  beforeAll(async () => {
    receiver = await AlertReceiver.start();
    stack = await PersistingStack.start({ HOLDFAST_ALERT_WEBHOOK_URL: `${receiver.url}/webhook` });
  }, 180_000);
  afterAll(async () => {
    await stack.stop();
    await receiver.close();
  }, 60_000);
  beforeEach(() => stack.paper.price('BTC/USD', '10000.0', '10000.1'));

  /** A trade whose order is on the exchange while PostgreSQL is gone. */
  async function openWithoutDatabase(id: string) {
    const handle = await stack.openAndThen(id, () => stack.postgres.kill());
    expect(await stack.state(handle)).toMatchObject({ persistence: 'pending' });
    return handle;
  }

  /** Ids of what people were told of a position, each as often as they were told. */
  const told = (positionId: string) =>
    receiver
      .takenBy('webhook')
      .map(({ body }) => String(body.id))
      .filter((id) => id.endsWith(positionId))
      .sort();

  it('is under watch all the same, and is persisted once when the database returns', async () => {
    const before = (await stack.paper.accepted()).length;
    const handle = await openWithoutDatabase('returns');
    await stack.startDatabase();
    await expect
      .poll(() => stack.state(handle), { timeout: 30_000 })
      .toMatchObject({ persistence: 'confirmed' });
    expect(await stack.rowsOf('returns')).toEqual([OPEN_ROWS]);
    await stack.cli('exit', 'returns', '--wait', 'closed');
    expect(await stack.acceptedSince(before)).toBe(2);
  });

  it('exits at an emergency price without any database, and is recorded when it returns', async () => {
    const before = (await stack.paper.accepted()).length;
    const handle = await openWithoutDatabase('emergency');
    await stack.paper.price('BTC/USD', '7900.0', '7900.1');
    await expect.poll(() => stack.acceptedSince(before), { timeout: 20_000 }).toBe(2);
    const positionId = await stack.positionOf(handle);
    await expect.poll(() => told(positionId), { timeout: 20_000 }).toContain(`emergency:${positionId}`);
    await stack.startDatabase();
    expect(await handle.result()).toMatchObject({ stage: 'closed', exitRule: 'emergency-loss' });
    expect(await stack.rowsOf('emergency')).toEqual([closedRows('emergency-loss')]);
    const events = ['closed', 'emergency', 'opened'];
    await expect
      .poll(() => told(positionId).filter((id) => !id.startsWith('persistence-failing')), { timeout: 20_000 })
      .toEqual(events.map((event) => `${event}:${positionId}`));
    expect(await stack.acceptedSince(before)).toBe(2);
  });

  it('is flattened past the budget, fails loudly at once, and is recorded when the database returns', async () => {
    const before = (await stack.paper.accepted()).length;
    const handle = await openWithoutDatabase('hopeless');
    const failure: unknown = await handle.result().catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(WorkflowFailedError);
    expect((failure as WorkflowFailedError).cause).toBeInstanceOf(ApplicationFailure);
    expect((failure as WorkflowFailedError).cause).toMatchObject({ type: 'PositionPersistenceFailed' });
    expect(await stack.acceptedSince(before)).toBe(2);
    const positionId = await stack.positionOf(handle);
    const heard = ['persistence-failed', 'persistence-failing'].map((event) => `${event}:${positionId}`);
    await expect.poll(() => told(positionId), { timeout: 20_000 }).toEqual(heard);
    const words = await stack.words('show', 'hopeless');
    expect(words).toContain('trade hopeless: compensated');
    expect(words).toContain('exit demanded: compensation, the database did not take the position');
    expect(words).toMatch(/^ {2}holds nothing of BTC\/USD; its records are failed$/m);
    expect(words).toMatch(/^ {2}by its workflow alone: cannot use DATABASE_URL .*nobody listens there/m);

    await stack.startDatabase();
    await stack.temporal.workflow.getHandle('settle-unrecorded-hopeless').result();
    expect(await stack.rowsOf('hopeless')).toEqual([closedRows('compensation')]);
    await expect
      .poll(() => told(positionId), { timeout: 20_000 })
      .toEqual([`closed:${positionId}`, `opened:${positionId}`, ...heard].sort());
    expect(await stack.acceptedSince(before)).toBe(2);
  });

  it('tells in its rows what was sold while the rest is still to be sold', async () => {
    const before = (await stack.paper.accepted()).length;
    const handle = await stack.openAndThen('partial', () => undefined);
    await expect
      .poll(() => stack.state(handle), { timeout: 30_000 })
      .toMatchObject({ persistence: 'confirmed' });
    await stack.paper.arm({ call: 'AddOrder', kind: 'partial-fill', times: 1, fraction: 0.4 });
    // The first order goes through at once, the one for the rest takes its time.
    for (const delayMs of [1, 7_000])
      await stack.paper.arm({ call: 'AddOrder', kind: 'delay', times: 1, delayMs });
    await stack.cli('exit', 'partial');
    await expect
      .poll(() => stack.rowsOf('partial'), { timeout: 20_000 })
      .toEqual([{ ...OPEN_ROWS, trades: 2, liveTrades: 2 }]);
    const [live] = await stack.sql(`SELECT "quantity" FROM "LivePosition" WHERE "status" = 'open'`);
    expect(Number(live?.quantity)).toBe(Number((await stack.paper.account()).balances.BTC));
    expect(await handle.result()).toMatchObject({ stage: 'closed' });
    expect(await stack.rowsOf('partial')).toEqual([{ ...closedRows('forced'), trades: 3, liveTrades: 3 }]);
    expect(await stack.acceptedSince(before)).toBe(3);
  });
});
