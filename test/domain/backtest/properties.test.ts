import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import '../support/fixed-seed.ts';
import type { Backtest, EquityPoint } from '../../../src/backtest/result.ts';
import { runBacktest } from '../../../src/backtest/run.ts';
import type { Series } from '../../../src/backtest/series.ts';
import { add, multiply, subtract, type Decimal } from '../../../src/domain/money.ts';
import { createRandom } from '../../../src/domain/random.ts';
import { findPair } from '../../../src/exchange/paper/pairs.ts';
import { candles, MINUTE_MS, minutesCsv, START_MS, START_S, trades, type Ohlc } from './support.ts';

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

/** One market of candles and one of trades, in either order of symbols, or only one of the two. */
const market = fc.record({
  seed: fc.integer({ min: 1, max: 1_000_000 }),
  volatility: fc.constantFrom<number>(0.0005, 0.002, 0.006),
  kinds: fc.constantFrom<readonly Series['kind'][]>(
    ['candles'],
    ['trades'],
    ['candles', 'trades'],
    ['trades', 'candles'],
  ),
  learn: fc.boolean(),
});
type Market = typeof market extends fc.Arbitrary<infer T> ? T : never;

const SYMBOLS = ['BTC/USD', 'ETH/USD'] as const;

function seriesOf(kind: Series['kind'], rows: readonly (Ohlc | null)[], symbol: string = SYMBOLS[0]): Series {
  return kind === 'candles' ? candles(minutesCsv(rows), symbol) : trades(tradesOf(rows), symbol);
}

function walksOf({ kinds, seed, volatility }: Market): (Ohlc | null)[][] {
  return kinds.map((_kind, index) => walk(seed + index * 7919, volatility));
}

function marketOf({ kinds }: Market, walks: readonly (readonly (Ohlc | null)[])[]): Series[] {
  return kinds.map((kind, index) => seriesOf(kind, walks[index]!, SYMBOLS[index]));
}

/** The candle as it would be had it opened there. */
function openedAt(open: number, [, high, low, close]: Ohlc): Ohlc {
  return [open, Math.max(open, high), Math.min(open, low), close];
}

function isShort({ side }: { readonly side: string }): boolean {
  return side === 'short';
}

/** What the fills up to a moment, it included, made of the cash. */
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

/** What is open of a symbol when a candle opens, at that price and a tick away from it. */
function worthAt(result: Backtest, symbol: string, timeMs: number, price: number): number {
  const tick = Number(findPair(symbol)!.tickSize);
  const isOpen = ({ entryTimeMs, symbol: of }: { entryTimeMs: number; symbol: string }) =>
    of === symbol && entryTimeMs <= timeMs;
  return [...result.trades.filter(({ exitTimeMs }) => exitTimeMs > timeMs), ...result.open]
    .filter(isOpen)
    .reduce((sum, { side, quantity, entryPrice }) => {
      const size = Number(quantity);
      return sum + (side === 'long' ? size * (price - tick) : size * (Number(entryPrice) - price - tick));
    }, 0);
}

describe('what holds of every backtest', { timeout: 120_000 }, () => {
  it('equity is cash plus positions at all times, and both are what the fills made of them', () => {
    const seen = { valued: 0, shorts: 0, steps: 0, booked: 0 };
    fc.assert(
      fc.property(market, (given) => {
        const points: EquityPoint[] = [];
        const walks = walksOf(given);
        const result = runBacktest(marketOf(given, walks), {
          learn: given.learn,
          observe: (point) => points.push(point),
        });
        const broken = points.filter(({ equity, cash, positions }) => equity !== add(cash, positions));
        expect(broken).toEqual([]);
        expect(points.length).toBeGreaterThan(100);
        const early = points.filter(({ timeMs }, index) => timeMs < (points[index - 1]?.timeMs ?? 0));
        expect(early, 'points out of time').toEqual([]);
        // Costs are rounded to five decimals a fill, quantity times price is not.
        const isNear = (one: number, other: number) => Math.abs(one - other) < 0.001;
        // Of several points of one moment, the last has seen all its fills.
        const settled = points.filter(({ timeMs }, index) => points[index + 1]?.timeMs !== timeMs);
        if (result.rolloverFees === '0') {
          for (const { timeMs, cash } of settled) {
            const booked = add('10000', cashFlows(result, timeMs));
            expect(isNear(Number(cash), Number(booked)), `cash at ${timeMs}`).toBe(true);
            seen.booked += 1;
          }
        }
        if (given.kinds.every((kind) => kind === 'candles')) {
          for (const { timeMs, positions } of result.equity) {
            const row = walks[0]![(timeMs - START_MS) / MINUTE_MS];
            if (!row) continue;
            const worth = worthAt(result, SYMBOLS[0], timeMs, row[0]);
            expect(isNear(Number(positions), worth), `positions at ${timeMs}`).toBe(true);
            if (worth !== 0) seen.valued += 1;
          }
        }
        const last = result.equity.at(-1)!;
        const gain = add(...result.trades.map(({ netPnl }) => netPnl));
        const unrealized = add(...result.open.map((open) => subtract(open.unrealizedPnl, open.entryFee)));
        const expected = subtract(add('10000', gain, unrealized), result.rolloverFees);
        expect(isNear(Number(last.equity), Number(expected))).toBe(true);
        if (result.open.length === 0) expect(last).toMatchObject({ positions: '0', exposure: '0' });
        seen.shorts += [...result.trades, ...result.open].filter(isShort).length;
        seen.steps += result.thresholds.length - 1;
      }),
      { numRuns: 8 },
    );
    // Or the property would say nothing of them.
    for (const [what, count] of Object.entries(seen)) expect(count, what).toBeGreaterThan(20);
  });

  it('never looks ahead: another future leaves the past as it was', () => {
    const compared = { closed: 0, shorts: 0, steps: 0 };
    fc.assert(
      fc.property(market, fc.integer({ min: 60, max: MINUTES - 20 }), (given, cut) => {
        const before = walksOf(given);
        const futures = walksOf({ ...given, seed: given.seed + 1, volatility: given.volatility * 2 });
        const other = before.map((rows, index) =>
          rows.map((row, minute) => {
            const next = futures[index]![minute] ?? null;
            if (minute < cut) return row;
            return minute > cut || row === null || next === null ? next : openedAt(row[0], next);
          }),
        );
        for (const [index, rows] of before.entries()) {
          // At the cut itself only the open is past.
          if (other[index]![cut] === null) rows[cut] = null;
          // The same span, or the samples of the equity would stand elsewhere.
          rows[MINUTES - 1] ??= [10_000, 10_000, 10_000, 10_000];
          other[index]![MINUTES - 1] = rows[MINUTES - 1]!;
        }
        const cutMs = START_MS + cut * MINUTE_MS;
        const past = (walks: readonly (Ohlc | null)[][]) => {
          const result = runBacktest(marketOf(given, walks), { learn: given.learn });
          const entered = [...result.trades, ...result.open].filter(
            ({ entryTimeMs }) => entryTimeMs <= cutMs,
          );
          return {
            closed: result.trades.filter(({ exitTimeMs }) => exitTimeMs <= cutMs),
            entered: entered
              .map(({ positionId, side, entryTimeMs, entryPrice, quantity }) => [
                ...[positionId, side, entryTimeMs, entryPrice, quantity],
              ])
              .sort(),
            equity: result.equity.filter(({ timeMs }) => timeMs <= cutMs),
            thresholds: result.thresholds.filter(({ timeMs }) => timeMs <= cutMs),
          };
        };
        const [one, two] = [past(before), past(other)];
        compared.closed += one.closed.length;
        compared.shorts += one.closed.filter(isShort).length;
        compared.steps += one.thresholds.length - 1;
        expect(two).toEqual(one);
      }),
      { numRuns: 8 },
    );
    for (const [what, count] of Object.entries(compared)) expect(count, what).toBeGreaterThan(10);
  });

  it('gives the same to the last byte again, with several symbols and learning', () => {
    const run = () =>
      JSON.stringify(
        runBacktest([seriesOf('candles', walk(7, 0.006)), seriesOf('trades', walk(8, 0.006), 'ETH/USD')], {
          learn: true,
          seed: 5,
        }),
      );
    const first = run();
    expect(run()).toBe(first);
    expect((JSON.parse(first) as Backtest).trades.length).toBeGreaterThan(20);
  });

  it('the order in which symbols are given changes no trade while money is enough for all', () => {
    const one = seriesOf('candles', walk(7, 0.006));
    const other = seriesOf('trades', walk(8, 0.006), 'ETH/USD');
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
