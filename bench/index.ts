import { backtestRows } from './backtest.ts';
import { exitRows } from './exit.ts';
import { ledgerRows } from './ledger.ts';
import { learningRows } from './learning.ts';
import { marksRows } from './marks.ts';
import { memoryRows } from './memory.ts';
import type { BenchOptions } from './options.ts';

type Rows = (options: BenchOptions) => Iterable<object> | AsyncIterable<object>;

/**
 * `npm run bench -- [NAME…] --json`: one JSON line a row; all of them when none is named. `--positions=N` runs that size
 * only. With `--quick` those on a stack run in seconds, to see that they still work: their figures mean nothing.
 */
const BENCHES: Readonly<Record<string, Rows>> = {
  exit: exitRows,
  marks: marksRows,
  memory: memoryRows,
  backtest: backtestRows,
  ledger: ledgerRows,
  learning: learningRows,
};

const names = process.argv.slice(2).filter((argument) => !argument.startsWith('--'));
const quick = process.argv.includes('--quick');
const size = /^--positions=(\d+)$/.exec(
  process.argv.find((each) => each.startsWith('--positions=')) ?? '',
)?.[1];
const positions = size === undefined ? null : Number(size);
const unknown = names.filter((name) => !(name in BENCHES));
if (unknown.length > 0) {
  process.stderr.write(
    `unknown benchmark ${unknown.join(', ')}: ${Object.keys(BENCHES).join(', ')} are there\n`,
  );
  process.exitCode = 1;
} else {
  for (const name of names.length > 0 ? names : Object.keys(BENCHES)) {
    for await (const row of BENCHES[name]?.({ quick, positions }) ?? [])
      process.stdout.write(`${JSON.stringify(row)}\n`);
  }
}
