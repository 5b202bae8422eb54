import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { judgeFindings } from '../../src/domain/audit/judge.ts';
import type {
  AuditedOrder,
  PositionRowView,
  RunningTradeView,
  ThreeViews,
} from '../../src/domain/audit/views.ts';
import { add } from '../../src/domain/money.ts';
import './support/fixed-seed.ts';

const NOW = 1_800_000_000_000;

function entry(id: string, over: Partial<AuditedOrder> = {}): AuditedOrder {
  return {
    exchangeOrderId: id,
    clientOrderId: `hfe${id}`,
    direction: 'entry',
    owner: null,
    symbol: 'BTC/USD',
    side: 'buy',
    quantity: '1',
    filledQuantity: '1',
    isOpen: false,
    openedAtMs: NOW - 600_000,
    ...over,
  };
}

function exit(id: string, over: Partial<AuditedOrder> = {}): AuditedOrder {
  const later = { direction: 'exit', side: 'sell', openedAtMs: NOW - 300_000 } as const;
  return entry(id, { clientOrderId: `hfx${id}`, ...later, ...over });
}

const byHand = (id: string, over: Partial<AuditedOrder> = {}) =>
  exit(id, { direction: null, clientOrderId: null, ...over });

function row(orderId: string, over: Partial<PositionRowView> = {}): PositionRowView {
  return {
    id: `kraken-${orderId}`,
    tradeId: `t-${orderId}`,
    status: 'open',
    symbol: 'BTC/USD',
    side: 'long',
    quantity: '1',
    createdAtMs: NOW - 600_000,
    openedAtMs: NOW - 600_000,
    isComplete: true,
    ...over,
  };
}

function watched(orderId: string, over: Partial<RunningTradeView> = {}): RunningTradeView {
  const what = { symbol: 'BTC/USD', side: 'long', positionId: `kraken-${orderId}` } as const;
  return { tradeId: `t-${orderId}`, stage: 'open', ...what, ...over };
}

function views(over: Partial<ThreeViews>): ThreeViews {
  return {
    nowMs: NOW,
    orders: [],
    balances: [],
    margin: [],
    dust: new Map([['BTC', '0.0001']]),
    running: [],
    positions: [],
    reservations: [],
    stops: [],
    ...over,
  };
}

const stop = (over: Partial<AuditedOrder> = {}) =>
  exit('S', { owner: { tradeId: 't-A', leg: 'stop-1' }, ...over });
const RESTING = { isOpen: true, filledQuantity: '0' } as const;
const ownEntry = entry('A', { owner: { tradeId: 't-A', leg: 'entry' } });
const recorded = [{ tradeId: 't-A', exchangeOrderId: 'S', sinceMs: NOW - 300_000 }];

const held = (total: string) => [{ asset: 'BTC', total }];
const judged = (over: Partial<ThreeViews>) =>
  judgeFindings(views(over)).map(({ kind, subject, remedy }) => `${kind} ${subject} ${remedy}`);

describe('the comparison of exchange, workflows and database', () => {
  it('finds nothing where all three agree', () => {
    const orders = [entry('A', { owner: { tradeId: 't-A', leg: 'entry' } })];
    expect(judged({ orders, balances: held('1'), running: [watched('A')], positions: [row('A')] })).toEqual(
      [],
    );
  });

  it.each<[string, Partial<ThreeViews>, string[]]>([
    ['an entry nobody knows', { orders: [entry('A')], balances: held('1') }, ['orphan-order A settle']],
    [
      'an entry whose intent is known but whose workflow and row are gone',
      { orders: [entry('A', { owner: { tradeId: 't-A', leg: 'entry' } })], balances: held('1') },
      ['orphan-order A settle'],
    ],
    [
      'an entry of a running trade that has no position yet',
      {
        orders: [entry('A', { owner: { tradeId: 't-A', leg: 'entry' } })],
        balances: held('1'),
        running: [watched('A', { stage: 'entering', positionId: null })],
      },
      [],
    ],
    [
      'a row without a workflow',
      { positions: [row('A')], balances: held('1') },
      ['unwatched-position kraken-A settle'],
    ],
    [
      'a workflow without a row',
      { running: [watched('A', { openQuantity: '1' })], balances: held('1') },
      ['row-missing kraken-A settle'],
    ],
    [
      'a workflow without a row that is closing',
      { running: [watched('A', { stage: 'exiting' })], balances: held('1') },
      [],
    ],
    [
      'an incomplete set of rows',
      { running: [watched('A')], positions: [row('A', { isComplete: false })], balances: held('1') },
      ['row-differs kraken-A settle'],
    ],
    [
      'a row that was closed by hand',
      {
        running: [watched('A', { openQuantity: '1' })],
        positions: [row('A', { status: 'closed' })],
        balances: held('1'),
      },
      ['row-closed kraken-A human'],
    ],
    [
      'a position sold by hand',
      {
        orders: [byHand('X')],
        running: [watched('A')],
        positions: [row('A')],
      },
      ['flat-on-exchange kraken-A settle'],
    ],
    [
      'a position sold in part by hand',
      {
        orders: [byHand('X', { filledQuantity: '0.4' })],
        balances: held('0.6'),
        running: [watched('A')],
        positions: [row('A')],
      },
      ['quantity-differs kraken-A settle'],
    ],
    [
      'a sale that the workflow has counted',
      {
        orders: [byHand('X', { filledQuantity: '0.4' })],
        balances: held('0.6'),
        running: [watched('A', { openQuantity: '0.6', countedExits: ['X'] })],
        positions: [row('A')],
      },
      [],
    ],
    [
      'a position that vanished without an order',
      { running: [watched('A')], positions: [row('A')] },
      ['flat-on-exchange kraken-A human'],
    ],
    [
      'a sale of another size than what is missing',
      {
        orders: [byHand('X', { filledQuantity: '0.3' })],
        balances: held('0.6'),
        running: [watched('A')],
        positions: [row('A')],
      },
      ['quantity-differs kraken-A human'],
    ],
    [
      'a shortage that holds an exit up',
      {
        orders: [byHand('X')],
        balances: held('1'),
        running: [watched('A', { stage: 'exiting', isHeldUp: true, openQuantity: '1' }), watched('B')],
        positions: [row('A'), row('B', { quantity: '1' })],
      },
      ['flat-on-exchange kraken-A settle'],
    ],
    [
      'a shortage that holds an exit up while another trade of the asset is entering',
      {
        orders: [byHand('X')],
        running: [
          watched('A', { stage: 'exiting', isHeldUp: true, openQuantity: '1' }),
          watched('B', { stage: 'entering', positionId: null }),
        ],
        positions: [row('A')],
      },
      [],
    ],
    [
      'a shortage while an exit of the asset is under way',
      { running: [watched('A', { stage: 'exiting' })], positions: [row('A')] },
      [],
    ],
    [
      'a short that was bought back by hand',
      {
        orders: [byHand('X', { side: 'buy' })],
        running: [watched('A', { side: 'short' })],
        positions: [row('A', { side: 'short' })],
      },
      ['flat-on-exchange kraken-A settle'],
    ],
    ['coins of the owner', { balances: held('0.5') }, ['foreign-balance BTC report']],
    ['dust', { balances: held('0.00001') }, []],
    ['cash', { balances: [{ asset: 'USD', total: '10000' }] }, []],
    [
      'an order of the owner',
      { orders: [byHand('X', { isOpen: true, filledQuantity: '0' })] },
      ['foreign-order X report'],
    ],
    [
      'capital without a trade',
      { reservations: [{ tradeId: 'gone', createdAtMs: 0 }] },
      ['orphan-reservation gone settle'],
    ],
    [
      'capital of a trade that can be adopted',
      {
        orders: [entry('A', { owner: { tradeId: 't-A', leg: 'entry' } })],
        balances: held('1'),
        reservations: [{ tradeId: 't-A', createdAtMs: 0 }],
      },
      ['orphan-order A settle'],
    ],
    [
      'a resting exit of nobody',
      { orders: [exit('X', { isOpen: true, filledQuantity: '0' })] },
      ['orphan-exit X human'],
    ],
    [
      'exits of unknown trades that may have sold one of two',
      { orders: [entry('A'), entry('B'), exit('X', { filledQuantity: '0.5' })], balances: held('1.5') },
      ['orphan-order A human', 'orphan-order B human'],
    ],
  ])('judges %s', (_name, over, expected) => {
    expect(judged(over)).toEqual(expected);
  });

  it.each<[string, Partial<ThreeViews>, string[]]>([
    [
      'rests',
      { orders: [ownEntry, stop(RESTING)], balances: held('1'), running: [watched('A')], stops: recorded },
      [],
    ],
    [
      'rests, and somebody sold the position beside it',
      { orders: [ownEntry, stop(RESTING), byHand('X')], running: [watched('A')] },
      ['flat-on-exchange kraken-A settle'],
    ],
    [
      'has sold, and the trade was not asked',
      { orders: [ownEntry, stop()], running: [watched('A')], stops: recorded },
      ['stop-fired kraken-A settle'],
    ],
    [
      'has sold, and the trade does not know',
      { orders: [ownEntry, stop()], running: [watched('A', { openQuantity: '1', countedExits: [] })] },
      ['stop-fired kraken-A settle'],
    ],
    [
      'has sold a part, and the trade has counted it',
      {
        orders: [ownEntry, stop({ filledQuantity: '0.4' })],
        balances: held('0.6'),
        running: [watched('A', { openQuantity: '0.6', countedExits: ['S'] })],
      },
      [],
    ],
    [
      'was cancelled by somebody',
      { orders: [ownEntry], balances: held('1'), running: [watched('A')], stops: recorded },
      ['stop-gone kraken-A settle'],
    ],
    [
      'was withdrawn by an exit that is under way',
      { orders: [ownEntry], running: [watched('A', { stage: 'exiting' })], stops: recorded },
      [],
    ],
  ])('judges a position whose protective stop %s', (_name, over, expected) => {
    expect(judged({ positions: [row('A')], ...over })).toEqual(expected);
  });

  it.each<[string, Partial<ThreeViews>, string | null]>([
    ['orphan-order A settle', { orders: [ownEntry, stop(RESTING)] }, 'stop-1'],
    ['orphan-order A settle', { orders: [entry('A'), stop({ owner: null, ...RESTING })] }, null],
    [
      'unwatched-position kraken-A settle',
      { orders: [ownEntry, stop(RESTING)], positions: [row('A')] },
      'stop-1',
    ],
  ])('hands a resting stop to who takes over: %s', (expected, over, leg) => {
    const found = judgeFindings(views({ balances: held('1'), ...over }));
    expect(found.map(({ kind, subject, remedy }) => `${kind} ${subject} ${remedy}`)).toEqual([expected]);
    expect(found[0]?.evidence).toMatchObject({ exits: [], stop: { exchangeOrderId: 'S', leg } });
  });

  it('gives each resting stop of nobody to one orphan, and only one that it fits', () => {
    const nobodys = stop({ owner: null, ...RESTING, quantity: '2' });
    const orders = [
      entry('A'),
      entry('B', { filledQuantity: '2' }),
      entry('C', { filledQuantity: '2' }),
      nobodys,
    ];
    const found = judgeFindings(views({ orders, balances: held('5') }));
    expect(found.map(({ subject, evidence }) => [subject, evidence?.stop?.exchangeOrderId])).toEqual([
      ['A', undefined],
      ['B', 'S'],
      ['C', undefined],
    ]);
  });

  it('takes for sold what an exit of unknown trades sold to the last decimal', () => {
    const orders = [entry('A'), entry('B', { filledQuantity: '2' }), exit('X', { filledQuantity: '2' })];
    const found = judgeFindings(views({ orders, balances: held('1') }));
    expect(found.map(({ subject, seen }) => [subject, seen.openQuantity])).toEqual([
      ['A', '1'],
      ['B', '0'],
    ]);
  });

  it('never takes for open more than was bought and not sold, and settles each order once', () => {
    const quantity = fc.integer({ min: 1, max: 5 }).map(String);
    const trades = fc.array(fc.record({ bought: quantity, sold: fc.option(quantity) }), { maxLength: 6 });
    fc.assert(
      fc.property(trades, (each) => {
        const entries = each.map(({ bought }, index) => entry(`E${index}`, { filledQuantity: bought }));
        const exits = each.flatMap(({ bought, sold }, index) =>
          sold === null || Number(sold) > Number(bought) ? [] : [exit(`X${index}`, { filledQuantity: sold })],
        );
        const found = judgeFindings(views({ orders: [...entries, ...exits] })).filter(
          ({ kind }) => kind === 'orphan-order',
        );
        const used = found.flatMap(
          ({ evidence }) => evidence?.exits?.map((used_) => used_.exchangeOrderId) ?? [],
        );
        expect(new Set(used).size).toBe(used.length);
        expect(found).toHaveLength(entries.length);
        const total = (orders: readonly AuditedOrder[]) =>
          Number(add('0', ...orders.map((order) => order.filledQuantity)));
        const adopted = found.filter(({ remedy }) => remedy === 'settle');
        const open = Number(add('0', ...adopted.map(({ seen }) => String(seen.openQuantity))));
        expect(open).toBeLessThanOrEqual(total(entries) - total(exits));
      }),
      { numRuns: 500 },
    );
  });
});
