import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { percent } from '../../domain/percent.ts';
import { THRESHOLD_NAMES, THRESHOLD_SPECS } from '../../domain/thresholds.ts';
import type { Backtest } from '../result.ts';
import type { Series } from '../series.ts';
import type { Summary } from '../summary.ts';
import { amountBars, histogram, roundEdges } from './bars.ts';
import { day, duration, escapeHtml, money, scriptJson, signedMoney, tableHtml } from './html.ts';
import { reportData } from './report-data.ts';

export interface ReportInput {
  readonly series: readonly Series[];
  readonly result: Backtest;
  readonly summary: Summary;
  readonly warnings: readonly string[];
  readonly learn: boolean;
}

const HOLD_EDGES_MS = [0, 1, 2, 5, 10, 20, 60, 180, 480, 1440, 4320, 14_400].map(
  (minutes) => minutes * 60_000,
);
const LISTED_TRADES = 500;

/** One HTML page with everything in it: styles, charts and data; it asks no host for anything. */
export function reportHtml(input: ReportInput): string {
  const { series, result } = input;
  const symbols = series.map(({ symbol }) => symbol).join(', ');
  const title = `Backtest of ${symbols}`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:">
<title>${escapeHtml(title)}</title>
<style>${uplotFile('uPlot.min.css')}${dashboardFile('styles/theme.css')}${ownFile('page.css')}</style>
</head>
<body>
<main>
<header><h1>${escapeHtml(title)}</h1>
<p class="muted">${day(result.fromMs)} to ${day(result.toMs)} · ${result.marks.toLocaleString('en-US')} marks · ${input.learn ? 'thresholds learned on the way' : 'thresholds fixed'}</p></header>
${figures(input.summary)}
${warningsHtml(input.warnings)}
<div class="grid">
${panels(input)}
</div>
</main>
<script type="application/json" id="report-data">${scriptJson(reportData(series, result))}</script>
<script>${uplotFile('uPlot.iife.min.js')}</script>
<script>${ownFile('charts.js')}</script>
</body>
</html>
`;
}

function ownFile(name: string): string {
  return readFileSync(new URL(name, import.meta.url), 'utf8');
}

/** Colours and type are those of the dashboard. */
function dashboardFile(name: string): string {
  return readFileSync(new URL(`../../dashboard/public/${name}`, import.meta.url), 'utf8');
}

function uplotFile(name: string): string {
  return readFileSync(createRequire(import.meta.url).resolve(`uplot/dist/${name}`), 'utf8');
}

function figures(summary: Summary): string {
  const cells: [string, string][] = [
    ['Equity at the end', money(summary.endEquity)],
    ['Return', coloured(summary.returnFraction, percent(summary.returnFraction))],
    ['Deepest fall', percent(summary.maxDrawdown)],
    ['Trades closed', String(summary.trades)],
    ['Won', summary.trades === 0 ? '–' : percent(summary.winRate, 0)],
    ['Net P&amp;L of a trade', signedMoney(summary.expectedValue)],
    ['Profit factor', summary.profitFactor === null ? '–' : summary.profitFactor.toFixed(2)],
    ['Fees', money(summary.fees)],
    ['Average hold', summary.trades === 0 ? '–' : duration(summary.averageHoldMs)],
    ['Time in the market', percent(summary.timeInMarket, 0)],
  ];
  const html = cells.map(
    ([name, value]) => `<div class="figure"><span class="muted">${name}</span><b>${value}</b></div>`,
  );
  return `<div class="figures">${html.join('')}</div>`;
}

function coloured(value: number, shown: string): string {
  return `<span class="${value < 0 ? 'loss' : 'gain'}">${shown}</span>`;
}

function warningsHtml(warnings: readonly string[]): string {
  if (warnings.length === 0) return '';
  const items = warnings.map((warning) => `<li>${escapeHtml(warning)}</li>`).join('');
  return `<div class="warnings"><b>Before you believe it</b><ul>${items}</ul></div>`;
}

function panels({ series, result, summary, learn }: ReportInput): string {
  const { trades } = result;
  const returns = trades.map(({ returnFraction }) => returnFraction);
  const chart = (id: string) => `<div id="${id}"></div>`;
  return [
    panel('Equity', chart('equity'), 'wide'),
    panel('Fall from the peak', chart('drawdown')),
    panel('Exposure, share of equity', chart('exposure')),
    ...series.map(({ symbol }, index) =>
      panel(`${escapeHtml(symbol)}: price and trades`, `${TRADE_LEGEND}${chart(`price-${index}`)}`, 'wide'),
    ),
    panel(
      'Net P&amp;L by exit rule',
      amountBars(
        summary.byRule.map(({ rule, netPnl, trades: count, winRate }) => ({
          label: rule,
          value: Number(netPnl),
          note: `${count} × ${percent(winRate, 0)} won`,
        })),
      ),
    ),
    panel('By month of exit, UTC', monthTable(summary)),
    panel(
      'How long trades were held',
      histogram(
        trades.map(({ heldMs }) => heldMs),
        usedEdges(trades.map(({ heldMs }) => heldMs)),
        duration,
      ),
    ),
    panel(
      'Price move of the trades, before fees',
      histogram(
        returns,
        roundEdges(returns, 14),
        (edge) => percent(edge, 1),
        (middle) => (middle < 0 ? 'loss' : 'gain'),
      ),
    ),
    learn ? thresholdCharts(result) : thresholdTable(result),
    panel('Trades', tradeTable(result), 'wide'),
  ].join('\n');
}

const TRADE_LEGEND =
  '<div class="legend"><span><i style="color:var(--accent)">▲</i>long entered</span><span><i style="color:var(--warn)">▼</i>short entered</span><span><i class="gain">✕</i>left with a gain after fees</span><span><i class="loss">✕</i>left with a loss</span><span>drag to zoom, double-click for all</span></div>';

function panel(heading: string, content: string, width: 'wide' | '' = ''): string {
  return `<section class="${width}"><h2>${heading}</h2>${content}</section>`;
}

/** Hold times span seconds to weeks: bins widen, and those beyond the longest are left out. */
function usedEdges(heldMs: readonly number[]): readonly number[] {
  const longest = Math.max(0, ...heldMs);
  const beyond = HOLD_EDGES_MS.findIndex((edge) => edge > longest);
  return beyond < 0 ? [...HOLD_EDGES_MS, longest + 1] : HOLD_EDGES_MS.slice(0, Math.max(3, beyond + 1));
}

function monthTable(summary: Summary): string {
  if (summary.months.length === 0) return '<p class="empty">No trade was closed.</p>';
  return tableHtml(
    ['month', 'trades', 'won', 'net P&amp;L', 'fees'],
    summary.months.map(({ month, trades, winRate, netPnl, fees }) => [
      month,
      String(trades),
      percent(winRate, 0),
      signedMoney(netPnl),
      money(fees),
    ]),
  );
}

function thresholdCharts(result: Backtest): string {
  const steps = result.thresholds.length - 1;
  const accepted = result.thresholds.filter((change) => change.accepted).length - 1;
  const charts = THRESHOLD_NAMES.map(
    (name, index) => `<div><h3>${name}</h3><div id="threshold-${index}"></div></div>`,
  );
  const told = `<p class="muted">${steps} learning steps, ${accepted} of them taken: the others did worse on trades they had not seen, or found nothing to follow.</p>`;
  return panel('Thresholds over time', `${told}<div class="small">${charts.join('')}</div>`, 'wide');
}

function thresholdTable(result: Backtest): string {
  const [begun] = result.thresholds;
  if (!begun) return '';
  const rows = THRESHOLD_NAMES.map((name) => [
    name,
    String(begun.thresholds[name]),
    escapeHtml(THRESHOLD_SPECS[name].meaning),
  ]);
  return panel(
    'Thresholds, fixed',
    `<div class="words">${tableHtml(['threshold', 'value', 'what it does'], rows)}</div>`,
    'wide',
  );
}

function tradeTable({ trades, open, toMs }: Backtest): string {
  if (trades.length + open.length === 0) return '<p class="empty">No position was opened.</p>';
  const shown = trades.slice(-LISTED_TRADES);
  const note =
    shown.length < trades.length
      ? `<p class="muted">The last ${shown.length} of ${trades.length}; --csv has them all.</p>`
      : '';
  const rows = [
    ...open.map((trade) => [
      day(trade.entryTimeMs).slice(0, 16),
      escapeHtml(trade.symbol),
      trade.side,
      trade.quantity,
      trade.entryPrice,
      `${trade.markPrice} (mark)`,
      'still open',
      duration(toMs - trade.entryTimeMs),
      '',
      signedMoney(trade.unrealizedPnl),
    ]),
    ...[...shown]
      .reverse()
      .map((trade) => [
        day(trade.entryTimeMs).slice(0, 16),
        escapeHtml(trade.symbol),
        trade.side,
        trade.quantity,
        trade.entryPrice,
        trade.exitPrice,
        trade.exitRule,
        duration(trade.heldMs),
        coloured(trade.returnFraction, percent(trade.returnFraction)),
        signedMoney(trade.netPnl),
      ]),
  ];
  const head = [
    'entered',
    'symbol',
    'side',
    'quantity',
    'entry',
    'exit',
    'rule',
    'held',
    'move',
    'net P&amp;L',
  ];
  return `${note}${tableHtml(head, rows)}`;
}
