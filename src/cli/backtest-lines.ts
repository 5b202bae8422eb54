import { THRESHOLD_NAMES, type Thresholds } from '../domain/thresholds.ts';
import { percent } from '../domain/percent.ts';
import type { Backtest } from '../backtest/result.ts';
import type { SearchRow } from '../backtest/search/search.ts';
import type { Summary } from '../backtest/summary.ts';
import { colors, signed, table } from './render.ts';

const SHOWN_RESULTS = 15;

/** What a person wants to know first of a backtest. */
export function resultLines(
  result: Backtest,
  summary: Summary,
  warnings: readonly string[],
  files: { readonly report?: string; readonly csv?: string },
): string {
  const day = (ms: number) => new Date(ms).toISOString().slice(0, 16).replace('T', ' ');
  return [
    colors.bold(`${day(result.fromMs)} to ${day(result.toMs)} UTC, ${result.marks} marks`),
    `equity ${summary.startEquity} → ${Number(summary.endEquity).toFixed(2)} (${percent(summary.returnFraction)}), deepest fall ${percent(summary.maxDrawdown)}`,
    `${summary.trades} trades, ${percent(summary.winRate, 0)} won, net P&L ${signed(Number(summary.netPnl))}, fees ${Number(summary.fees).toFixed(2)}, ${summary.stillOpen} still open`,
    ...(summary.byRule.length === 0
      ? []
      : [
          table(
            ['exit rule', 'trades', 'won', 'net P&L'],
            summary.byRule.map(({ rule, trades, winRate, netPnl }) => [
              rule,
              String(trades),
              percent(winRate, 0),
              signed(Number(netPnl)),
            ]),
          ),
        ]),
    ...warnings.map((warning) => colors.yellow(`! ${warning}`)),
    ...(files.report === undefined ? [] : [`report: ${files.report}`]),
    ...(files.csv === undefined ? [] : [`trades: ${files.csv}`]),
  ].join('\n');
}

/** The best of a search, with the thresholds in which it differs from where it began. */
export function searchLines(rows: readonly SearchRow[], base: Thresholds): string {
  const varied = THRESHOLD_NAMES.filter((name) =>
    rows.some(({ thresholds }) => thresholds[name] !== base[name]),
  );
  return table(
    ['equity', 'deepest fall', 'trades', 'won', ...varied],
    rows
      .slice(0, SHOWN_RESULTS)
      .map((row) => [
        Number(row.endEquity).toFixed(2),
        percent(row.maxDrawdown),
        String(row.trades),
        percent(row.winRate, 0),
        ...varied.map((name) => String(Number(row.thresholds[name].toPrecision(6)))),
      ]),
  );
}
