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
    const drawn = stats.equityCurve.length > 1 ? ofAccount(stats) : ofTrades(stats);
    if (drawn === null) {
      host.replaceChildren(empty('No trade closed in this span.'));
      return;
    }
    const curve = h('div', { class: 'curve-chart', role: 'img', 'aria-label': drawn.label });
    const fall = h('div', { class: 'drawdown-chart', role: 'img', 'aria-label': drawn.fallLabel });
    host.replaceChildren(
      h('div', { class: 'panel' }, h('h2', {}, drawn.title), curve, h('h2', {}, 'Drawdown'), fall),
      h(
        'div',
        { class: 'columns' },
        h('div', { class: 'panel' }, h('h2', {}, 'Figures'), figures(stats)),
        h('div', { class: 'panel' }, h('h2', {}, 'By exit rule'), byRule(stats)),
      ),
    );
    charts = [curveChart(curve, drawn.curve), drawdownChart(fall, drawn.falls)];
  }

  function hidden() {
    for (const chart of charts) chart.close();
    charts = [];
  }

  return { element, shown, hidden, refreshOn: 'closed' };
}

/** The account as the exchange told it. For drawing only. */
function ofAccount({ equityCurve, equity, maxDrawdownFraction }) {
  const times = equityCurve.map(({ atMs }) => atMs / 1000);
  const fallen = ({ equity: worth, drawdown }) => (-Number(worth) * drawdown) / Math.max(1e-9, 1 - drawdown);
  return {
    title: 'Equity',
    label: `Equity over ${equityCurve.length} readings, now ${amount(equity)}`,
    fallLabel: `Drawdown from the peak, deepest ${fraction(maxDrawdownFraction, 2)}`,
    curve: [times, equityCurve.map(({ equity: worth }) => Number(worth))],
    falls: [times, equityCurve.map(fallen)],
  };
}

/** Where the account was never read: what closed trades made of nothing, from just before the first close until now. */
function ofTrades({ curve, netPnl, maxDrawdown }) {
  if (curve.length === 0) return null;
  const times = [curve[0].atMs / 1000 - 1, ...curve.map(({ atMs }) => atMs / 1000), Date.now() / 1000];
  const values = (field) => [0, ...curve.map((point) => Number(point[field])), Number(curve.at(-1)[field])];
  return {
    title: 'Net P&L of closed trades',
    label: `Net P&L over ${curve.length} closes, now ${signedAmount(netPnl)}`,
    fallLabel: `Drawdown, deepest ${amount(maxDrawdown)}`,
    curve: [times, values('pnl')],
    falls: [times, values('drawdown')],
  };
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
    ['Deepest realized drawdown', amount(stats.maxDrawdown)],
    [
      'Drawdown of equity',
      `${fraction(stats.drawdown, 2)}, deepest ${fraction(stats.maxDrawdownFraction, 2)}`,
    ],
    ['Cash', amount(stats.cash)],
    ['Exposure', amount(stats.exposure)],
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
