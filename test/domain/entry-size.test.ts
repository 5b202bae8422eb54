import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fitSize, mostOfOneTrade, mostOfWhatIsLeft } from '../../src/domain/entry-size.ts';
import { compare, multiply } from '../../src/domain/money.ts';
import './support/fixed-seed.ts';

const MINIMUMS = {
  symbol: 'BTC/USD',
  base: 'BTC',
  quote: 'USD',
  quantityDecimals: 4,
  minQuantity: '0.01',
  minCost: '0.5',
};
const RULES = { price: '300', minimums: MINIMUMS, costReserve: 0.008 };
const WANTED = { quantity: '1.6666', notional: '499.98' };

test('one trade may take the least of its own limits', () => {
  const most = (maxNotional: string | null, maxEquityShare: number | null, equity: string | null) =>
    mostOfOneTrade({ maxNotional }, { maxEquityShare }, equity);
  expect(most(null, null, '10000')).toBeNull();
  expect(most('250', null, '10000')).toBe('250');
  expect(most('250', 0.02, '10000')).toBe('200');
  expect(most('150', 0.02, '10000')).toBe('150');
  expect(most('250', 0.02, null)).toBe('250');
});

test('one more trade may take what exposure and cash leave, its fees kept back', () => {
  const left = (maxExposure: string | null, exposure: string, freeCash: string | null) =>
    mostOfWhatIsLeft({ maxExposure }, { exposure, freeCash }, RULES);
  expect(left(null, '900', null)).toBeNull();
  expect(left('1000', '900.5', null)).toBe('99.5');
  expect(left('1000', '1200', null)).toBe('-200');
  expect(left('1000', '0', '100.8')).toBe('100');
});

describe('a size', () => {
  test('shrinks to what is left, by whole lots', () => {
    expect(fitSize(WANTED, null, RULES)).toEqual({ ...WANTED, tooLittle: null });
    expect(fitSize(WANTED, '499.98', RULES)).toEqual({ ...WANTED, tooLittle: null });
    expect(fitSize(WANTED, '100', RULES)).toEqual({
      quantity: '0.3333',
      notional: '99.99',
      tooLittle: null,
    });
  });

  test('stays as it was wanted where the least order is more than what is left', () => {
    expect(fitSize(WANTED, '2.99', RULES)).toEqual({
      ...WANTED,
      tooLittle:
        'what is left is too little: notional 2.99 USD buys 0.0099 BTC; the least quantity for BTC/USD is 0.01 BTC (about 3 USD)',
    });
    expect(fitSize(WANTED, '0', RULES)).toEqual({ ...WANTED, tooLittle: 'nothing is left' });
    expect(fitSize(WANTED, '-5', RULES).tooLittle).toBe('nothing is left');
  });

  test('never goes beyond what is left or what was wanted', () => {
    fc.assert(
      fc.property(fc.integer({ min: -1_000, max: 80_000 }), (cents) => {
        const most = (cents / 100).toFixed(2);
        const fitted = fitSize(WANTED, most, RULES);
        expect(compare(fitted.notional, WANTED.notional)).toBeLessThanOrEqual(0);
        expect(multiply(fitted.quantity, RULES.price)).toBe(fitted.notional);
        if (fitted.tooLittle === null) expect(compare(fitted.notional, most)).toBeLessThanOrEqual(0);
        else expect(Number(most)).toBeLessThan(3);
      }),
    );
  });
});
