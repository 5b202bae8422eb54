import { backtestRows } from './backtest.ts';
import { exitRows } from './exit.ts';
import { ledgerRows } from './ledger.ts';
import { learningRows } from './learning.ts';
import { marksRows } from './marks.ts';
import { memoryRows } from './memory.ts';
import type { BenchOptions } from './options.ts';

type Rows = (options: BenchOptions) => Iterable<object> | AsyncIterable<object>;

/**
 * `npm run bench -- [NAME…] --json`: one JSON line a row; all of them when none is named. `--positions=N` and
 * `--mechanism=guard` run that size and that way of `exit` only. With `--quick` those on a stack run in seconds, to see that they still work: their figures mean nothing.
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
const positions = option('positions');
const mechanism = option('mechanism');
const unknown = names.filter((name) => !(name in BENCHES));
if (unknown.length > 0) {
  process.stderr.write(
    `unknown benchmark ${unknown.join(', ')}: ${Object.keys(BENCHES).join(', ')} are there\n`,
  );
  process.exitCode = 1;
} else {
  for (const name of names.length > 0 ? names : Object.keys(BENCHES)) {
    for await (const row of BENCHES[name]?.({
      quick,
      positions: positions === null ? null : Number(positions),
      mechanism,
    }) ?? [])
      process.stdout.write(`${JSON.stringify(row)}\n`);
  }
}

function option(name: string): string | null {
  const prefix = `--${name}=`;
  return process.argv.find((each) => each.startsWith(prefix))?.slice(prefix.length) ?? null;
}
