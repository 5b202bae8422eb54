import { pathToFileURL } from 'node:url';
import { MARKET_NAMES } from '../test/support/synthetic-market.ts';
import { convergence, type ConvergenceOptions, type ConvergenceRow } from './learning/convergence.ts';
import { speeds, stepCost } from './learning/cost.ts';
import { walkForward } from './learning/walk-forward.ts';

/** Not the seeds that the learning rates were chosen with. The markets take turns. */
const FIRST_SEED = 201;
const SEEDS = 20;
const CONVERGENCE = { trades: 500, tradesPerStep: 5, judgedSignals: 2000, searchedSignals: 200 };
const QUICK = { trades: 50, tradesPerStep: 25, judgedSignals: 20, searchedSignals: 2 };
/** Log growth per signal. Where not even the best policy earns as much, a share of it says nothing. */
const LEAST_GROWTH = 1e-4;

/** The rows of the benchmark `learning`, as they are ready. */
export function* learningRows({ quick }: { readonly quick: boolean }): Generator<object> {
  yield* speeds();
  for (const studies of quick ? [125] : [125, 250, 500, 1000, 2000]) yield stepCost(studies);
  if (!quick) yield* walkForward(new URL('../data/coinbase-btcusd-1h-2017-2018.csv', import.meta.url));
  yield* convergences(FIRST_SEED, quick ? MARKET_NAMES.length : SEEDS, quick ? QUICK : CONVERGENCE);
}

/** A row per seed, then what they come to. */
export function* convergences(
  firstSeed: number,
  seeds: number,
  options: ConvergenceOptions,
): Generator<object> {
  const rows: ConvergenceRow[] = [];
  for (let seed = firstSeed; seed < firstSeed + seeds; seed += 1) {
    const row = convergence(MARKET_NAMES[seed % MARKET_NAMES.length]!, seed, options);
    rows.push(row);
    yield row;
  }
  yield summary(rows);
}

function summary(rows: readonly ConvergenceRow[]): object {
  const counted = rows.filter(({ bestGrowth }) => bestGrowth >= LEAST_GROWTH);
  const share = (name: 'startShare' | 'learnedShare' | 'randomShare') => {
    const ordered = counted.map((row) => row[name]).sort((left, right) => left - right);
    const middle = ordered.length / 2;
    return {
      median: (ordered[Math.ceil(middle) - 1]! + ordered[Math.floor(middle)]!) / 2,
      worst: ordered[0]!,
    };
  };
  return {
    bench: 'learning',
    row: 'convergence-summary',
    runs: counted.length,
    withoutGain: rows.length - counted.length,
    learnedAtLeast90Percent: counted.filter((row) => row.learnedShare >= 0.9).length,
    startShare: share('startShare'),
    learnedShare: share('learnedShare'),
    randomShare: share('randomShare'),
  };
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  for (const row of learningRows({ quick: process.argv.includes('--quick') }))
    console.log(JSON.stringify(row));
}
