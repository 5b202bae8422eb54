import { get } from '../api.js';
import { empty, h, setText } from '../dom.js';
import { amount, duration, price, sign, signedAmount, signedPercent, time, words } from '../format.js';
import { table } from './table.js';
import { workflowLink } from './workflow-link.js';

export function closedView(_store, about) {
  const host = h('div');
  const count = h('span', { class: 'count' });
  const element = h(
    'section',
    { 'aria-labelledby': 'closed-title' },
    h('div', { class: 'toolbar' }, h('h1', { id: 'closed-title' }, 'Closed trades'), count),
    host,
  );
  const columns = [
    { name: 'Closed', cell: ({ closedAtMs }) => time(closedAtMs) },
    {
      name: 'Symbol',
      cell: ({ symbol, side }) =>
        h(
          'span',
          {},
          h('span', { class: 'symbol' }, symbol),
          ' ',
          h('span', { class: `side ${side}` }, side),
        ),
    },
    { name: 'Exit rule', cell: ({ exitRule }) => h('span', { class: `rule ${exitRule}` }, words(exitRule)) },
    { name: 'Entry', className: 'number', cell: ({ entryPrice }) => price(entryPrice) },
    { name: 'Exit', className: 'number', cell: ({ exitPrice }) => price(exitPrice) },
    {
      name: 'Return',
      className: 'number',
      cell: ({ returnPct }) => h('span', { class: sign(returnPct) }, signedPercent(returnPct)),
    },
    { name: 'Fees', className: 'number', cell: ({ fees }) => amount(fees) },
    {
      name: 'Net P&L',
      className: 'number',
      cell: ({ realizedPnl }) => h('strong', { class: sign(realizedPnl) }, signedAmount(realizedPnl)),
    },
    {
      name: 'Held',
      className: 'number',
      cell: ({ openedAtMs, closedAtMs }) => duration(closedAtMs - openedAtMs),
    },
    { name: 'Workflow', cell: ({ workflowId, tradeId }) => workflowLink(about, workflowId, tradeId) },
  ];
  return {
    element,
    refreshOn: 'closed',
    async shown() {
      const trades = await get('/api/positions?status=closed&limit=300');
      setText(count, trades.length === 300 ? 'newest 300' : String(trades.length));
      trades.sort((left, right) => right.closedAtMs - left.closedAtMs);
      host.replaceChildren(
        trades.length === 0
          ? empty('No closed trade yet.', 'A trade appears here when its exit is proven by fills.')
          : table('Closed trades', columns, trades),
      );
    },
  };
}
