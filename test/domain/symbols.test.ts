import { expect, it } from 'vitest';
import { baseAsset, normalizeSymbol, quoteAsset } from '../../src/domain/symbols.ts';

it.each([
  ['BTC/USD', 'BTC/USD'],
  ['btc-usd', 'BTC/USD'],
  [' XBT/USD ', 'BTC/USD'],
  ['XBTUSD', 'BTC/USD'],
  ['XXBTZUSD', 'BTC/USD'],
  ['XETHXXBT', 'ETH/BTC'],
  ['XETHZEUR', 'ETH/EUR'],
  ['ETHXBT', 'ETH/BTC'],
  ['XDGUSD', 'DOGE/USD'],
  ['USDTZUSD', 'USDT/USD'],
  ['ZEURZUSD', 'EUR/USD'],
  ['SOLUSDT', 'SOL/USDT'],
  // Bases that end, or seem to end, in the prefix of an old quote.
  ['XTZUSD', 'XTZ/USD'],
  ['TRXXBT', 'TRX/BTC'],
  ['TRXETH', 'TRX/ETH'],
  ['ICXUSD', 'ICX/USD'],
])('understands %s', (spelling, symbol) => {
  expect(normalizeSymbol(spelling)).toBe(symbol);
});

it.each(['', 'BTC', 'USD', 'BTC/USD/EUR', 'BTC USD', "BTC'; DROP", 'FOOBARBAZ'])('refuses %j', (input) => {
  expect(normalizeSymbol(input)).toBeNull();
});

it('is stable, and parts into its assets', () => {
  expect(normalizeSymbol(normalizeSymbol('XXBTZUSD') ?? '')).toBe('BTC/USD');
  expect([baseAsset('BTC/USD'), quoteAsset('BTC/USD')]).toEqual(['BTC', 'USD']);
});
