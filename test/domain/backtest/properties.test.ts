import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import '../support/fixed-seed.ts';
import type { Backtest, EquityPoint } from '../../../src/backtest/result.ts';
import { runBacktest } from '../../../src/backtest/run.ts';
import type { Series } from '../../../src/backtest/series.ts';
import { add, multiply, subtract, type Decimal } from '../../../src/domain/money.ts';
import { createRandom } from '../../../src/domain/random.ts';
import { candles, minutesCsv, START_MS, START_S, trades, type Ohlc } from './support.ts';

const MINUTES = 300;

/** A random walk of candles with jumps between them; some minutes are missing. */
function walk(seed: number, volatility: number): (Ohlc | null)[] {
  const random = createRandom(`walk:${seed}`);
  let price = 10_000;
  const step = () => Number((price * Math.exp(volatility * random.normal())).toFixed(1));
  return Array.from({ length: MINUTES }, () => {
    const steps = [step()];
    for (let count = 0; count < 4; count += 1) {
      price = steps.at(-1)!;
      steps.push(step());
    }
    price = steps.at(-1)!;
    return random.uniform() < 0.02 ? null : [steps[0]!, Math.max(...steps), Math.min(...steps), price];
  });
}

/** The same walk as trades, a few a minute, some with a known taker. */
function tradesOf(rows: readonly (Ohlc | null)[]): string {
  const lines = rows.flatMap((row, minute) =>
    (row ?? []).map(
      (price, quarter) =>
        `${START_S + minute * 60 + quarter * 14},${price},1,${quarter % 2 ? 'buy' : 'sell'}`,
    ),
  );
  return ['time,price,volume,side', ...lines].join('\n');
}

const market = fc.record({
  seed: fc.integer({ min: 1, max: 1_000_000 }),
  volatility: fc.constantFrom<number>(0.0005, 0.002, 0.006),
  kind: fc.constantFrom('candles' as const, 'trades' as const),
});
type Market = typeof market extends fc.Arbitrary<infer T> ? T : never;

function seriesOf({ kind }: Market, rows: readonly (Ohlc | null)[], symbol = 'BTC/USD'): Series {
  return kind === 'candles' ? candles(minutesCsv(rows), symbol) : trades(tradesOf(rows), symbol);
}

function cashFlows(result: Backtest, untilMs: number): Decimal {
  let cash: Decimal = '0';
  for (const trade of result.trades) {
    const isLong = trade.side === 'long';
    if (trade.entryTimeMs <= untilMs)
      cash = subtract(cash, isLong ? add(trade.entryCost, trade.entryFee) : trade.entryFee);
    if (trade.exitTimeMs > untilMs) continue;
    const proceeds = isLong ? trade.exitCost : subtract(trade.entryCost, trade.exitCost);
    cash = subtract(add(cash, proceeds), trade.exitFee);
  }
  for (const open of result.open) {
    if (open.entryTimeMs > untilMs) continue;
    const cost = multiply(open.quantity, open.entryPrice);
    cash = subtract(cash, open.side === 'long' ? add(cost, open.entryFee) : open.entryFee);
  }
  return cash;
}

describe('what holds of every backtest', { timeout: 60_000 }, () => {
  it('equity is cash plus positions at all times, and cash is what the fills made of it', () => {
    fc.assert(
      fc.property(market, (given) => {
        const points: EquityPoint[] = [];
        const result = runBacktest([seriesOf(given, walk(given.seed, given.volatility))], {
          observe: (point) => points.push(point),
        });
        const broken = points.filter(({ equity, cash, positions }) => equity !== add(cash, positions));
        expect(broken).toEqual([]);
        expect(points.length).toBeGreaterThan(100);
        const last = result.equity.at(-1)!;
        const booked = subtract(add('10000', cashFlows(result, Infinity)), result.rolloverFees);
        // Costs are rounded to five decimals a fill, quantity times price is not.
        expect(Math.abs(Number(subtract(last.cash, booked)))).toBeLessThan(0.0001);
        const gain = add(...result.trades.map(({ netPnl }) => netPnl));
        const unrealized = add(...result.open.map((open) => subtract(open.unrealizedPnl, open.entryFee)));
        const expected = subtract(add('10000', gain, unrealized), result.rolloverFees);
        expect(Math.abs(Number(subtract(last.equity, expected)))).toBeLessThan(0.0001);
        if (result.open.length === 0) expect(last).toMatchObject({ positions: '0', exposure: '0' });
      }),
      { numRuns: 8 },
    );
  });

  it('never looks ahead: another future leaves the past as it was', () => {
    let compared = 0;
    fc.assert(
      fc.property(market, fc.integer({ min: 60, max: MINUTES - 20 }), fc.boolean(), (given, cut, learn) => {
        const before = walk(given.seed, given.volatility);
        const after = walk(given.seed + 1, given.volatility * 2);
        const other = before.map((row, minute) => (minute < cut ? row : (after[minute] ?? null)));
        // The same span, or the samples of the equity would stand elsewhere.
        before[MINUTES - 1] ??= [10_000, 10_000, 10_000, 10_000];
        other[MINUTES - 1] = before[MINUTES - 1]!;
        const cutMs = START_MS + cut * 60_000;
        const past = (rows: readonly (Ohlc | null)[]) => {
          const result = runBacktest([seriesOf(given, rows)], { learn });
          const entered = [...result.trades, ...result.open].filter(({ entryTimeMs }) => entryTimeMs < cutMs);
          return {
            closed: result.trades.filter(({ exitTimeMs }) => exitTimeMs < cutMs),
            entered: entered
              .map(({ positionId, entryTimeMs, entryPrice, quantity }) => [
                positionId,
                entryTimeMs,
                entryPrice,
                quantity,
              ])
              .sort(),
            equity: result.equity.filter(({ timeMs }) => timeMs < cutMs),
            thresholds: result.thresholds.filter(({ timeMs }) => timeMs < cutMs),
          };
        };
        const [one, two] = [past(before), past(other)];
        compared += one.closed.length;
        expect(two).toEqual(one);
      }),
      { numRuns: 8 },
    );
    // Or the property would say nothing.
    expect(compared).toBeGreaterThan(20);
  });

  it('gives the same to the last byte again, with several symbols and learning', () => {
    const run = () =>
      JSON.stringify(
        runBacktest(
          [
            seriesOf({ seed: 7, volatility: 0.006, kind: 'candles' }, walk(7, 0.006)),
            seriesOf({ seed: 8, volatility: 0.006, kind: 'trades' }, walk(8, 0.006), 'ETH/USD'),
          ],
          { learn: true, seed: 5 },
        ),
      );
    const first = run();
    expect(run()).toBe(first);
    expect((JSON.parse(first) as Backtest).trades.length).toBeGreaterThan(20);
  });

  it('the order in which symbols are given changes no trade while money is enough for all', () => {
    const one = seriesOf({ seed: 7, volatility: 0.006, kind: 'candles' }, walk(7, 0.006));
    const other = seriesOf({ seed: 8, volatility: 0.006, kind: 'trades' }, walk(8, 0.006), 'ETH/USD');
    const ofSymbol = (result: Backtest, symbol: string) =>
      result.trades
        .filter((trade) => trade.symbol === symbol)
        .map(({ entryTimeMs, exitTimeMs, exitRule, exitPrice }) => [
          entryTimeMs,
          exitTimeMs,
          exitRule,
          exitPrice,
        ]);
    const together = runBacktest([one, other]);
    const turned = runBacktest([other, one]);
    const alone = runBacktest([one]);
    expect(ofSymbol(turned, 'BTC/USD')).toEqual(ofSymbol(together, 'BTC/USD'));
    expect(ofSymbol(turned, 'ETH/USD')).toEqual(ofSymbol(together, 'ETH/USD'));
    expect(ofSymbol(alone, 'BTC/USD')).toEqual(ofSymbol(together, 'BTC/USD'));
  });
});
