import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  checkEntry,
  NO_LIMITS,
  type EntryRequest,
  type RiskLimits,
  type RiskSnapshot,
} from '../../src/domain/risk.ts';

const NOW_MS = Date.UTC(2026, 5, 1, 9);
const calm: RiskSnapshot = {
  nowMs: NOW_MS,
  halt: null,
  openPositions: 0,
  openPositionsOfSymbol: 0,
  exposure: '0',
  freeCash: null,
  realizedToday: '0',
  equity: '10000',
  dayStartEquity: '10000',
  peakEquity: '10000',
  ended: null,
};
const asked: EntryRequest = { tradeId: 't1', symbol: 'BTC/USD', notional: '250', signalExpiresAtMs: null };

function judge(
  limits: Partial<RiskLimits>,
  snapshot: Partial<RiskSnapshot> = {},
  request: Partial<EntryRequest> = {},
) {
  return checkEntry({ ...NO_LIMITS, ...limits }, { ...calm, ...snapshot }, { ...asked, ...request });
}

describe('each limit, at its edge and one beyond, naming limit, value and what was asked', () => {
  const edges: [string, Partial<RiskLimits>, Partial<RiskSnapshot>, Partial<RiskSnapshot>, string][] = [
    [
      'maxOpenPositions',
      { maxOpenPositions: 3 },
      { openPositions: 2 },
      { openPositions: 3 },
      'maxOpenPositions is 3: 3 are open or reserved, 1 more was asked',
    ],
    [
      'maxPositionsPerSymbol',
      { maxPositionsPerSymbol: 2 },
      { openPositionsOfSymbol: 1, openPositions: 9 },
      { openPositionsOfSymbol: 2 },
      'maxPositionsPerSymbol is 2: 2 of BTC/USD are open or reserved, 1 more was asked',
    ],
    [
      'maxExposure',
      { maxExposure: '1000.00' },
      { exposure: '750' },
      { exposure: '750.00000001' },
      'maxExposure is 1000.00: 750.00000001 is in use, 250 more was asked',
    ],
    [
      'funds',
      {},
      { freeCash: '250' },
      { freeCash: '249.99' },
      'funds: 249.99 is free on the exchange, 250 was asked',
    ],
    [
      'maxDailyLoss',
      { maxDailyLoss: '100' },
      { realizedToday: '-99.99' },
      { realizedToday: '-100' },
      'maxDailyLoss is 100: 100 was lost today; entries begin again at midnight UTC',
    ],
    [
      'maxDailyLoss',
      { maxDailyLoss: '100' },
      { realizedToday: '-20', dayStartEquity: '10000', equity: '9900.01' },
      { realizedToday: '-20', dayStartEquity: '10000', equity: '9900' },
      'maxDailyLoss is 100: 100 was lost today, equity fell from 10000 to 9900; entries begin again at midnight UTC',
    ],
    [
      'maxDrawdown',
      { maxDrawdown: 0.1 },
      { equity: '9000.01', peakEquity: '10000' },
      { equity: '9000', peakEquity: '10000' },
      'maxDrawdown is 0.1: equity is 9000, its peak was 10000; entries begin again above 9000, or after: holdfast resume --reset-drawdown',
    ],
  ];
  test.each(edges)('%s (%#)', (limit, limits, inside, beyond, message) => {
    expect(judge(limits, inside)).toBeNull();
    expect(judge(limits, beyond)).toEqual({ limit, message });
  });

  test('maxNotional', () => {
    expect(judge({ maxNotional: '250.0' })).toBeNull();
    expect(judge({ maxNotional: '250' }, {}, { notional: '250.01' })).toEqual({
      limit: 'maxNotional',
      message: 'maxNotional is 250: 250.01 was asked',
    });
  });
});

test('money paid in hides no loss of the trades', () => {
  const paidIn = { realizedToday: '-100', dayStartEquity: '10000', equity: '15000' };
  expect(judge({ maxDailyLoss: '100' }, paidIn)?.message).toMatch(/100 was lost today; /);
  expect(judge({ maxDailyLoss: '100.01' }, paidIn)).toBeNull();
  expect(judge({ maxDailyLoss: '100' }, { ...paidIn, realizedToday: '0', dayStartEquity: null })).toBeNull();
});

test('a drawdown that can not be shown is not allowed, and is not asked for without the limit', () => {
  expect(judge({ maxDrawdown: 0.1 }, { equity: null })?.limit).toBe('maxDrawdown');
  expect(judge({ maxDrawdown: 0.1 }, { peakEquity: null })?.limit).toBe('maxDrawdown');
  expect(judge({}, { equity: null, peakEquity: null })).toBeNull();
});

test('a halt, an ended trade, an expired signal and a notional of nothing are refused', () => {
  const halt = { reason: 'operator', startedAtMs: NOW_MS - 1000 };
  expect(judge({}, { halt })).toEqual({
    limit: 'halted',
    message: 'entries are halted since 2026-06-01T08:59:59.000Z: operator',
  });
  expect(judge({}, { ended: 'closed: take-profit' })?.message).toBe(
    'trade t1 has ended already: closed: take-profit',
  );
  expect(judge({}, {}, { signalExpiresAtMs: NOW_MS + 1 })).toBeNull();
  expect(judge({}, {}, { signalExpiresAtMs: NOW_MS })?.limit).toBe('signal-expired');
  expect(judge({}, {}, { notional: '0' })?.limit).toBe('notional');
});

test('a halt comes first, whatever else is wrong', () => {
  const everything: RiskLimits = {
    maxOpenPositions: 0,
    maxPositionsPerSymbol: 0,
    maxNotional: '1',
    maxExposure: '1',
    maxDailyLoss: '0',
    maxDrawdown: 0,
  };
  const halt = { reason: 'r', startedAtMs: NOW_MS };
  expect(judge(everything, { halt, ended: 'x' })?.limit).toBe('halted');
});

test('filling up one by one stops exactly at the exposure limit', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: 100_000 }), { minLength: 1, maxLength: 40 }),
      fc.integer({ min: 1, max: 500_000 }),
      (cents, limitCents) => {
        const amount = (value: number) => (value / 100).toFixed(2);
        let used = 0;
        for (const cent of cents) {
          const refusal = judge(
            { maxExposure: amount(limitCents) },
            { exposure: amount(used) },
            { notional: amount(cent) },
          );
          expect(refusal === null).toBe(used + cent <= limitCents);
          if (refusal === null) used += cent;
        }
      },
    ),
  );
});
