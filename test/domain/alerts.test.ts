import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  ALERT_KINDS,
  keepMostUrgent,
  nextMessage,
  withText,
  type Alert,
  type AlertKind,
} from '../../src/domain/alerts.ts';

const alert = (kind: AlertKind, atMs: number, text = `${kind} ${atMs}`): Alert => ({
  id: `${kind}:${atMs}`,
  kind,
  atMs,
  text,
  facts: {},
});
const anyAlerts = fc
  .uniqueArray(fc.tuple(fc.constantFrom(...ALERT_KINDS), fc.nat(1_000), fc.nat(80)), {
    selector: ([kind, atMs]) => `${kind}:${atMs}`,
    maxLength: 40,
  })
  .map((tuples) => tuples.map(([kind, atMs, length]) => alert(kind, atMs, 'x'.repeat(length))));

describe('the next message', () => {
  test('takes the most urgent first, within a kind the oldest, as many as fit', () => {
    const waiting = [alert('opened', 1), alert('closed', 5), alert('halt', 9), alert('closed', 2)];
    const { message, rest } = nextMessage(waiting, { alerts: 3, characters: 1_000 });
    expect(message.map(({ id }) => id)).toEqual(['halt:9', 'closed:2', 'closed:5']);
    expect(rest.map(({ id }) => id)).toEqual(['opened:1']);
  });

  test('loses and doubles nothing, holds to its capacity, and is never empty while something waits', () => {
    const capacity = fc.record({ alerts: fc.integer({ min: 1, max: 10 }), characters: fc.nat(300) });
    fc.assert(
      fc.property(anyAlerts, capacity, (waiting, limits) => {
        const { message, rest } = nextMessage(waiting, limits);
        expect([...message, ...rest].map(({ id }) => id).sort()).toEqual(waiting.map(({ id }) => id).sort());
        expect(message.length).toBeLessThanOrEqual(limits.alerts);
        expect(message.length === 0).toBe(waiting.length === 0);
        const characters = message.reduce((sum, { text }) => sum + text.length + 1, 0);
        if (message.length > 1) expect(characters).toBeLessThanOrEqual(limits.characters);
      }),
    );
  });
});

test('of too many the most urgent are kept, of the same urgency the newest, and the others are counted', () => {
  const waiting = [alert('opened', 1), alert('opened', 2), alert('emergency', 0), alert('opened', 3)];
  const { kept, leftOut } = keepMostUrgent(waiting, 2);
  expect(kept.map(({ id }) => id)).toEqual(['emergency:0', 'opened:3']);
  expect(leftOut).toBe(2);
  expect(keepMostUrgent(waiting, 4)).toEqual({ kept: waiting, leftOut: 0 });
});

describe('what people read', () => {
  const position = { symbol: 'BTC/USD', side: 'long', positionId: 'kraken-O1', quantity: '0.5' };
  const text = (kind: AlertKind, facts: Record<string, unknown>) =>
    withText({ id: 'x', kind, atMs: 0, facts }).text;

  test.each<[AlertKind, Record<string, unknown>, string]>([
    ['opened', { ...position, entryPrice: '100' }, 'Opened long BTC/USD: 0.5 at 100 (kraken-O1)'],
    [
      'closed',
      { ...position, exitReason: 'take-profit', exitPrice: '110', netPnl: '4.7' },
      'Closed long BTC/USD by take-profit at 110: +4.7 net of fees (kraken-O1)',
    ],
    [
      'emergency',
      { ...position, mark: '79', returnFraction: -0.21 },
      'EMERGENCY STOP: long BTC/USD exits at 79, return -21.00% (kraken-O1)',
    ],
    [
      'emergency',
      { ...position, exitPrice: '79', netPnl: '-10.6' },
      'EMERGENCY STOP: long BTC/USD exits at 79: -10.6 net of fees (kraken-O1)',
    ],
    [
      'persistence-failed',
      { ...position, why: 'connection refused' },
      'NOT PERSISTED YET: the database refuses long BTC/USD (connection refused); it is guarded, and flattened if that goes on (kraken-O1)',
    ],
    [
      'persistence-failed',
      { ...position, flattened: true },
      'NOT PERSISTED: long BTC/USD was flattened, the database did not take it in time (kraken-O1)',
    ],
    [
      'halt',
      { actor: 'ann', reason: 'news', flatten: true },
      'HALTED by ann: news; no entry is taken until holdfast resume; every position exits',
    ],
    [
      'halt',
      { actor: 'ann', reason: 'news', ended: true, endedBy: 'bob' },
      'RESUMED by bob: entries are taken again (halted for: news)',
    ],
    [
      'finding',
      { finding: 'exit-refused', subject: 'kraken-O1', status: 'human' },
      'FINDING NEEDS A PERSON: exit-refused kraken-O1; see holdfast reconcile',
    ],
    [
      'finding',
      { finding: 'orphan-order', subject: 'O2', status: 'settled', action: 'adopted' },
      'Finding settled: orphan-order O2: adopted',
    ],
    [
      'feed-stale',
      { workerId: 'w', symbols: 'BTC/USD', ageSeconds: 31, positions: 2 },
      "NO FRESH MARK of BTC/USD for 31 s on worker w: 2 positions can't be judged",
    ],
  ])('of %s %#', (kind, facts, expected) => {
    expect(text(kind, facts)).toBe(expected);
  });

  test('is one line, and cut where it would be endless', () => {
    const told = text('halt', { actor: 'ann', reason: `one\ntwo ${'x'.repeat(2_000)}` });
    expect(told).toMatch(/^HALTED by ann: one two x+…$/);
    expect(told).toHaveLength(600);
  });
});
