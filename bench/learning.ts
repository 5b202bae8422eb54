import { pathToFileURL } from 'node:url';
import { MARKET_NAMES } from '../test/support/synthetic-market.ts';
import { convergence, type ConvergenceRow } from './learning/convergence.ts';
import { speeds, stepCost } from './learning/cost.ts';
import { walkForward } from './learning/walk-forward.ts';

/** Not the seeds that the learning rates were chosen with. */
const SEEDS = [201, 202, 203, 204, 205];
const CONVERGENCE = { trades: 500, tradesPerStep: 5, judgedSignals: 400 };

/** The rows of the benchmark `learning`, as they are ready. */
export function* learningRows(): Generator<object> {
  yield* speeds();
  for (const studies of [125, 250, 500, 1000, 2000]) yield stepCost(studies);
  yield* walkForward(new URL('../data/coinbase-btcusd-1h-2017-2018.csv', import.meta.url));
  const rows: ConvergenceRow[] = [];
  for (const seed of SEEDS) {
    for (const market of MARKET_NAMES) {
      const row = convergence(market, seed, CONVERGENCE);
      rows.push(row);
      yield row;
    }
  }
  yield summary(rows);
}

function summary(rows: readonly ConvergenceRow[]): object {
  const share = (name: 'startShare' | 'learnedShare' | 'randomShare') => {
    const ordered = rows.map((row) => row[name]).sort((left, right) => left - right);
    const middle = ordered.length / 2;
    return {
      median: (ordered[Math.ceil(middle) - 1]! + ordered[Math.floor(middle)]!) / 2,
      worst: ordered[0]!,
    };
  };
  return {
    bench: 'learning',
    row: 'convergence-summary',
    runs: rows.length,
    learnedAtLeast90Percent: rows.filter((row) => row.learnedShare >= 0.9).length,
    startShare: share('startShare'),
    learnedShare: share('learnedShare'),
    randomShare: share('randomShare'),
  };
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  for (const row of learningRows()) console.log(JSON.stringify(row));
}
