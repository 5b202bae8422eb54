import { PAIRS, type Pair } from '../../src/exchange/paper/pairs.ts';
import type { TopOfBook } from '../../src/exchange/paper/book.ts';
import { add } from '../../src/domain/money.ts';

/** The symbols that benchmarks trade: of the paper exchange, in USD, none that keeps to a fixed price. */
export const BENCH_PAIRS: readonly Pair[] = PAIRS.filter(
  ({ base, quote, stable }) => quote.id === 'ZUSD' && !stable && !base.fiat,
).slice(0, 50);

export const BENCH_SYMBOLS = BENCH_PAIRS.map(({ symbol }) => symbol);

/** Pairs on which a step of 0.05% is several ticks. */
export const FINE_PAIRS = BENCH_PAIRS.filter(
  ({ tickSize, startPrice }) => Number(tickSize) / Number(startPrice) < 0.0001,
);

export function startTop({ startPrice, tickSize }: Pair): TopOfBook {
  return { bid: startPrice, ask: add(startPrice, tickSize) };
}
