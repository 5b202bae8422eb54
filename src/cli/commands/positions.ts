import { Option, type Command } from 'commander';
import { normalizeSymbol } from '../../domain/symbols.ts';
import type { PositionView } from '../../views/position-view.ts';
import { CliError } from '../errors.ts';
import { positionLines } from '../position-lines.ts';
import { positionViews } from '../position-views.ts';
import { runWithSession, subcommand, type CommonOptions } from '../program.ts';
import { watch } from '../watch.ts';

interface PositionsOptions extends CommonOptions {
  readonly status: 'open' | 'closed' | 'all';
  readonly symbol?: string;
  readonly watch?: boolean;
}

export function registerPositions(program: Command): void {
  subcommand(program, 'positions', 'positions with their marks, bands and P&L')
    .addOption(
      new Option('--status <status>', 'which ones').choices(['open', 'closed', 'all']).default('open'),
    )
    .option('--symbol <symbol>', 'of one symbol')
    .option('--watch', 'go on showing them until Ctrl-C; with --json a line each second')
    .addHelpText(
      'after',
      '\nExamples:\n  holdfast positions --watch\n  holdfast positions --status closed --json',
    )
    .action((options: PositionsOptions) =>
      runWithSession(options, async (session) => {
        const symbol = options.symbol === undefined ? undefined : symbolOf(options.symbol);
        const filter = { status: options.status, ...(symbol === undefined ? {} : { symbol }) };
        const show = async () => {
          const views = await positionViews(session, filter);
          return options.json ? JSON.stringify(views) : describe(views, options.status);
        };
        if (options.watch) await watch(show, { inPlace: options.json !== true });
        else process.stdout.write(`${await show()}\n`);
      }),
    );
}

function describe(views: readonly PositionView[], status: PositionsOptions['status']): string {
  if (views.length === 0) return `no ${status === 'all' ? '' : `${status} `}positions`;
  return positionLines(views, Date.now());
}

function symbolOf(input: string): string {
  const symbol = normalizeSymbol(input);
  if (symbol !== null) return symbol;
  throw new CliError('unknown-symbol', `--symbol is ${input}: a pair like BTC/USD is allowed`);
}
