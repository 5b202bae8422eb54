import { get } from '../api.js';
import { curveChart, drawdownChart } from '../charts.js';
import { empty, facts, h } from '../dom.js';
import { amount, duration, fraction, sign, signedAmount, words } from '../format.js';
import { table } from './table.js';

const SPANS = [
  ['', 'All'],
  ['30d', '30 d'],
  ['7d', '7 d'],
  ['24h', '24 h'],
  ['1h', '1 h'],
];

export function performanceView() {
  let span = '';
  let charts = [];
  const host = h('div');
  const spans = h(
    'div',
    { class: 'segmented', role: 'group', 'aria-label': 'Span' },
    SPANS.map(([value, name]) =>
      h(
        'button',
        {
          type: 'button',
          'aria-pressed': String(value === span),
          onclick: (event) => choose(value, event.target),
        },
        name,
      ),
    ),
  );
  const element = h(
    'section',
    { 'aria-labelledby': 'performance-title' },
    h('div', { class: 'toolbar' }, h('h1', { id: 'performance-title' }, 'Performance'), spans),
    host,
  );

  function choose(value, button) {
    span = value;
    for (const other of spans.children) other.setAttribute('aria-pressed', String(other === button));
    void shown();
  }

  async function shown() {
    const stats = await get(`/api/stats${span === '' ? '' : `?since=${span}`}`);
    hidden();
    if (stats.curve.length === 0) {
      host.replaceChildren(empty('No trade closed in this span.'));
      return;
    }
    const curve = h('div', { class: 'curve-chart', role: 'img', 'aria-label': curveLabel(stats) });
    const fall = h('div', {
      class: 'drawdown-chart',
      role: 'img',
      'aria-label': `Drawdown, deepest ${amount(stats.maxDrawdown)}`,
    });
    host.replaceChildren(
      h(
        'div',
        { class: 'panel' },
        h('h2', {}, stats.equity === null ? 'Net P&L of closed trades' : 'Equity from closed trades'),
        curve,
        h('h2', {}, 'Drawdown'),
        fall,
      ),
      h(
        'div',
        { class: 'columns' },
        h('div', { class: 'panel' }, h('h2', {}, 'Figures'), figures(stats)),
        h('div', { class: 'panel' }, h('h2', {}, 'By exit rule'), byRule(stats)),
      ),
    );
    charts = [
      curveChart(curve, points(stats, 'pnl', startOf(stats))),
      drawdownChart(fall, points(stats, 'drawdown', 0)),
    ];
  }

  function hidden() {
    for (const chart of charts) chart.close();
    charts = [];
  }

  return { element, shown, hidden, refreshOn: 'closed' };
}

/** Equity before the first trade of the span; 0 where equity is not known. For drawing only. */
function startOf({ equity, netPnl, openPnl }) {
  return equity === null ? 0 : Number(equity) - Number(netPnl) - Number(openPnl);
}

/** From just before the first close until now. */
function points({ curve }, field, start) {
  const first = curve[0].atMs / 1000 - 1;
  const values = curve.map((point) => start + Number(point[field]));
  return [
    [first, ...curve.map(({ atMs }) => atMs / 1000), Date.now() / 1000],
    [start, ...values, values.at(-1)],
  ];
}

function curveLabel({ curve, netPnl }) {
  return `Net P&L over ${curve.length} closes, now ${signedAmount(netPnl)}`;
}

function figures(stats) {
  return facts([
    ['Closed trades', String(stats.closedTrades)],
    ['Win rate', fraction(stats.winRate)],
    ['Expected value', signedAmount(stats.expectedValue)],
    ['Profit factor', stats.profitFactor === null ? '–' : stats.profitFactor.toFixed(2)],
    ['Average hold', stats.averageHoldMs === null ? '–' : duration(stats.averageHoldMs)],
    ['Fees', amount(stats.fees)],
    ['Net P&L', h('span', { class: sign(stats.netPnl) }, signedAmount(stats.netPnl))],
    ['Deepest drawdown', amount(stats.maxDrawdown)],
  ]);
}

function byRule({ byExitReason }) {
  const rows = Object.entries(byExitReason).map(([rule, sum]) => ({ rule, ...sum }));
  return table(
    'P&L by exit rule',
    [
      { name: 'Rule', cell: ({ rule }) => h('span', { class: `rule ${rule}` }, words(rule)) },
      { name: 'Trades', className: 'number', cell: ({ trades }) => String(trades) },
      {
        name: 'Net P&L',
        className: 'number',
        cell: ({ netPnl }) => h('span', { class: sign(netPnl) }, signedAmount(netPnl)),
      },
    ],
    rows,
  );
}
