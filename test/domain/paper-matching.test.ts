import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { add, compare, subtract } from '../../src/domain/money.ts';
import {
  buildBook,
  costOf,
  firstLevels,
  quantityForCost,
  take,
  worse,
  type Level,
} from '../../src/exchange/paper/book.ts';
import { feeOf, feePercent } from '../../src/exchange/paper/fees.ts';
import { matchIncoming, matchResting, type Matchable } from '../../src/exchange/paper/matching.ts';
import { PAIRS, findPair } from '../../src/exchange/paper/pairs.ts';

const BTC = findPair('BTC/USD')!;
const BOOK = {
  asks: [
    { price: '100.0', quantity: '1' },
    { price: '100.5', quantity: '2' },
    { price: '101.0', quantity: '4' },
  ],
  bids: [
    { price: '99.5', quantity: '1' },
    { price: '99.0', quantity: '2' },
  ],
};

function order(change: Partial<Matchable> = {}): Matchable {
  return {
    side: 'buy',
    limitPrice: null,
    remaining: '2',
    bound: null,
    timeInForce: 'GTC',
    postOnly: false,
    ...change,
  };
}

describe('an incoming order', () => {
  it('takes the best prices first', () => {
    const fills = [
      { price: '100.0', quantity: '1' },
      { price: '100.5', quantity: '1' },
    ];
    expect(matchIncoming(order(), BOOK)).toEqual({ fills, rest: 'none', reason: null });
  });

  it('stops at its limit and rests', () => {
    const plan = matchIncoming(order({ limitPrice: '100.0' }), BOOK);
    expect(plan).toEqual({ fills: [{ price: '100.0', quantity: '1' }], rest: 'rests', reason: null });
  });

  it('sells into the bids', () => {
    const plan = matchIncoming(order({ side: 'sell', limitPrice: '99.0', remaining: '4' }), BOOK);
    expect(plan.fills.map(({ quantity }) => quantity)).toEqual(['1', '2']);
    expect(plan.rest).toBe('rests');
  });

  it.each([
    ['a market order beyond the book', { remaining: '10' }, 3, 'canceled', 'Insufficient liquidity'],
    [
      'immediate or cancel',
      { limitPrice: '100.0', timeInForce: 'IOC' },
      1,
      'canceled',
      'Immediate or cancel',
    ],
    ['fill or kill, short', { limitPrice: '100.0', timeInForce: 'FOK' }, 0, 'canceled', 'Fill or kill'],
    ['fill or kill, whole', { limitPrice: '100.5', timeInForce: 'FOK' }, 2, 'none', null],
    ['post-only that crosses', { limitPrice: '100.0', postOnly: true }, 0, 'refused', 'Post only order'],
    ['post-only below the ask', { limitPrice: '99.9', postOnly: true }, 0, 'rests', null],
    ['nothing to reduce', { bound: '0' }, 0, 'canceled', 'Insufficient liquidity'],
  ] as const)('%s', (_what, change, fills, rest, reason) => {
    const plan = matchIncoming(order(change), BOOK);
    expect([plan.fills.length, plan.rest, plan.reason]).toEqual([fills, rest, reason]);
  });

  it('fills no more than its bound', () => {
    const plan = matchIncoming(order({ bound: '0.5', limitPrice: '101' }), BOOK);
    expect([plan.fills, plan.rest]).toEqual([[{ price: '100.0', quantity: '0.5' }], 'rests']);
  });
});

describe('a resting order', () => {
  it('gets its own price, for what the other side shows within it', () => {
    expect(matchResting(order({ limitPrice: '100.7', remaining: '9' }), BOOK)).toEqual([
      { price: '100.7', quantity: '3' },
    ]);
  });

  it('gets nothing before the market is there', () => {
    expect(matchResting(order({ limitPrice: '99.9' }), BOOK)).toEqual([]);
    expect(matchResting(order({ side: 'sell', limitPrice: '99.6' }), BOOK)).toEqual([]);
  });
});

const pairs = fc.constantFrom(...PAIRS);
const seeds = fc.integer({ min: 0, max: 1_000_000 });
const sides = fc.constantFrom('buy' as const, 'sell' as const);

describe('the book around a price', () => {
  it('is a function of pair, prices and seed, sorted and on ticks', () => {
    fc.assert(
      fc.property(pairs, seeds, (pair, seed) => {
        const top = { bid: pair.startPrice, ask: add(pair.startPrice, pair.tickSize) };
        const book = buildBook(pair, top, seed);
        const [asks, bids] = [firstLevels(book.asks, 50), firstLevels(book.bids, 50)];
        expect(firstLevels(buildBook(pair, top, seed).asks, 50)).toEqual(asks);
        expect(asks[0]?.price).toBe(top.ask);
        expect(Number(bids[0]?.price)).toBe(Number(top.bid));
        for (const [levels, direction] of [
          [asks, 1],
          [bids, -1],
        ] as const) {
          for (const [index, level] of levels.entries()) {
            expect(compare(level.quantity, '0')).toBe(1);
            expect((level.price.split('.')[1] ?? '').length).toBeLessThanOrEqual(pair.priceDecimals);
            const next = levels[index + 1];
            if (next) expect(compare(next.price, level.price)).toBe(direction);
          }
        }
      }),
      { numRuns: 60 },
    );
  });

  it('never gives more than was asked for, nor a price beyond the limit', () => {
    fc.assert(
      fc.property(pairs, seeds, sides, fc.integer({ min: 1, max: 5_000 }), (pair, seed, side, lots) => {
        const top = { bid: pair.startPrice, ask: add(pair.startPrice, pair.tickSize) };
        const book = buildBook(pair, top, seed);
        const wanted = String(lots);
        const limit = firstLevels(side === 'buy' ? book.asks : book.bids, 5).at(-1)!.price;
        const { fills, missing } = take(side, wanted, limit, book);
        const total = fills.reduce((sum: string, fill: Level) => add(sum, fill.quantity), '0');
        expect(subtract(wanted, total)).toBe(missing);
        expect(fills.some((fill) => worse(side, fill.price, limit))).toBe(false);
      }),
      { numRuns: 60 },
    );
  });

  it('spends no more than the cost that was given', () => {
    fc.assert(
      fc.property(seeds, fc.integer({ min: 10, max: 200_000 }), (seed, cost) => {
        const book = buildBook(BTC, { bid: '30000', ask: '30000.1' }, seed);
        const quantity = quantityForCost('buy', String(cost), book, BTC);
        const { fills } = take('buy', quantity, null, book);
        const spent = fills.reduce(
          (sum: string, fill) => add(sum, costOf(BTC, fill.price, fill.quantity)),
          '0',
        );
        // Each fill's cost is rounded, so a hair above is possible.
        expect(Number(spent)).toBeLessThanOrEqual(cost + fills.length * 0.00001);
        expect(Number(spent)).toBeGreaterThan(cost - 0.001);
      }),
      { numRuns: 60 },
    );
  });
});

describe('fees', () => {
  it.each([
    ['0', false, '0.4'],
    ['9999.99', false, '0.4'],
    ['10000', false, '0.35'],
    ['10000', true, '0.2'],
    ['250000', false, '0.2'],
    ['10000000', false, '0.1'],
    ['10000000', true, '0'],
  ])('of a volume of %s USD, maker %s: %s %%', (volume, maker, percent) => {
    expect(feePercent(BTC, volume, maker)).toBe(percent);
  });

  it('are rounded half up at the cost decimals', () => {
    expect(feeOf(BTC, '0.00125', '0.4')).toBe('0.00001');
    expect(feeOf(BTC, '0.00124', '0.4')).toBe('0');
    expect(feePercent(findPair('USDT/USD')!, '0', false)).toBe('0.2');
  });
});
