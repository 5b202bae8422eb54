import { describe, expect, test } from 'vitest';
import { accountValue, valuedSymbols } from '../../src/domain/equity.ts';

/** 100 USD, 50 EUR and half a bitcoin; a short of 2 ETH that fetched 5,000 USD. */
const BALANCES = [
  { asset: 'USD', total: '100' },
  { asset: 'EUR', total: '50' },
  { asset: 'BTC', total: '0.5' },
];
const MARGIN = [
  { symbol: 'ETH/USD', side: 'sell', quantity: '2', closedQuantity: '0', cost: '5000' },
] as const;
const PRICES = [
  { symbol: 'EUR/USD', bid: '1.2', ask: '1.25' },
  { symbol: 'BTC/USD', bid: '60000', ask: '60001' },
  { symbol: 'BTC/EUR', bid: '48000', ask: '48001' },
  { symbol: 'ETH/USD', bid: '2399', ask: '2400' },
];

describe('what an account is worth in its currency', () => {
  test('dollars', () => {
    expect(accountValue(BALANCES, MARGIN, PRICES, 'USD')).toEqual({
      // 100 + 50 · 1.2 + 0.5 · 60000, and the short gained 5000 − 2 · 2400
      equity: '30360',
      cash: '100',
      exposure: '34860',
    });
  });

  test('euros: what is only listed the other way round is bought back at its ask', () => {
    expect(accountValue(BALANCES, MARGIN, PRICES, 'EUR')).toEqual({
      // 50 + 100 / 1.25 + 0.5 · 48000, and a gain of 200 / 1.25
      equity: '24290',
      cash: '50',
      exposure: '27920',
    });
    expect(valuedSymbols(BALANCES, MARGIN, 'EUR')).toEqual(
      expect.arrayContaining(['EUR/USD', 'BTC/EUR', 'ETH/USD']),
    );
  });

  test('what has no price counts nothing', () => {
    expect(accountValue(BALANCES, [], [], 'EUR')).toEqual({ equity: '50', cash: '50', exposure: '0' });
  });
});
