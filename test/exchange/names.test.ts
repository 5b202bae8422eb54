import { expect, it } from 'vitest';
import { assetName, createPairNames, guessAltname } from '../../src/exchange/kraken/names.ts';
import { assetPair } from '../../src/exchange/kraken/parse.ts';
import { PAIRS } from './scripted-kraken.ts';

const names = createPairNames(
  new Map(Object.entries(PAIRS).map(([id, pair]) => [id, assetPair.parse(pair)] as const)),
);

it.each([
  ['XXBTZUSD', 'BTC/USD'],
  ['XBTUSD', 'BTC/USD'],
  ['XBT/USD', 'BTC/USD'],
  ['SOLUSD', 'SOL/USD'],
  ['XDGUSD', 'DOGE/USD'],
  ['?', '?'],
])('reads %s as %s', (pair, symbol) => {
  expect(names.symbolOf(pair)).toBe(symbol);
});

it('knows the ids of listed pairs only', () => {
  expect(names.pairId('BTC/USD')).toBe('XXBTZUSD');
  expect(names.pairId('SOL/USD')).toBe('SOLUSD');
  expect(names.pairId('XDG/USD')).toBeNull();
});

it.each(Object.values(PAIRS).map((pair) => [pair.wsname, pair.altname]))(
  'guesses what %s is called without the list',
  (wsname, altname) => {
    expect(guessAltname(names.symbolOf(wsname))).toBe(altname);
  },
);

it.each([
  ['XXBT', 'BTC'],
  ['ZUSD', 'USD'],
  ['XBT.F', 'BTC.F'],
  ['ETH2.S', 'ETH2.S'],
  ['SOL', 'SOL'],
])('calls the asset %s %s', (asset, name) => {
  expect(assetName(asset)).toBe(name);
});
