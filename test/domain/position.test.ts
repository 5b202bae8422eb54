import fc from 'fast-check';
import { expect, it } from 'vitest';
import { compare } from '../../src/domain/money.ts';
import {
  betterPrice,
  entryOrderSide,
  exitOrderSide,
  netPnl,
  returnFraction,
  summarizeFills,
  type Fill,
} from '../../src/domain/position.ts';
import './support/fixed-seed.ts';

const fill = (fillId: string, price: string, quantity: string, cost: string, timeMs: number): Fill => ({
  fillId,
  price,
  quantity,
  cost,
  fee: '0.1',
  timeMs,
});

it('sums fills once each, whatever their order', () => {
  const fills = [fill('b', '102', '2', '204', 20), fill('a', '100', '1', '100', 10)];
  const summary = summarizeFills([...fills, ...fills]);
  expect(summary).toEqual({
    quantity: '3',
    cost: '304',
    fee: '0.2',
    averagePrice: '101.333333333333',
    firstFillMs: 10,
    lastFillMs: 20,
  });
  expect(summarizeFills([...fills].reverse())).toEqual(summary);
  expect(summarizeFills([])).toBeNull();
});

it('measures the return in favour of the side', () => {
  expect(returnFraction('long', '100', '108')).toBe(0.08);
  expect(returnFraction('short', '100', '108')).toBe(-0.08);
  // In plain doubles this is -0.0050000000000000044, and a stop on -0.005 would be missed or not by luck.
  expect(returnFraction('long', '1000.1', '995.0995')).toBe(-0.005);
});

it('nets what was really paid and received', () => {
  const [low, high] = [
    { cost: '100', fee: '0.26' },
    { cost: '110', fee: '0.28' },
  ];
  expect(netPnl('long', low, high)).toBe('9.46');
  expect(netPnl('short', high, low)).toBe('9.46');
  expect(netPnl('short', low, high)).toBe('-10.54');
});

it('knows the better price and the orders of a side', () => {
  const anyPrice = fc.integer({ min: 1, max: 10_000 }).map((cents) => (cents / 100).toFixed(2));
  fc.assert(
    fc.property(anyPrice, anyPrice, (left, right) => {
      const [higher, lower] = compare(left, right) >= 0 ? [left, right] : [right, left];
      expect(betterPrice('long', left, right)).toBe(higher);
      expect(betterPrice('short', left, right)).toBe(lower);
    }),
  );
  expect([entryOrderSide('long'), exitOrderSide('long')]).toEqual(['buy', 'sell']);
  expect([entryOrderSide('short'), exitOrderSide('short')]).toEqual(['sell', 'buy']);
});
