import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ReconcileStack } from '../support/reconcile-stack.ts';

/** The failure that Holdfast was built against: orders on the exchange, and nothing else knows of them. */
describe('seven filled orders without rows and without workflows', { timeout: 120_000 }, () => {
  let stack: ReconcileStack;
  const placed: string[] = [];

  beforeAll(async () => {
    stack = await ReconcileStack.start();
    for (let index = 1; index <= 7; index += 1) {
      const symbol = index <= 5 ? 'BTC/USD' : 'ETH/USD';
      const quantity = index <= 5 ? `0.0${index}` : `0.${index}`;
      placed.push(await stack.place({ symbol, side: 'buy', quantity, workflowId: `trade-lost-${index}` }));
    }
  }, 180_000);
  afterAll(() => stack.stop(), 60_000);

  it('are adopted, watched and visible after one reconcile, also when another runs beside it', async () => {
    expect(await stack.positions()).toEqual([]);
    const reports = await Promise.all([stack.reconcile(), stack.reconcile()]);
    const bySubject = (one: { subject: string }, other: { subject: string }) =>
      one.subject.localeCompare(other.subject);
    const expected = placed.map((subject) => ({ kind: 'orphan-order', subject, action: 'settled' }));
    for (const findings of reports) {
      const told = findings.map(({ kind, subject, action }) => ({ kind, subject, action }));
      expect(told.sort(bySubject)).toEqual([...expected].sort(bySubject));
    }
    const once = await stack.sql('SELECT "subject" FROM "Finding" WHERE "looks" < 2');
    expect(once).toEqual([]);

    const positions = await stack.positions();
    expect(positions.map(({ positionId }) => positionId).sort()).toEqual(
      placed.map((id) => `kraken-${id}`).sort(),
    );
    expect(await stack.running()).toHaveLength(7);
    for (const { tradeId } of positions) {
      const { stage, persistence, guard } = await stack.state(tradeId);
      expect({ stage, persistence, isGuarded: guard !== null }).toEqual({
        stage: 'open',
        persistence: 'confirmed',
        isGuarded: true,
      });
    }
    expect(await stack.paper.accepted()).toHaveLength(7);
  });

  it('are found in order by the next reconcile, in words', async () => {
    expect(await stack.words('reconcile')).toBe('exchange, database and workflows agree\n');
  });

  it('exit by one order each, for what they bought', async () => {
    const answers = await stack.cli<{ stage: string }[]>('exit', '--all', '--wait', 'closed');
    expect(answers.map(({ stage }) => stage)).toEqual(Array.from({ length: 7 }, () => 'closed'));
    expect(await stack.positions()).toEqual([]);
    expect(await stack.paper.accepted()).toHaveLength(14);
    expect(Number(await stack.balance('BTC'))).toBe(0);
    expect(Number(await stack.balance('ETH'))).toBe(0);
    expect(await stack.reconcile()).toEqual([]);
    const intents = await stack.sql('SELECT count(*) FROM "OrderIntent" WHERE "status" = \'filled\'');
    expect(intents).toEqual([{ count: '14' }]);
  });
});
