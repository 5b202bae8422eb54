import { describe, expect, it } from 'vitest';
import { judgeFindings } from '../../src/domain/audit/judge.ts';
import type { ThreeViews } from '../../src/domain/audit/views.ts';
import {
  byHand,
  entry,
  held,
  judged,
  ownEntry,
  recorded,
  RESTING,
  row,
  stop,
  views,
  watched,
} from './support/audit-views.ts';

describe('the comparison where protective stops rest', () => {
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
});
