import { describe, expect, it } from 'vitest';
import { predictMomentum } from '../../../src/market/momentum.ts';
import { runBacktest } from '../../../src/backtest/run.ts';
import { STARTING_THRESHOLDS } from '../../../src/domain/thresholds.ts';
import { candles, flat, MINUTE_MS, minutesCsv, START_MS, tradeOnce, trades, type Ohlc } from './support.ts';

/*
 * Worked out by hand. A tick of BTC/USD is 0.1 and candles are quoted a tick to either side, so a candle at 9999.9
 * is bought at 10000.0 and sold at 9999.8. 100 USD buy 0.01; a leg costs 0.4 % of its cost, a short's opening 0.02 %
 * more. The minimum hold is 2 minutes. Flat prices have no volatility: the scale is 1.
 */
const AT = 9999.9;
const LONG = { entryPrice: '10000', quantity: '0.01', entryCost: '100', entryFee: '0.4' };

describe('each exit rule, by hand', () => {
  it('loss-limit: sold at -0.5 %, 9950', () => {
    const { trades: closed } = tradeOnce('long', [...flat(AT, 4), [AT, AT, 9900, 9960]]);
    // 0.01 × 9950 = 99.5; fee 99.5 × 0.4 % = 0.398; -0.5 - 0.4 - 0.398
    expect(closed).toMatchObject([
      {
        ...LONG,
        exitRule: 'loss-limit',
        exitPrice: '9950',
        exitCost: '99.5',
        exitFee: '0.398',
        netPnl: '-1.298',
      },
    ]);
  });

  it('take-profit: sold at +8 %, 10800', () => {
    const { trades: closed } = tradeOnce('long', [...flat(AT, 4), [AT, 11_000, AT, 11_000]]);
    // 108 - 100 - 0.4 - 108 × 0.4 % = 8 - 0.4 - 0.432
    expect(closed).toMatchObject([
      { exitRule: 'take-profit', exitPrice: '10800', exitFee: '0.432', netPnl: '7.168' },
    ]);
  });

  it('emergency-loss: sold at -20 %, 8000, in the minimum hold', () => {
    const { trades: closed } = tradeOnce('long', [...flat(AT, 1), [AT, AT, 7900, 7950], ...flat(7950, 1)]);
    // 80 - 100 - 0.4 - 0.32
    expect(closed).toMatchObject([{ exitRule: 'emergency-loss', exitPrice: '8000', netPnl: '-20.72' }]);
    expect(closed[0]!.heldMs).toBeLessThan(MINUTE_MS);
  });

  it('extraordinary-profit: sold at +50 %, 15000, in the minimum hold', () => {
    const { trades: closed } = tradeOnce('long', [
      ...flat(AT, 1),
      [AT, 15_100, AT, 15_050],
      ...flat(15_050, 1),
    ]);
    // 150 - 100 - 0.4 - 0.6
    expect(closed).toMatchObject([{ exitRule: 'extraordinary-profit', exitPrice: '15000', netPnl: '49' }]);
  });

  it('giveback: best +2 %, half of it given back, sold at 10100', () => {
    const rise: Ohlc = [AT, 10_200.1, AT, 10_200.1];
    const fall: Ohlc = [10_200.1, 10_200.1, 10_000, 10_050];
    const { trades: closed } = tradeOnce('long', [...flat(AT, 3), rise, fall]);
    // 101 - 100 - 0.4 - 0.404
    expect(closed).toMatchObject([
      { exitRule: 'giveback', exitPrice: '10100', bestReturn: 0.02, netPnl: '0.196' },
    ]);
  });

  it('ai-reversal: sold at the open after the first prediction that is sure enough', () => {
    const closes = [
      ...Array<number>(12).fill(AT),
      ...Array.from({ length: 20 }, (_, step) => AT - 10 * (step + 1)),
    ];
    const rows = closes.map((close, minute): Ohlc => {
      const open = minute === 0 ? AT : closes[minute - 1]!;
      return [open, open, close, close];
    });
    const patient = { ...STARTING_THRESHOLDS, minLossBeforeExit: -0.15, emergencyLossStop: -0.5 };
    const { trades: closed } = runBacktest([candles(minutesCsv(rows))], {
      thresholds: patient,
      signals: [
        { symbol: 'BTC/USD', timeMs: START_MS + MINUTE_MS, side: 'long', notional: '100', confidence: 0.5 },
      ],
    });
    const sureAt = closes.findIndex((_close, minute) => {
      const past = closes.slice(0, minute).map((close, index) => {
        const price = String(close);
        return { startMs: index, open: price, high: price, low: price, close: price, volume: '1' };
      });
      const prediction = predictMomentum(past, minute, 1);
      return prediction?.action === 'SELL' && prediction.confidence > 0.6;
    });
    expect(sureAt).toBeGreaterThan(12);
    const bid = (closes[sureAt - 1]! - 0.1).toFixed(1);
    expect(closed).toMatchObject([
      { exitRule: 'ai-reversal', exitTimeMs: START_MS + sureAt * MINUTE_MS, exitPrice: String(Number(bid)) },
    ]);
  });
});

describe('shorts, by hand', () => {
  // Sold at the bid of 10000.1, 10000.0: fee 0.4 + 0.02 for opening margin.
  const SHORT_AT = 10_000.1;

  it('loss-limit: bought back at +0.5 %, 10050', () => {
    const { trades: closed } = tradeOnce('short', [
      ...flat(SHORT_AT, 4),
      [SHORT_AT, 10_100, SHORT_AT, 10_090],
    ]);
    // 100 - 100.5 - 0.42 - 100.5 × 0.4 % = -0.5 - 0.42 - 0.402
    expect(closed).toMatchObject([
      { entryPrice: '10000', entryFee: '0.42', exitRule: 'loss-limit', exitPrice: '10050', netPnl: '-1.322' },
    ]);
  });

  it('a candle that touches both sides costs: the high comes first', () => {
    const { trades: closed } = tradeOnce('short', [...flat(SHORT_AT, 4), [SHORT_AT, 10_100, 9000, 9500]]);
    expect(closed).toMatchObject([{ exitRule: 'loss-limit', exitPrice: '10050' }]);
  });

  it('every four hours of margin cost 0.02 % of the entry, charged to cash, not to the trade', () => {
    const quiet = { minHoldTimeMinutes: 60 };
    const { equity, open, rolloverFees } = tradeOnce('short', flat(SHORT_AT, 12 * 60), quiet);
    expect(open).toHaveLength(1);
    // Open for 11 h 59 min: two rollovers of 0.02.
    expect(rolloverFees).toBe('0.04');
    expect(equity.at(-1)).toMatchObject({ cash: '9999.54' });
  });
});

describe('edges, by hand', () => {
  it('a gap through the stop fills at the open, not at the stop', () => {
    const { trades: closed } = tradeOnce('long', [...flat(AT, 4), [9800, 9810, 9790, 9800]]);
    // 0.01 × 9799.9 = 97.999; fee 0.391996 → 0.392; -2.001 - 0.4 - 0.392
    expect(closed).toMatchObject([{ exitRule: 'loss-limit', exitPrice: '9799.9', netPnl: '-2.793' }]);
  });

  it('a candle that touches stop and target is a loss', () => {
    const { trades: closed } = tradeOnce('long', [...flat(AT, 4), [AT, 11_000, 9900, 10_900]]);
    expect(closed).toMatchObject([{ exitRule: 'loss-limit', exitPrice: '9950', netPnl: '-1.298' }]);
  });

  it('the same touch inside the minimum hold exits nothing, and the end of the hold finds the profit', () => {
    const { trades: closed } = tradeOnce('long', [
      ...flat(AT, 1),
      [AT, 11_000, 9900, 10_900],
      ...flat(10_900, 3),
    ]);
    // Held until two minutes after the entry: 10899.9 is above +8 %.
    expect(closed).toMatchObject([
      { exitRule: 'take-profit', exitPrice: '10899.9', exitTimeMs: START_MS + 3 * MINUTE_MS },
    ]);
  });

  it('the last candle, perhaps cut short, moves marks but decides nothing on its close', () => {
    const { trades: closed, open, equity } = tradeOnce('long', flat(AT, 3));
    expect(closed).toEqual([]);
    expect(open).toMatchObject([{ markPrice: '9999.8', unrealizedPnl: '-0.002' }]);
    // 10000 - 100.4 + 0.01 × 9999.8
    expect(equity.at(-1)).toMatchObject({ cash: '9899.6', positions: '99.998', equity: '9999.598' });
  });

  it('missing candles: the price stands, time goes on, the next open is where it exits', () => {
    const gap = [null, null, null, null, null];
    const { trades: closed } = tradeOnce('long', [...flat(AT, 2), ...gap, [9900, 9900, 9900, 9900]]);
    // 0.01 × 9899.9 = 98.999; fee 0.395996 → 0.396; -1.001 - 0.4 - 0.396
    expect(closed).toMatchObject([
      { exitRule: 'loss-limit', exitPrice: '9899.9', exitTimeMs: START_MS + 7 * MINUTE_MS, netPnl: '-1.797' },
    ]);
  });

  it('trades: the end of the minimum hold exits at the quote that stands, without a new trade', () => {
    const rows = [
      [secondsIn(0), AT, 1],
      [secondsIn(60), AT, 1],
      [secondsIn(90), 9900, 1],
      [secondsIn(600), 9999, 1],
    ];
    const { trades: closed } = runBacktest([trades(rows.map((row) => row.join(',')).join('\n'))], {
      signals: [
        { symbol: 'BTC/USD', timeMs: START_MS + MINUTE_MS, side: 'long', notional: '100', confidence: 0.5 },
      ],
      predicts: false,
    });
    expect(closed).toMatchObject([
      { exitRule: 'loss-limit', exitPrice: '9899.9', exitTimeMs: START_MS + 3 * MINUTE_MS, netPnl: '-1.797' },
    ]);
  });

  it('several symbols share the capital: the other takes what one has left, fees kept back', () => {
    const one = candles(minutesCsv(flat(AT, 5)));
    const other = candles(minutesCsv(flat(2999.99, 5)), 'ETH/USD');
    const at = { timeMs: START_MS + MINUTE_MS, side: 'long' as const, notional: '100', confidence: 0.5 };
    const shared = (balance: string) =>
      runBacktest([one, other], {
        balance,
        predicts: false,
        signals: [
          { symbol: 'BTC/USD', ...at },
          { symbol: 'ETH/USD', ...at },
        ],
      });
    const [first, second] = shared('150').open;
    expect(second).toMatchObject({ symbol: 'ETH/USD', entryPrice: '3000' });
    const left = 150 - Number(first?.quantity) * Number(first?.entryPrice) - Number(first?.entryFee);
    const [most, lot] = [left / 1.008 / 3000, 1e-8];
    expect(Number(second?.quantity)).toBeLessThanOrEqual(most);
    expect(Number(second?.quantity)).toBeGreaterThan(most - 2 * lot);

    const { open, skipped } = shared('103');
    expect(open.map(({ symbol }) => symbol)).toEqual(['BTC/USD']);
    expect(skipped).toEqual({ 'insufficient-funds': 1 });
  });

  it('a risk limit holds as it holds live', () => {
    const limits = {
      maxOpenPositions: 0,
      maxPositionsPerSymbol: 10,
      maxNotional: null,
      maxExposure: null,
      maxDailyLoss: null,
      maxDrawdown: null,
    };
    expect(tradeOnce('long', flat(AT, 4), {}, { limits }).skipped).toEqual({ maxOpenPositions: 1 });
    const smaller = { ...limits, maxOpenPositions: 1, maxNotional: '60' };
    const { trades, open } = tradeOnce('long', flat(AT, 4), {}, { limits: smaller });
    const [taken] = [...trades, ...open];
    expect(Number(taken?.quantity) * Number(taken?.entryPrice)).toBeCloseTo(60, 3);
  });
});

function secondsIn(seconds: number): number {
  return START_MS / 1000 + seconds;
}
