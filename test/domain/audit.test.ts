import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { judgeFindings } from '../../src/domain/audit/judge.ts';
import type { AuditedOrder, ThreeViews } from '../../src/domain/audit/views.ts';
import { add } from '../../src/domain/money.ts';
import { byHand, entry, exit, held, judged, row, views, watched } from './support/audit-views.ts';
import './support/fixed-seed.ts';

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
