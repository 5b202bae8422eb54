import { expect, test } from 'vitest';
import { ConfigError, loadConfig } from '../src/config.ts';

test("the account's currency is one that the exchange quotes in, USD unless told otherwise", () => {
  expect(loadConfig({}).HOLDFAST_ACCOUNT_CURRENCY).toBe('USD');
  expect(loadConfig({ HOLDFAST_ACCOUNT_CURRENCY: 'EUR' }).HOLDFAST_ACCOUNT_CURRENCY).toBe('EUR');
  expect(() => loadConfig({ HOLDFAST_ACCOUNT_CURRENCY: 'eur' })).toThrow(
    new ConfigError(
      'HOLDFAST_ACCOUNT_CURRENCY is "eur": must be one of USD, EUR, GBP, CAD, AUD, CHF, JPY, USDT, USDC',
    ),
  );
});

test('an exchange under a name of HOLDFAST_PAPER_HOSTS is one on paper, and lists orders as soon', () => {
  const given = { KRAKEN_API_URL: 'http://paper:7232' };
  expect(loadConfig(given)).toMatchObject({ isPaperExchange: false, listingLagMs: 60_000 });
  expect(loadConfig({ ...given, HOLDFAST_PAPER_HOSTS: 'paper' })).toMatchObject({
    isPaperExchange: true,
    listingLagMs: 1_000,
  });
});
