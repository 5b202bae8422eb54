import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { subtract } from '../../src/domain/money.ts';
import { ReconcileStack, type Found, type Opened } from '../support/reconcile-stack.ts';

/** Bid and ask of each symbol; one symbol a story, so that none explains another's balance. */
const PRICES = {
  'BTC/USD': ['10000.0', '10000.1'],
  'BTC/EUR': ['9000.0', '9000.1'],
  'ETH/USD': ['500.00', '500.01'],
  'SOL/USD': ['100.00', '100.01'],
  'LTC/USD': ['50.00', '50.01'],
  'LINK/USD': ['10.00000', '10.00001'],
  'DOT/USD': ['5.0000', '5.0001'],
  'ADA/USD': ['0.500000', '0.500001'],
  'XRP/USD': ['0.50000', '0.50001'],
  'AVAX/USD': ['20.00', '20.01'],
  'XLM/USD': ['0.100000', '0.100001'],
  'BCH/USD': ['300.00', '300.01'],
} as const;

/** What people and dead workers do on the exchange behind Holdfast's back, all of it at once. */
describe('reconciliation of what the exchange holds', { timeout: 120_000 }, () => {
  let stack: ReconcileStack;
  let findings: readonly Found[];
  let orders: number;
  let sold: Opened;
  let kept: Opened;
  let partly: Opened;
  let covered: Opened;
  let unexplained: Opened[];
  let bought: Record<string, string>;
  let gone: Opened;
  let foreignOrder: string;
  let restingEntry: string;
  let filledEntry: string;
  let shortEntry: string;
  let pastEntry: string;
  let restingExit: string;

  const about = (...subjects: string[]) =>
    findings.filter(({ subject }) => subjects.includes(subject)).map(told);
  const told = ({ kind, subject, action, looks }: Found) => ({ kind, subject, action, looks });
  const settled = (kind: string, subject: string) => ({ kind, subject, action: 'settled', looks: 2 });
  const ordersSince = async () => (await stack.paper.accepted()).length - orders;
  const quantityOf = async ({ positionId }: Opened) =>
    (await stack.positions()).find((position) => position.positionId === positionId)!.quantity;
  const soldOf = async ({ positionId }: Opened) => {
    const exits = await stack.sql(
      `SELECT "quantity" FROM "ManagedTrade" WHERE "positionId" = $1 AND NOT "isEntry" ORDER BY "executedAt"`,
      [positionId],
    );
    return exits.map(({ quantity }) => Number(quantity));
  };

  beforeAll(async () => {
    stack = await ReconcileStack.start();
    await stack.pauseSchedule();
    for (const [symbol, [bid, ask]] of Object.entries(PRICES)) await stack.paper.price(symbol, bid, ask);
    [sold, kept, partly, covered, gone, ...unexplained] = await Promise.all([
      stack.enter('BTC/USD', '250'),
      stack.enter('BTC/USD', '400'),
      stack.enter('ETH/USD', '250'),
      stack.enter('SOL/USD', '250', 'short'),
      stack.enter('BCH/USD', '250'),
      stack.enter('LTC/USD', '250'),
      stack.enter('LTC/USD', '250'),
    ]);
    const opened = await stack.positions();
    bought = Object.fromEntries(opened.map(({ positionId, quantity }) => [positionId, quantity]));
  }, 180_000);
  afterAll(() => stack.stop(), 60_000);

  it('settles what orders explain, asks a person about the rest, and touches nothing of others', async () => {
    const place = stack.place.bind(stack);
    await stack.paper.price('BTC/USD', '10050.0', '10050.1');
    await place({ symbol: 'BTC/USD', side: 'sell', quantity: await quantityOf(sold) });
    await place({ symbol: 'ETH/USD', side: 'sell', quantity: '0.2' });
    await place({ symbol: 'SOL/USD', side: 'buy', quantity: '1', leverage: 2 });
    // Bought back in part by the same person: neither order alone is what is missing.
    await place({ symbol: 'LTC/USD', side: 'sell', quantity: '1.1' });
    await place({ symbol: 'LTC/USD', side: 'buy', quantity: '0.4' });
    // All of it is gone, and neither of the orders alone, nor both together, sold that much.
    await place({ symbol: 'BCH/USD', side: 'buy', quantity: '0.1' });
    await place({ symbol: 'BCH/USD', side: 'sell', quantity: subtract(await quantityOf(gone), '0.05') });
    await place({ symbol: 'BCH/USD', side: 'sell', quantity: '0.15' });
    foreignOrder = await place({ symbol: 'DOT/USD', side: 'buy', quantity: '2', limitPrice: '2.0000' });
    await place({ symbol: 'LINK/USD', side: 'buy', quantity: '5' });
    const resting = { symbol: 'ADA/USD', side: 'buy', quantity: '20', limitPrice: '0.400000' } as const;
    restingEntry = await place({ ...resting, workflowId: 'trade-dead-resting' });
    const dead = { symbol: 'ADA/USD', side: 'buy', quantity: '30' } as const;
    filledEntry = await place({ ...dead, workflowId: 'trade-dead-filled' });
    const short = { symbol: 'XLM/USD', side: 'sell', quantity: '500', leverage: 2 } as const;
    shortEntry = await place({ ...short, workflowId: 'trade-dead-short' });
    const past = { symbol: 'XRP/USD', quantity: '100', workflowId: 'trade-past' } as const;
    pastEntry = await place({ ...past, side: 'buy' });
    await place({ ...past, side: 'sell', leg: 'exit-1' });
    await place({ symbol: 'AVAX/USD', side: 'buy', quantity: '5' });
    const late = { symbol: 'AVAX/USD', side: 'sell', quantity: '5', limitPrice: '40.00' } as const;
    restingExit = await place({ ...late, workflowId: 'trade-nobody', leg: 'exit-1' });
    orders = (await stack.paper.accepted()).length;

    findings = await stack.reconcile();
    expect(findings.map(({ kind, action }) => `${kind} ${action}`).sort()).toEqual([
      'flat-on-exchange human',
      'flat-on-exchange settled',
      'foreign-balance report',
      'foreign-order report',
      'orphan-exit human',
      'orphan-order settled',
      'orphan-order settled',
      'orphan-order settled',
      'orphan-order settled',
      'quantity-differs human',
      'quantity-differs settled',
      'quantity-differs settled',
    ]);
    expect(await ordersSince()).toBe(0);
  });

  it('closes a position that somebody sold by hand, with the real fills and no order of its own', async () => {
    expect(about(sold.positionId, kept.positionId)).toEqual([settled('flat-on-exchange', sold.positionId)]);
    const closed = () => stack.positions('closed');
    await expect
      .poll(async () => (await closed()).find(({ positionId }) => positionId === sold.positionId))
      .toMatchObject({ exitRule: 'reconciliation', exitPrice: '10050' });
    expect((await stack.state(kept.tradeId)).stage).toBe('open');
    const sent = await stack.sql(`SELECT "leg" FROM "OrderIntent" WHERE "tradeId" = $1`, [sold.tradeId]);
    expect(sent).toEqual([{ leg: 'entry' }]);
  });

  it('goes on with what is left after a partial close by hand', async () => {
    expect(about(partly.positionId)).toEqual([settled('quantity-differs', partly.positionId)]);
    const { exits, stage, guard } = await stack.state(partly.tradeId);
    expect(exits).toMatchObject([{ leg: 'outside', summary: { quantity: '0.2' } }]);
    expect({ stage, isGuarded: guard !== null }).toEqual({ stage: 'open', isGuarded: true });
    expect(await soldOf(partly)).toEqual([0.2]);
    const left = subtract(bought[partly.positionId]!, '0.2');
    await expect.poll(() => quantityOf(partly), { timeout: 15_000 }).toBe(left);
    expect(await stack.words('show', partly.tradeId)).toContain('filled 0.2 at 500');
    expect(about(covered.positionId)).toEqual([settled('quantity-differs', covered.positionId)]);
    expect((await stack.state(covered.tradeId)).exits).toMatchObject([{ summary: { quantity: '1' } }]);
  });

  it('asks a person where no fills explain the difference, and goes on protecting', async () => {
    const human = { action: 'human', looks: 2 };
    expect(about('LTC', gone.positionId)).toEqual(
      expect.arrayContaining([
        { kind: 'quantity-differs', subject: 'LTC', ...human },
        { kind: 'flat-on-exchange', subject: gone.positionId, ...human },
      ]),
    );
    for (const { tradeId } of [...unexplained, gone])
      expect(await stack.state(tradeId)).toMatchObject({ stage: 'open', exits: [] });
  });

  it('cancels an entry of a dead worker that still rests, and adopts what others had bought or sold', async () => {
    const dead = [restingEntry, filledEntry, shortEntry];
    expect(about(...dead)).toEqual(
      expect.arrayContaining(dead.map((subject) => settled('orphan-order', subject))),
    );
    expect((await stack.exchange.order(restingEntry, 'exit'))?.status).toBe('cancelled');
    const adopted = (await stack.positions()).filter(({ strategy }) => strategy === 'adopted');
    expect(
      adopted.map(({ positionId, side, quantity }) => `${positionId} ${side} ${quantity}`).sort(),
    ).toEqual([`kraken-${filledEntry} long 30`, `kraken-${shortEntry} short 500`].sort());
  });

  it('adopts nothing where an exit of the same unknown trade sold it, and records both', async () => {
    expect(about(pastEntry)).toEqual([settled('orphan-order', pastEntry)]);
    await expect
      .poll(async () => (await stack.positions('closed')).map(({ positionId }) => positionId))
      .toContain(`kraken-${pastEntry}`);
  });

  it('tells a person of an exit of ours that rests and that no trade follows, and leaves it', async () => {
    expect(about(restingExit)).toMatchObject([{ kind: 'orphan-exit', action: 'human', looks: 2 }]);
    expect((await stack.exchange.order(restingExit, 'exit'))?.status).toBe('open');
  });

  it('reports orders and balances of others and never touches them', async () => {
    expect(about(foreignOrder)).toMatchObject([{ kind: 'foreign-order', action: 'report' }]);
    expect(about('LINK')).toMatchObject([{ kind: 'foreign-balance', action: 'report' }]);
    expect(findings.find(({ subject }) => subject === 'LINK')?.seen).toMatchObject({ surplus: '5' });
    expect((await stack.exchange.order(foreignOrder, 'exit'))?.status).toBe('open');
    expect(await stack.balance('LINK')).toBe('5');
  });

  it('finds only what waits for a person again, and says what to do about it', async () => {
    const words = await stack.words('reconcile');
    expect(words.match(/^\S.*/gm)?.sort()).toEqual([
      '5 findings: 0 settled, 3 for you',
      'flat-on-exchange',
      'foreign-balance',
      'foreign-order',
      'orphan-exit',
      'quantity-differs',
    ]);
    for (const expected of [
      `exit order ${restingExit} (AVAX/USD) is ours and rests, but no trade follows it`,
      `needs you: cancel order ${restingExit} at the exchange if the position is closed`,
      'needs you: find out who moved the difference (exchange, trade history)',
      'not ours: reported, never touched',
    ])
      expect(words).toContain(expected);
  });

  it('sells each that is left once, for exactly what is left of it', async () => {
    await stack.exchange.cancel(restingExit, 'exit');
    await stack.place({ symbol: 'LTC/USD', side: 'buy', quantity: '0.7' });
    await stack.place({ symbol: 'BCH/USD', side: 'buy', quantity: await quantityOf(gone) });
    orders = (await stack.paper.accepted()).length;
    const open = (await stack.positions()).map(({ tradeId }) => tradeId);
    expect(open).toHaveLength(8);
    await stack.exit(...open);
    expect(await ordersSince()).toBe(8);
    const rest = ({ positionId }: Opened, sold: string) => Number(subtract(bought[positionId]!, sold));
    expect(await soldOf(partly)).toEqual([0.2, rest(partly, '0.2')]);
    expect(await soldOf(covered)).toEqual([1, rest(covered, '1')]);
    const left = (await stack.exchange.balances('exit')).filter(({ total }) => Number(total) !== 0);
    expect(left.map(({ asset, total }) => `${asset} ${total}`).sort()).toEqual([
      'AVAX 5',
      'LINK 5',
      expect.stringMatching(/^USD /),
    ]);
    expect(await stack.exchange.marginPositions('exit')).toEqual([]);
  });
});
