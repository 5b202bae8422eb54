import { describe, expect, it } from 'vitest';
import { crc32 } from '../../src/exchange/paper/crc32.ts';
import { findPair, findSymbol, PAIRS } from '../../src/exchange/paper/pairs.ts';
import { parseBody } from '../../src/exchange/paper/params.ts';
import { isClientOrderId } from '../../src/exchange/paper/parse-order.ts';
import { RateLimits, tradingCost } from '../../src/exchange/paper/rate-limits.ts';
import { isTriggered, resolvePrice, trailBest, trailTrigger } from '../../src/exchange/paper/triggers.ts';
import { syntheticHistory, syntheticPrice } from '../../src/exchange/paper/market/synthetic.ts';
import { bookChecksum } from '../../src/exchange/paper/websocket/book-frames.ts';
import checksums from '../fixtures/kraken-book-checksums.json' with { type: 'json' };

const BTC = findPair('XXBTZUSD')!;

describe('triggers', () => {
  it.each([
    ['stop-loss', 'sell', '100', true],
    ['stop-loss', 'sell', '100.1', false],
    ['stop-loss', 'buy', '100', true],
    ['stop-loss', 'buy', '99.9', false],
    ['take-profit', 'sell', '100', true],
    ['take-profit', 'sell', '99.9', false],
    ['take-profit-limit', 'buy', '100', true],
    ['take-profit-limit', 'buy', '100.1', false],
  ] as const)('%s to %s at 100, last %s: %s', (type, side, last, fires) => {
    expect(isTriggered(type, side, '100', last)).toBe(fires);
  });

  it('trail the best price by an amount or a share of it', () => {
    expect(trailBest('sell', '100', '101')).toBe('101');
    expect(trailBest('sell', '101', '100')).toBe('101');
    expect(trailBest('buy', '100', '99')).toBe('99');
    expect(trailTrigger(BTC, 'sell', '101', '+2')).toBe('99');
    expect(trailTrigger(BTC, 'buy', '100', '+1.5%')).toBe('101.5');
  });

  it.each([
    ['100.5', '100.5'],
    ['+5', '105'],
    ['-1%', '99'],
    ['#5', '95'],
    ['5%', null],
    ['x', null],
  ])('a price of %s by 100 is %s for a buy', (price, resolved) => {
    expect(resolvePrice(BTC, 'buy', price, '100')).toBe(resolved);
  });
});

describe('the trading counter', () => {
  it.each([
    ['cancel', 0, 8],
    ['cancel', 4_999, 8],
    ['cancel', 5_000, 6],
    ['cancel', 44_999, 4],
    ['cancel', 300_000, 0],
    ['amend', 0, 4],
    ['amend', 15_000, 1],
    ['edit', 0, 7],
    ['edit', 90_000, 1],
  ] as const)('%s after %d ms costs %d', (action, ageMs, cost) => {
    expect(tradingCost(action, ageMs)).toBe(cost);
  });

  it('drains at the tier’s pace, pair by pair', () => {
    const limits = new RateLimits();
    for (let count = 0; count < 60; count += 1) limits.chargeTrading('a', 'X', 'starter', 1, 0);
    expect(() => limits.chargeTrading('a', 'X', 'starter', 1, 999)).toThrow('EOrder:Rate limit exceeded');
    limits.chargeTrading('a', 'X', 'starter', 1, 1_000);
    limits.chargeTrading('a', 'Y', 'starter', 1, 999);
    expect(limits.tradingCount('a', 'X', 'starter', 11_000)).toBe(50);
  });

  it('lets the batch cancel through, and counts it', () => {
    const limits = new RateLimits();
    limits.chargeTrading('a', 'X', 'starter', 80, 0, true);
    expect(limits.tradingCount('a', 'X', 'starter', 0)).toBe(80);
  });
});

describe('names', () => {
  it('knows a pair by all its spellings, and v2 symbols only by their own', () => {
    for (const name of ['XXBTZUSD', 'XBTUSD', 'XBT/USD', 'BTC/USD', 'xbtusd'])
      expect(findPair(name)).toBe(BTC);
    expect(findSymbol('XBT/USD')).toBeUndefined();
    expect(findPair('DOGE/USD')).toMatchObject({ id: 'XDGUSD', altname: 'XDGUSD', wsname: 'XDG/USD' });
    expect(findPair('XTZ/USD')).toMatchObject({ id: 'XTZUSD', base: { altname: 'XTZ' } });
  });

  it('lists each pair once, fifty symbols at least', () => {
    expect(new Set(PAIRS.map(({ id }) => id)).size).toBe(PAIRS.length);
    expect(new Set(PAIRS.map(({ symbol }) => symbol)).size).toBe(PAIRS.length);
    expect(PAIRS.length).toBeGreaterThanOrEqual(50);
  });

  it.each([
    ['2c6be801-1f53-4f79-a0bb-4ea1c95dfae9', true],
    ['2c6be8011f534f79a0bb4ea1c95dfae9', true],
    ['hfeABCDEFGHIJKLMNO', true],
    ['hfeABCDEFGHIJKLMNOP', false],
    ['with blank', false],
    ['', false],
  ])('client id %s: %s', (id, allowed) => {
    expect(isClientOrderId(id)).toBe(allowed);
  });
});

describe('bodies', () => {
  it('reads the same order from a form, raw brackets, and JSON', () => {
    const wanted = { nonce: '18446744073709551615', 'close[price]': '120', validate: 'true' };
    for (const body of [
      'nonce=18446744073709551615&close%5Bprice%5D=120&validate=true',
      'nonce=18446744073709551615&close[price]=120&validate=true',
      '{"nonce":18446744073709551615,"close":{"price":120},"validate":true}',
    ]) {
      expect(parseBody(body).values).toEqual(wanted);
    }
  });

  it('reads the orders of a batch from JSON and from a form', () => {
    const items = [{ values: { type: 'buy', volume: '0.0000001' } }, { values: { type: 'sell' } }];
    expect(parseBody('{"orders":[{"type":"buy","volume":1e-7},{"type":"sell"}]}').items.orders).toMatchObject(
      items,
    );
    expect(
      parseBody('orders[0][type]=buy&orders[0][volume]=0.0000001&orders[1][type]=sell').items.orders,
    ).toMatchObject(items);
  });
});

describe('checksums', () => {
  it('are CRC-32', () => expect(crc32('123456789')).toBe(0xcbf43926));

  it.each(checksums)('$name', ({ asks, bids, checksum }) => {
    const side = (levels: string[][]) =>
      new Map(levels.map(([price = '', quantity = '']) => [price, quantity]));
    expect(bookChecksum({ asks: side(asks), bids: side(bids) })).toBe(checksum);
  });
});

describe('the synthetic market', () => {
  const options = { seed: 5, volatility: 0.8 };
  const nowMs = 1_790_000_000_000;

  it('has one price at a moment, whoever asks and whenever', () => {
    expect(syntheticPrice(BTC, nowMs, options)).toBe(syntheticPrice(BTC, nowMs, { ...options }));
    expect(syntheticPrice(BTC, nowMs, options)).not.toBe(syntheticPrice(BTC, nowMs, { ...options, seed: 6 }));
  });

  it('moves as much in a minute as its volatility says, give or take half', () => {
    const moves = Array.from({ length: 400 }, (_, minute) => {
      const [from, to] = [0, 60_000].map((ms) =>
        Number(syntheticPrice(BTC, nowMs + minute * 60_000 + ms, options)),
      );
      return Math.log(to! / from!);
    });
    const deviation = Math.sqrt(moves.reduce((sum, move) => sum + move * move, 0) / moves.length);
    const expected = 0.8 * Math.sqrt(60 / 31_557_600);
    expect(deviation / expected).toBeGreaterThan(0.5);
    expect(deviation / expected).toBeLessThan(1.5);
  });

  it('has a past of twelve hours that ends now', () => {
    const { candles, trades } = syntheticHistory(BTC, nowMs, options);
    expect(candles.length).toBeGreaterThanOrEqual(720);
    expect(trades.length).toBeGreaterThan(300);
    expect(nowMs - trades.at(-1)!.timeMs).toBeLessThan(60_000);
  });
});
