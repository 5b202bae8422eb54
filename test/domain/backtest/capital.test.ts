import { describe, expect, it } from 'vitest';
import type { GivenSignal } from '../../../src/backtest/settings.ts';
import { runBacktest } from '../../../src/backtest/run.ts';
import { DEFAULT_SETTINGS } from '../../../src/backtest/settings.ts';
import { NO_PROTECTIONS } from '../../../src/domain/protections.ts';
import { STARTING_THRESHOLDS } from '../../../src/domain/thresholds.ts';
import { candles, flat, MINUTE_MS, minutesCsv, START_MS, type Ohlc } from './support.ts';

/** Worked out by hand, as in hand-checked.test.ts: 9999.9 is bought at 10000.0 and sold at 9999.8. */
const AT = 9999.9;

function signal(
  symbol: string,
  minute: number,
  confidence: number,
  side: 'long' | 'short' = 'long',
): GivenSignal {
  return { symbol, timeMs: START_MS + minute * MINUTE_MS, side, notional: '100', confidence };
}

describe('rotation of capital', () => {
  const series = ['BTC/USD', 'ETH/USD'].map((symbol) => candles(minutesCsv(flat(AT, 8)), symbol));
  const limits = { ...DEFAULT_SETTINGS.limits, maxOpenPositions: 1 };

  it('a better signal gets the place of a weaker position, which exits at the mark and pays its fees', () => {
    const signals = [signal('BTC/USD', 1, 0.3), signal('ETH/USD', 4, 0.61)];
    const { trades, open, skipped } = runBacktest(series, { limits, signals });
    // 0.01 × 9999.8 = 99.998, its fee of 0.4 % is 0.39999; -0.002 - 0.4 - 0.39999
    expect(trades).toMatchObject([
      { symbol: 'BTC/USD', exitRule: 'rotation', exitPrice: '9999.8', netPnl: '-0.80199' },
    ]);
    expect(trades[0]!.exitTimeMs).toBe(START_MS + 4 * MINUTE_MS);
    expect(open).toMatchObject([{ symbol: 'ETH/USD', entryTimeMs: START_MS + 4 * MINUTE_MS }]);
    expect(skipped).toEqual({});
  });

  it.each([
    ['better by no more than the urgency', signal('ETH/USD', 4, 0.6)],
    ['within the minimum hold of two minutes', signal('ETH/USD', 2, 0.9)],
    ['of the same symbol and side', signal('BTC/USD', 4, 0.9)],
  ])('none for a signal %s', (_why, second) => {
    const { trades, open, skipped } = runBacktest(series, {
      limits,
      signals: [signal('BTC/USD', 1, 0.3), second],
    });
    expect(trades).toEqual([]);
    expect(open).toMatchObject([{ symbol: 'BTC/USD' }]);
    expect(skipped).toEqual({ maxOpenPositions: 1 });
  });

  it('makes room for a signal that the money is missing for', () => {
    const { trades, open } = runBacktest(series, {
      balance: '101',
      signals: [signal('BTC/USD', 1, 0.3), signal('ETH/USD', 4, 0.9)],
    });
    expect(trades).toMatchObject([{ symbol: 'BTC/USD', exitRule: 'rotation' }]);
    expect(open).toMatchObject([{ symbol: 'ETH/USD' }]);
  });
});

describe('the place of a position', () => {
  // Up 3 % a minute: held for a minute, then sold at a profit as the next interval ends.
  const rows = Array.from({ length: 30 }, (_, minute): Ohlc => {
    const [open, close] = [10_000 * 1.03 ** minute, 10_000 * 1.03 ** (minute + 1)].map((price) =>
      Number(price.toFixed(1)),
    );
    return [open!, close!, open!, close!];
  });

  it('is not free for the scan of the moment of its exit, which live would still see it open', () => {
    // A silent minute in between gives the model the noise it measures by.
    const noisy = rows.map((row, minute): Ohlc =>
      minute % 4 === 3 ? [row[0], row[0], row[0], row[0]] : row,
    );
    const { trades, skipped } = runBacktest([candles(minutesCsv(noisy))], {
      thresholds: {
        ...STARTING_THRESHOLDS,
        minHoldTimeMinutes: 1,
        profitTakingThreshold: 0.02,
        // No prediction holds it.
        aiConfidenceRespectThreshold: 0.95,
      },
      rules: { ...DEFAULT_SETTINGS.rules, maxPerSymbol: 1 },
    });
    expect(trades.length).toBeGreaterThan(3);
    const exits = new Set(trades.map(({ exitTimeMs }) => exitTimeMs));
    expect(trades.filter(({ entryTimeMs }) => exits.has(entryTimeMs))).toEqual([]);
    expect(skipped['scan-limit']).toBeGreaterThan(0);
  });
});

describe('pauses after bad luck', () => {
  // Bought at minute 1; minute 4 falls through -0.5 %, a stop.
  const rows: Ohlc[] = [...flat(AT, 4), [AT, AT, 9900, AT], ...flat(AT, 12)];
  const again = (minute: number) => {
    const { trades, open, skipped } = runBacktest([candles(minutesCsv(rows))], {
      protections: { ...NO_PROTECTIONS, cooldownMs: 5 * MINUTE_MS },
      signals: [signal('BTC/USD', 1, 0.5), signal('BTC/USD', minute, 0.5)],
    });
    expect(trades[0]).toMatchObject({ exitRule: 'loss-limit' });
    return { open: open.length, skipped };
  };

  it('a cooldown keeps entries out of the symbol until it is over', () => {
    expect(again(9)).toEqual({ open: 0, skipped: { cooldown: 1 } });
    expect(again(10)).toEqual({ open: 1, skipped: {} });
  });

  it('a stop in one symbol keeps entries out of all, a poor close only out of its own', () => {
    const series = [
      candles(minutesCsv(rows), 'BTC/USD'),
      candles(minutesCsv(flat(AT, rows.length)), 'ETH/USD'),
    ];
    const signals = [signal('BTC/USD', 1, 0.5), signal('ETH/USD', 7, 0.5), signal('BTC/USD', 8, 0.5)];
    const windowMs = 10 * MINUTE_MS;
    const stops = { ...NO_PROTECTIONS, stoplossGuard: { stops: 1, windowMs } };
    expect(runBacktest(series, { protections: stops, signals }).skipped).toEqual({ stoplossGuard: 2 });
    const poor = { ...NO_PROTECTIONS, lowProfit: { trades: 1, windowMs, leastReturn: 0 } };
    const result = runBacktest(series, { protections: poor, signals });
    expect(result.skipped).toEqual({ lowProfit: 1 });
    expect(result.open).toMatchObject([{ symbol: 'ETH/USD' }]);
  });

  it('one trade takes no more than its share of equity', () => {
    const { open } = runBacktest([candles(minutesCsv(flat(AT, 4)))], {
      balance: '1000',
      protections: { ...NO_PROTECTIONS, maxEquityShare: 0.05 },
      signals: [signal('BTC/USD', 1, 0.5)],
    });
    expect(open).toMatchObject([{ quantity: '0.005' }]);
  });
});
