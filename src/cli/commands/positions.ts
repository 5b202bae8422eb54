import { Option, type Command } from 'commander';
import { normalizeSymbol } from '../../domain/symbols.ts';
import { positionView, type PositionView } from '../../views/position-view.ts';
import { CliError } from '../errors.ts';
import { print, runWithSession, subcommand, type CommonOptions } from '../program.ts';
import { colors, signed, table } from '../render.ts';
import type { Session } from '../session.ts';

interface PositionsOptions extends CommonOptions {
  readonly status: 'open' | 'closed' | 'all';
  readonly symbol?: string;
}

export function registerPositions(program: Command): void {
  subcommand(program, 'positions', 'positions with their marks, bands and P&L')
    .addOption(
      new Option('--status <status>', 'which ones').choices(['open', 'closed', 'all']).default('open'),
    )
    .option('--symbol <symbol>', 'of one symbol')
    .action((options: PositionsOptions) =>
      runWithSession(options, async (session) => {
        const symbol = options.symbol === undefined ? undefined : symbolOf(options.symbol);
        const { reader } = await session.repositories();
        const rows = await reader.positions({
          status: options.status,
          ...(symbol === undefined ? {} : { symbol }),
        });
        const stages = options.status === 'closed' ? new Map<string, string>() : await stagesByTrade(session);
        const nowMs = Date.now();
        const views = rows.map((row) => positionView(row, { stage: stages.get(row.tradeId), nowMs }));
        print(options, views, () => describe(views, options.status));
      }),
    );
}

function symbolOf(input: string): string {
  const symbol = normalizeSymbol(input);
  if (symbol !== null) return symbol;
  throw new CliError('unknown-symbol', `--symbol is ${input}: a pair like BTC/USD is allowed`);
}

/** Positions are shown from the database even where Temporal can't be asked for their stages. */
async function stagesByTrade(session: Session): Promise<Map<string, string>> {
  try {
    const running = await (await session.client()).runningTrades();
    return new Map(running.map(({ tradeId, stage }) => [tradeId, stage]));
  } catch {
    return new Map();
  }
}

function describe(views: readonly PositionView[], status: PositionsOptions['status']): string {
  if (views.length === 0) return `no ${status === 'all' ? '' : `${status} `}positions`;
  return table(
    ['position', 'symbol', 'side', 'quantity', 'entry', 'mark', 'return', 'P&L', 'stage', 'exits'],
    views.map((view) => [
      view.positionId,
      view.symbol,
      view.side,
      view.quantity,
      view.entryPrice,
      view.markPrice,
      `${signed(view.returnPct)}%`,
      signed(Number(view.realizedPnl ?? view.unrealizedPnl)),
      view.stage,
      exits(view),
    ]),
  );
}

function exits(view: PositionView): string {
  if (view.exitRule !== null) return view.exitRule;
  if (view.exitsBelow === null || view.exitsAbove === null) return colors.yellow('not yet known');
  return `below ${view.exitsBelow} / above ${view.exitsAbove}`;
}
