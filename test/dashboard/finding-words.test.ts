import { describe, expect, it, test } from 'vitest';
import type { AuditedFinding } from '../../src/activities/reconcile.ts';
import { judgeFindings } from '../../src/domain/audit/judge.ts';
import { FINDING_KINDS, type FindingKind, type ThreeViews } from '../../src/domain/audit/views.ts';
import { findingWords } from '../../src/views/finding-words.ts';
import {
  byHand,
  entry,
  exit,
  held,
  ownEntry,
  recorded,
  RESTING,
  row,
  stop,
  views,
  watched,
} from '../domain/support/audit-views.ts';

const kept = { balances: held('1') };
const open = { running: [watched('A', { openQuantity: '1' })], positions: [row('A')] };
const difference = { field: '"ManagedPosition".quantity', expected: '1', actual: '3' };

/** What each kind comes of; what was seen; and what to do where a person has to. */
const SAID: Readonly<Record<FindingKind, readonly [Partial<ThreeViews>, string, string]>> = {
  'orphan-order': [
    { orders: [entry('A')], ...kept },
    'order A is ours (hfeA) and bought 1 of BTC/USD, but no position row and no workflow knows of it',
    'check order A and the balance at the exchange: WHY; close by hand what nobody should hold',
  ],
  'unwatched-position': [
    { positions: [row('A')], ...kept },
    'position kraken-A (long 1 BTC/USD) is open in the database, but no workflow watches it',
    'check the exchange for the order of kraken-A: WHY; close by hand what is still held',
  ],
  'row-missing': [
    { running: open.running, ...kept },
    'trade t-A is open, but position kraken-A is missing in the database',
    'the position is guarded all the same, but its rows are wrong: WHY; does the database take writes? holdfast check; then: holdfast show kraken-A',
  ],
  'row-differs': [
    { running: [watched('A', { difference })], positions: [row('A')], ...kept },
    'position kraken-A is not in the database as its workflow knows it: "ManagedPosition".quantity should be 1 but is 3',
    'the position is guarded all the same, but its rows are wrong: WHY; does the database take writes? holdfast check; then: holdfast show kraken-A',
  ],
  'row-closed': [
    { running: open.running, positions: [row('A', { status: 'closed' })], ...kept },
    'position kraken-A is closed in the database, but trade t-A is still open',
    'nothing is urgent, its workflow still protects it; to sell it: holdfast exit t-A (a row that is closed stays as it is)',
  ],
  'stop-fired': [
    { orders: [ownEntry, stop()], running: [watched('A')], positions: [row('A')], stops: recorded },
    'the protective stop S of kraken-A has sold 1, and trade t-A does not know yet',
    'check what is left of it at the exchange: WHY; exit what is still held: holdfast exit t-A',
  ],
  'stop-gone': [
    { orders: [ownEntry], ...open, stops: recorded, ...kept },
    'the protective stop S of kraken-A rests no more: somebody cancelled it',
    'its guard watches it all the same: WHY; whether another stop rests: holdfast show kraken-A',
  ],
  'flat-on-exchange': [
    { orders: [byHand('X')], ...open },
    'kraken-A is open here, but the exchange holds only 0 of 1',
    'find out who sold it (exchange, trade history): WHY; what is said to be open stays under guard: holdfast show kraken-A',
  ],
  'quantity-differs': [
    {
      running: [...open.running, watched('B', { openQuantity: '1' })],
      positions: [row('A'), row('B')],
      balances: held('1.6'),
    },
    'BTC: the exchange holds 1.6 where 2 should be',
    'find out who moved the difference (exchange, trade history): WHY; put it back, or sell what is there: holdfast exit kraken-A kraken-B',
  ],
  'orphan-reservation': [
    { reservations: [{ tradeId: 'gone', createdAtMs: 0 }] },
    "capital is reserved for trade gone, which doesn't exist",
    'it only keeps capital from new entries: WHY; does the database take writes? holdfast check',
  ],
  'orphan-exit': [
    { orders: [exit('X', RESTING)] },
    'exit order X (BTC/USD) is ours and rests, but no trade follows it',
    'cancel order X at the exchange if the position is closed',
  ],
  'foreign-order': [
    { orders: [byHand('X', RESTING)] },
    'order X (sell BTC/USD) was not placed by Holdfast',
    'look at X',
  ],
  'foreign-balance': [
    { balances: held('0.5') },
    "the account holds 0.5 BTC more than Holdfast's positions need",
    'look at BTC',
  ],
};

function found(kind: FindingKind, over: Partial<AuditedFinding> = {}): AuditedFinding {
  const all = judgeFindings(views(SAID[kind][0]));
  expect(all.map((each) => each.kind)).toEqual([kind]);
  const [{ subject, seen }] = all as [(typeof all)[number]];
  const common = { id: `${kind}:${subject}`, kind, subject, seen, looks: 2, done: null, proof: null };
  return { ...common, action: 'human', ...over };
}

describe('a finding tells what was seen and what to do', () => {
  test.each(FINDING_KINDS)('%s', (kind) => {
    const [, seen, toDo] = SAID[kind];
    expect(findingWords(found(kind, { done: 'WHY' }))).toEqual({ seen, now: `needs you: ${toDo}` });
  });
});

describe('a finding tells what became of it', () => {
  it.each<[Partial<AuditedFinding>, string]>([
    [
      { action: 'settled', done: 'adopted', proof: { workflowId: 'trade-x', positionId: 'kraken-A' } },
      'settled: adopted (trade-x, kraken-A)',
    ],
    [{ action: 'settling' }, 'being settled; look again in a minute: holdfast reconcile'],
    [
      { action: 'failed', done: 'the exchange does not answer' },
      'not settled (the exchange does not answer); it is tried again every minute',
    ],
    [{ action: 'report' }, 'not ours: reported, never touched'],
    [{ action: 'waiting' }, 'too young to be judged: probably under way'],
    [{ action: 'seen' }, 'seen once; acted on when it is seen again'],
  ])('%j', (over, now) => {
    expect(findingWords(found('orphan-order', over)).now).toBe(now);
  });
});
