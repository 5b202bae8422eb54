import { writeFileSync } from 'node:fs';
import { InvalidArgumentError, Option, type Command } from 'commander';
import type { SeriesSource } from '../../backtest/read/read-file.ts';
import type { BacktestSettings } from '../../backtest/settings.ts';
import { THRESHOLD_NAMES, THRESHOLD_SPECS, type ThresholdName } from '../../domain/thresholds.ts';
import { normalizeSymbol } from '../../domain/symbols.ts';
import { CliError } from '../errors.ts';
import { print, run, type CommonOptions } from '../program.ts';
import { positiveAmount, wholeNumber } from './paper.ts';

interface BacktestOptions extends CommonOptions {
  readonly candles: readonly string[];
  readonly trades: readonly string[];
  readonly symbol?: string;
  readonly interval?: number;
  readonly learn?: boolean;
  readonly from?: string;
  readonly to?: string;
  readonly balance: string;
  readonly seed: number;
  readonly set: Partial<Record<ThresholdName, number>>;
  readonly grid: readonly Range[];
  readonly random?: number;
  readonly report?: string;
  readonly csv?: string;
}

interface Range {
  readonly name: ThresholdName;
  readonly from: number;
  readonly to: number;
  readonly step: number;
}

export function registerBacktest(program: Command): void {
  program
    .command('backtest')
    .description('the rules that trade live, over candles or trades of the past')
    .option('--candles <[symbol=]file>', 'OHLC as CSV or Kraken JSON; repeatable', collect, [])
    .option('--trades <[symbol=]file>', 'trades as CSV; repeatable', collect, [])
    .option('--symbol <symbol>', 'of files given without one, like BTC/USD')
    .option('--interval <minutes>', 'length of a candle (default: told from the file)', wholeNumber)
    .option(
      '--from <time>',
      'first moment, like 2019-07-01 or 2019-07-01T12:00Z; earlier rows serve predictions',
    )
    .option('--to <time>', 'end, not included')
    .option('--balance <amount>', 'to begin with, quote currency', positiveAmount, '10000')
    .option('--learn', 'let the thresholds learn on the way, from the past only')
    .addOption(
      new Option('--set <name=value>', 'a threshold to begin with; repeatable')
        .argParser(threshold)
        .default({}, 'the starting thresholds'),
    )
    .option('--grid <name=from:to:step>', 'try every value; several make every combination', range, [])
    .option('--random <count>', 'try this many random sets of thresholds', wholeNumber)
    .option('--seed <number>', 'of the book, of learning and of the random search', wholeNumber, 1)
    .option('--report <file>', 'one HTML page, to look at')
    .option('--csv <file>', 'the trades as CSV')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      '\nExamples:\n  holdfast backtest --trades trades.csv --symbol BTC/USD --report report.html\n  holdfast backtest --candles btc.csv --symbol BTC/USD --learn',
    )
    .action((options: BacktestOptions) => run(options, () => backtest(options)));
}

async function backtest(options: BacktestOptions): Promise<void> {
  // Loaded here, so that help and usage errors of other commands don't wait for it.
  const [{ readSeries }, { runBacktest }, { summarize }, { warningsOf }, { resultLines }] = await Promise.all(
    [
      import('../../backtest/read/read-file.ts'),
      import('../../backtest/run.ts'),
      import('../../backtest/summary.ts'),
      import('../../backtest/warnings.ts'),
      import('../backtest-lines.ts'),
    ],
  );
  const sources = sourcesOf(options);
  const settings = await settingsOf(options);
  if (options.grid.length > 0 || options.random !== undefined) {
    await search(options, sources, settings);
    return;
  }
  const series = sources.map(readSeries);
  const result = runBacktest(series, settings);
  const summary = summarize(result, options.balance);
  const warnings = warningsOf(series, result, summary);
  if (options.csv !== undefined) {
    const { tradesCsv } = await import('../../backtest/trades-csv.ts');
    writeOut('--csv', options.csv, tradesCsv(result.trades));
  }
  if (options.report !== undefined) {
    const { reportHtml } = await import('../../backtest/report/report.ts');
    writeOut(
      '--report',
      options.report,
      reportHtml({ series, result, summary, warnings, learn: options.learn === true }),
    );
  }
  const inputs = series.map(({ symbol, file, kind, length }) => ({ symbol, file, kind, rows: length }));
  print(options, { inputs, seed: options.seed, summary, warnings, ...result }, () =>
    resultLines(result, summary, warnings, options),
  );
}

async function search(
  options: BacktestOptions,
  sources: readonly SeriesSource[],
  settings: Partial<BacktestSettings>,
): Promise<void> {
  const [{ gridOfThresholds, randomThresholds }, { searchThresholds }, { searchLines }] = await Promise.all([
    import('../../backtest/search/candidates.ts'),
    import('../../backtest/search/search.ts'),
    import('../backtest-lines.ts'),
  ]);
  const { STARTING_THRESHOLDS } = await import('../../domain/thresholds.ts');
  const base = settings.thresholds ?? STARTING_THRESHOLDS;
  const candidates = [
    ...(options.grid.length > 0 ? gridOfThresholds(base, options.grid) : []),
    ...(options.random === undefined ? [] : randomThresholds(base, options.random, options.seed)),
  ];
  const onProgress = (done: number) => {
    if (process.stderr.isTTY) process.stderr.write(`\r${done} of ${candidates.length} backtests`);
  };
  const rows = await searchThresholds(sources, settings, candidates, onProgress);
  if (process.stderr.isTTY) process.stderr.write('\n');
  print(options, { seed: options.seed, tried: rows.length, results: rows }, () => searchLines(rows, base));
}

function sourcesOf({ candles, trades, symbol, interval }: BacktestOptions): SeriesSource[] {
  const given = [
    ...candles.map((spec) => ({ kind: 'candles' as const, spec })),
    ...trades.map((spec) => ({ kind: 'trades' as const, spec })),
  ];
  if (given.length === 0) {
    throw new CliError('bad-usage', 'give at least one --candles FILE or --trades FILE');
  }
  const intervalMs = interval === undefined ? null : interval * 60_000;
  if (intervalMs === 0) throw new CliError('bad-usage', '--interval is 0, it must be at least 1 minute');
  return given.map(({ kind, spec }) => {
    const [, named = symbol, file = spec] = /^([A-Za-z0-9.]+[/-]?[A-Za-z0-9.]+)=(.+)$/.exec(spec) ?? [];
    if (named === undefined) {
      throw new CliError(
        'bad-usage',
        `--${kind} ${spec} has no symbol: give --symbol BTC/USD, or BTC/USD=${spec}`,
      );
    }
    const normal = normalizeSymbol(named);
    if (normal === null) throw new CliError('bad-usage', `symbol ${named} is none; give it like BTC/USD`);
    return { kind, symbol: normal, file, intervalMs };
  });
}

async function settingsOf(options: BacktestOptions): Promise<Partial<BacktestSettings>> {
  const [{ timeOption }, { loadConfig }, { protections, riskLimits, scanSettings }, thresholds] =
    await Promise.all([
      import('../../backtest/read/times.ts'),
      import('../../config.ts'),
      import('../../worker-settings.ts'),
      import('../../domain/thresholds.ts'),
    ]);
  const time = (name: '--from' | '--to', value: string | undefined, without: number) => {
    if (value === undefined) return without;
    const ms = timeOption(value);
    if (Number.isNaN(ms)) {
      throw new CliError(
        'bad-usage',
        `${name} is ${value}; give a day like 2019-07-01, a time like 2019-07-01T12:00Z, or seconds or ms since 1970`,
      );
    }
    return ms;
  };
  const [fromMs, toMs] = [time('--from', options.from, -Infinity), time('--to', options.to, Infinity)];
  if (fromMs >= toMs)
    throw new CliError('bad-usage', `--from ${options.from ?? ''} is not before --to ${options.to ?? ''}`);
  const begun = { ...thresholds.STARTING_THRESHOLDS, ...options.set };
  const [broken] = thresholds.thresholdViolations(begun);
  if (broken !== undefined) throw new CliError('bad-usage', `--set: ${broken}`);
  // The limits of the environment hold here as they hold live; its addresses and keys are of no use.
  const config = loadConfig();
  return {
    thresholds: begun,
    limits: riskLimits(config),
    protections: protections(config, 1),
    rules: scanSettings(config),
    balance: options.balance,
    learn: options.learn === true,
    seed: options.seed,
    fromMs,
    toMs,
  };
}

function writeOut(option: string, file: string, contents: string): void {
  try {
    writeFileSync(file, contents);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new CliError('not-written', `${option} ${file} can't be written: ${code ?? 'unknown failure'}`);
  }
}

function collect(value: string, before: readonly string[]): string[] {
  return [...before, value];
}

function threshold(value: string, before: Partial<Record<ThresholdName, number>>) {
  const [name = '', written = ''] = value.split('=');
  const known = thresholdName(name);
  return { ...before, [known]: boundedNumber(known, written) };
}

function range(value: string, before: readonly Range[]): Range[] {
  const [, name = '', from = '', to = '', step = ''] = /^(\w+)=([^:]+):([^:]+):([^:]+)$/.exec(value) ?? [];
  const known = thresholdName(name);
  const [least, most, by] = [boundedNumber(known, from), boundedNumber(known, to), Number(step)];
  if (!(by > 0) || least > most) {
    throw new InvalidArgumentError(`${value}: allowed is from:to:step with from ≤ to and a step above 0`);
  }
  return [...before, { name: known, from: least, to: most, step: by }];
}

function thresholdName(name: string): ThresholdName {
  const known = THRESHOLD_NAMES.find((candidate) => candidate === name);
  if (known) return known;
  throw new InvalidArgumentError(`"${name}" is no threshold; they are ${THRESHOLD_NAMES.join(', ')}`);
}

function boundedNumber(name: ThresholdName, written: string): number {
  const { min, max } = THRESHOLD_SPECS[name];
  const value = written.trim() === '' ? NaN : Number(written);
  if (value >= min && value <= max) return value;
  throw new InvalidArgumentError(`${name} is "${written}", allowed is ${min}..${max}`);
}
