import { Command, InvalidArgumentError, Option } from 'commander';
import { TEMPORAL_KINDS, type TemporalKind } from './servers.ts';
import { summary } from './summary.ts';
import { runStorm } from './storm.ts';
import { BROKEN_BUILDS } from './worker/broken-builds.ts';

/** `npm run chaos -- --trades N --seed S`: one storm, its verdict, and exit code 1 when an invariant is broken. */

const program = new Command('chaos')
  .description('trades while everything is killed again and again, then proves that nothing was lost')
  .option('--trades <number>', 'trades to open', wholeNumber, 200)
  .option('--seed <number>', 'of trades, prices and faults', wholeNumber, 1)
  .option('--faults <number>', 'faults to strike; by default one for every three trades', wholeNumber)
  .option('--short', 'those that kill or cut, once each, and over soon, for storms of two minutes')
  .option('--workers <number>', 'worker processes', wholeNumber, 3)
  .addOption(
    new Option('--temporal <server>', "the dev server, or the full one on the ledger's PostgreSQL")
      .choices(TEMPORAL_KINDS)
      .default('dev'),
  )
  .option('--broken <build>', `a build that is wrong on purpose: ${BROKEN_BUILDS.join(', ')}`, brokenBuild)
  .option('--keep', 'keep data and logs when all is well, too')
  .option('--json', 'nothing but the verdict, as one line');

interface Options {
  readonly trades: number;
  readonly seed: number;
  readonly faults?: number;
  readonly short?: boolean;
  readonly workers: number;
  readonly temporal: TemporalKind;
  readonly broken?: string;
  readonly keep?: boolean;
  readonly json?: boolean;
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(130));
const {
  trades,
  seed,
  faults,
  short,
  workers,
  temporal,
  broken = null,
  keep,
  json,
} = program.parse().opts<Options>();
const { cases, longGaps, ...verdict } = await runStorm({
  trades,
  seed,
  faults: short === true ? 'short' : (faults ?? Math.round(trades / 3)),
  workers: Math.max(1, workers),
  temporal,
  broken,
  keep: keep === true,
  say: (line) => process.stderr.write(`${new Date().toISOString().slice(11, 19)} ${line}\n`),
});
if (json !== true) process.stdout.write(`${summary({ cases, longGaps, ...verdict })}\n`);
process.stdout.write(`${JSON.stringify(verdict)}\n`);
process.exit(Object.values(verdict.invariants).some((number) => number > 0) ? 1 : 0);

function wholeNumber(value: string): number {
  const number = Number(value);
  if (!Number.isInteger(number) || number < 0)
    throw new InvalidArgumentError('a whole number from 0 on is allowed');
  return number;
}

function brokenBuild(value: string): string {
  if ((BROKEN_BUILDS as readonly string[]).includes(value)) return value;
  throw new InvalidArgumentError(`allowed are ${BROKEN_BUILDS.join(', ')}`);
}
