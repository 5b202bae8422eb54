import type { Command } from 'commander';
import type { TradeStats } from '../../../db/repositories/reader.ts';
import { statistics } from '../../domain/learning/statistics.ts';
import type { Decimal } from '../../domain/money.ts';
import { percent } from '../../domain/percent.ts';
import { accountValue } from '../account-value.ts';
import { print, runWithSession, subcommand, type CommonOptions } from '../program.ts';
import { signed, table } from '../render.ts';
import type { Session } from '../session.ts';
import { sinceOption } from '../since.ts';

interface StatsOptions extends CommonOptions {
  readonly since?: number;
}

interface Stats extends TradeStats {
  /** Share of the exits whose time after is known that were premature, 0..1; null while none is. */
  readonly prematureShare: number | null;
  /** Account value in USD; null where nobody tells. */
  readonly equity: Decimal | null;
}

export function registerStats(program: Command): void {
  subcommand(program, 'stats', 'what closed trades came to: win rate, expected value, fees, drawdown')
    .option('--since <when>', 'trades that closed from then on: 24h, 7d or a date like 2026-01-31', (text) =>
      sinceOption(text),
    )
    .action((options: StatsOptions) =>
      runWithSession(options, async (session) => {
        const sinceMs = options.since ?? 0;
        const { reader } = await session.repositories();
        const stats: Stats = {
          ...(await reader.stats(sinceMs)),
          prematureShare: await prematureShare(session, sinceMs),
          equity: await equity(session),
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

/** The figures of the trades stand without it. */
async function equity(session: Session): Promise<Decimal | null> {
  try {
    return await accountValue(session);
  } catch {
    return null;
  }
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
    ['deepest drawdown', stats.maxDrawdown],
    ['equity', stats.equity ?? `${unknown} (needs the account's key)`],
  ];
  const reasons = Object.entries(stats.byExitReason);
  return [
    table(
      ['', ''],
      rows.map((row) => [...row]),
    ),
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

/** `2 h 5 min`, `12 s`. */
function duration(ms: number): string {
  const minutes = Math.floor(ms / 60_000);
  if (minutes < 1) return `${(ms / 1000).toFixed(0)} s`;
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
