import fc from 'fast-check';
import { expect, it } from 'vitest';
import {
  add,
  big,
  compare,
  divide,
  floorToTick,
  fromRatio,
  isDecimal,
  isPositive,
  multiply,
  roundDown,
  roundHalfUp,
  roundUp,
  subtract,
  text,
} from '../../src/domain/money.ts';
import './support/fixed-seed.ts';

/** Decimals with up to 12 places, as [text, the same times 10^12]. */
const anyDecimal = fc
  .bigInt({ min: -(10n ** 24n), max: 10n ** 24n })
  .map((units) => [text(big(units.toString()).times(big('0.000000000001'))), units] as const);

it('adds, subtracts and compares exactly', () => {
  expect(add('0.1', '0.2')).toBe('0.3');
  expect(add()).toBe('0');
  fc.assert(
    fc.property(anyDecimal, anyDecimal, ([left, leftUnits], [right, rightUnits]) => {
      const units = (value: string) => BigInt(big(value).times(big('1000000000000')).toFixed(0));
      expect(units(add(left, right))).toBe(leftUnits + rightUnits);
      expect(units(subtract(left, right))).toBe(leftUnits - rightUnits);
      expect(compare(left, right)).toBe(leftUnits < rightUnits ? -1 : leftUnits > rightUnits ? 1 : 0);
    }),
  );
});

it('writes plain notation only, never an exponent or a negative zero', () => {
  expect(multiply('0.00000001', '0.00000001')).toBe('0.0000000000000001');
  expect(multiply('-1', '0')).toBe('0');
  expect(text(big('1.50'))).toBe('1.5');
  fc.assert(
    fc.property(anyDecimal, anyDecimal, ([left], [right]) => {
      expect(isDecimal(multiply(left, right))).toBe(true);
    }),
  );
});

it('divides to twelve places, half up', () => {
  expect(divide('2', '3')).toBe('0.666666666667');
  expect(divide('1', '3')).toBe('0.333333333333');
  expect(() => divide('1', '0')).toThrow();
});

it('rounds the way each name says', () => {
  expect(roundDown('1.29', 1)).toBe('1.2');
  expect(roundUp('1.21', 1)).toBe('1.3');
  expect(roundHalfUp('1.25', 1)).toBe('1.3');
  expect(floorToTick('10.07', '0.05')).toBe('10.05');
  expect(floorToTick('10.05', '0.05')).toBe('10.05');
});

it('refuses what is no decimal, numbers too', () => {
  for (const bad of ['', 'abc', 'NaN', '1,5', '0x10']) expect(() => big(bad), bad).toThrow();
  expect(() => big(0.1 as unknown as string)).toThrow();
  for (const bad of ['1e5', '.5', '5.', '+1', ' 1', '1 ']) expect(isDecimal(bad), bad).toBe(false);
  expect(() => fromRatio(NaN)).toThrow('not a finite ratio: NaN');
  expect(fromRatio(0.1 + 0.2)).toBe('0.3');
  expect([isPositive('0'), isPositive('-1'), isPositive('0.1')]).toEqual([false, false, true]);
});

/** Decimals around the length at which the quick arithmetic gives way to the library's, zeros at either end too. */
const anyLength = fc
  .tuple(fc.bigInt({ min: -(10n ** 18n), max: 10n ** 18n }), fc.nat(18), fc.nat(18), fc.boolean())
  .map(([units, cut, places, isLong]) => {
    const digits = String((units < 0n ? -units : units) / 10n ** BigInt(cut)).padStart(places + 1, '0');
    const point = digits.length - places;
    const size = places === 0 ? digits : `${digits.slice(0, point)}.${digits.slice(point)}`;
    return `${units < 0n ? '-' : ''}${isLong ? `00${size}` : size}`;
  });

it('gives what the decimal library gives, to the last digit, whatever the length', () => {
  fc.assert(
    fc.property(anyLength, anyLength, fc.nat(14), (left, right, decimals) => {
      const [one, other] = [big(left), big(right)];
      expect(add(left, right)).toBe(text(one.plus(other)));
      expect(subtract(left, right)).toBe(text(one.minus(other)));
      expect(multiply(left, right)).toBe(text(one.times(other)));
      expect(compare(left, right)).toBe(one.cmp(other));
      if (!other.eq(big('0'))) expect(divide(left, right)).toBe(text(one.div(other).round(12, 1)));
      expect(roundDown(left, decimals)).toBe(text(one.round(decimals, 0)));
      expect(roundHalfUp(left, decimals)).toBe(text(one.round(decimals, 1)));
      expect(roundUp(left, decimals)).toBe(text(one.round(decimals, 3)));
    }),
    { numRuns: 5000 },
  );
});

it('rounds a quotient at its twelfth place, ties and carries included', () => {
  for (const [left, right] of [
    ['0.0000000000005', '1'],
    ['0.0000000000015', '-1'],
    ['0.99999999999950', '1'],
    ['9007199254740991', '1'],
    ['9007199254740992', '7'],
    ['1', '899999999999'],
    ['1', '9007199254740991'],
    ['-0', '3'],
  ] as const) {
    expect(divide(left, right)).toBe(text(big(left).div(big(right)).round(12, 1)));
  }
});
