import type { Command } from 'commander';
import type { TradeStats } from '../../../db/repositories/reader.ts';
import { statistics } from '../../domain/learning/statistics.ts';
import { roundHalfUp, type Decimal } from '../../domain/money.ts';
import { percent } from '../../domain/percent.ts';
import { accountView, type AccountView } from '../../views/account-view.ts';
import { print, runWithSession, subcommand, type CommonOptions } from '../program.ts';
import { clock, signed, table } from '../render.ts';
import type { Session } from '../session.ts';
import { sinceOption } from '../since.ts';

interface StatsOptions extends CommonOptions {
  readonly since?: number;
}

interface Stats extends TradeStats, AccountView {
  /** Share of the exits whose time after is known that were premature, 0..1; null while none is. */
  readonly prematureShare: number | null;
}

export function registerStats(program: Command): void {
  subcommand(program, 'stats', 'what closed trades came to: win rate, expected value, fees, drawdown')
    .option('--since <when>', 'trades that closed from then on: 24h, 7d or a date like 2026-01-31', (text) =>
      sinceOption(text),
    )
    .addHelpText('after', '\nExamples:\n  holdfast stats\n  holdfast stats --since 24h --json')
    .action((options: StatsOptions) =>
      runWithSession(options, async (session) => {
        const sinceMs = options.since ?? 0;
        const { reader, equity, risk } = await session.repositories();
        const stats: Stats = {
          ...(await reader.stats(sinceMs)),
          prematureShare: await prematureShare(session, sinceMs),
          ...(await accountView({ equity, risk }, sinceMs, Date.now())),
        };
        print(options, stats, () => describe(stats));
      }),
    );
}

async function prematureShare(session: Session, sinceMs: number): Promise<number | null> {
  const { learning } = await session.repositories();
  const studied = (await learning.studies()).flatMap(({ outcome, path }) =>
    outcome !== null && outcome.exitTimeMs >= sinceMs ? [{ outcome, path }] : [],
  );
  return statistics(studied).prematureShare;
}

function describe(stats: Stats): string {
  const { closedTrades, wins, winRate, netPnl, expectedValue, profitFactor, averageHoldMs } = stats;
  const unknown = '–';
  const rows: [string, string][] = [
    ['closed trades', `${closedTrades} (${wins} won), ${stats.openPositions} open now`],
    ['win rate', winRate === null ? unknown : percent(winRate)],
    ['net P&L', `${signed(netPnl)} after ${stats.fees} of fees`],
    ['expected value', expectedValue === null ? unknown : `${signed(expectedValue)} a trade`],
    ['profit factor', profitFactor === null ? unknown : profitFactor.toFixed(2)],
    ['average hold', averageHoldMs === null ? unknown : duration(averageHoldMs)],
    ['premature exits', stats.prematureShare === null ? unknown : percent(stats.prematureShare)],
    ['realized drawdown', stats.maxDrawdown],
    ['equity', equityLine(stats) ?? `${unknown} (no worker has read the account yet)`],
    ['equity drawdown', drawdownLine(stats) ?? unknown],
  ];
  const reasons = Object.entries(stats.byExitReason);
  return [
    table(
      ['', ''],
      rows.map((row) => [...row]),
    ),
    ...stats.blocks.map(({ message }) => `entries refused: ${message}`),
    ...(reasons.length === 0
      ? []
      : [
          '',
          table(
            ['exit', 'trades', 'net P&L'],
            reasons.map(([reason, each]) => [reason, String(each.trades), signed(each.netPnl)]),
          ),
        ]),
  ].join('\n');
}

function equityLine({ equity, cash, exposure, equityAtMs }: Stats): string | null {
  if (equity === null || cash === null || exposure === null || equityAtMs === null) return null;
  return `${cents(equity)}: ${cents(cash)} in cash, ${cents(exposure)} exposed, at ${clock(equityAtMs)}`;
}

function drawdownLine({ drawdown, maxDrawdownFraction, peakEquity }: Stats): string | null {
  if (drawdown === null || maxDrawdownFraction === null || peakEquity === null) return null;
  return `${percent(-drawdown)} from ${cents(peakEquity)}, deepest ${percent(-maxDrawdownFraction)}`;
}

/** For people: the JSON has every digit. */
function cents(amount: Decimal): string {
  return roundHalfUp(amount, 2);
}

/** `2 h 5 min`, `12 s`. */
function duration(ms: number): string {
  const minutes = Math.floor(ms / 60_000);
  if (minutes < 1) return `${(ms / 1000).toFixed(0)} s`;
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
