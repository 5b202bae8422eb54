import { get } from '../api.js';
import { empty, h } from '../dom.js';
import { duration, time, words } from '../format.js';
import { table } from './table.js';

const STATUS = { seen: 'seen', acting: 'being settled', settled: 'settled', human: 'needs you' };

export function findingsView() {
  const host = h('div');
  const element = h(
    'section',
    { 'aria-labelledby': 'findings-title' },
    h('div', { class: 'toolbar' }, h('h1', { id: 'findings-title' }, 'Findings and halts')),
    host,
  );
  return {
    element,
    refreshEveryMs: 10_000,
    async shown() {
      const { findings, halts, blocks: all } = await get('/api/findings');
      // A halt stands with its reason in the table of halts.
      const blocks = all.filter(({ limit }) => limit !== 'halted');
      host.replaceChildren(
        ...(blocks.length === 0
          ? []
          : [h('div', { class: 'panel' }, h('h2', {}, 'Entries are refused'), blockTable(blocks))]),
        h(
          'div',
          { class: 'panel' },
          h('h2', {}, 'Findings of reconciliation'),
          findings.length === 0
            ? empty('Exchange, database and workflows agree.', 'Reconciliation compares them every minute.')
            : findingTable(findings),
        ),
        h(
          'div',
          { class: 'panel' },
          h('h2', {}, 'Halts'),
          halts.length === 0 ? empty('Never halted.') : haltTable(halts),
        ),
      );
    },
  };
}

function findingTable(findings) {
  const urgency = { human: 0, acting: 1, seen: 2, settled: 3 };
  const sorted = [...findings].sort(
    (left, right) => urgency[left.status] - urgency[right.status] || right.lastSeenAt - left.lastSeenAt,
  );
  return table(
    'Findings',
    [
      { name: 'Status', cell: ({ status }) => h('span', { class: `stage ${status}` }, STATUS[status]) },
      { name: 'Finding', cell: ({ kind }) => words(kind) },
      { name: 'First seen', cell: ({ firstSeenAt }) => time(firstSeenAt) },
      { name: 'Looks', className: 'number', cell: ({ looks }) => String(looks) },
      { name: 'What was seen', className: 'wide', cell: ({ words: told }) => told.seen },
      { name: 'What became of it', className: 'wide', cell: ({ words: told }) => told.outcome },
      { name: 'Evidence', cell: evidence },
    ],
    sorted,
  );
}

function evidence({ seen, proof }) {
  return h('details', {}, h('summary', {}, 'show'), h('pre', {}, JSON.stringify({ seen, proof }, null, 2)));
}

function blockTable(blocks) {
  return table(
    'What refuses entries now',
    [
      { name: 'By', cell: ({ limit }) => h('span', { class: 'stage human' }, limit) },
      { name: 'Symbol', cell: ({ symbol }) => symbol ?? 'all' },
      { name: 'Until', cell: ({ endsAtMs }) => (endsAtMs === null ? '–' : time(endsAtMs)) },
      { name: 'Why', className: 'wide', cell: ({ message }) => message },
    ],
    blocks,
  );
}

function haltTable(halts) {
  return table(
    'Halts',
    [
      { name: 'From', cell: ({ startedAt }) => time(startedAt) },
      {
        name: 'Until',
        cell: ({ endedAt }) =>
          endedAt === null ? h('span', { class: 'stage human' }, 'in force') : time(endedAt),
      },
      {
        name: 'For',
        className: 'number',
        cell: ({ startedAt, endedAt }) => duration((endedAt ?? Date.now()) - startedAt),
      },
      { name: 'By', cell: ({ actor }) => actor },
      { name: 'Ended by', cell: ({ endedBy }) => endedBy ?? '–' },
      { name: 'Positions', cell: ({ flatten }) => (flatten ? 'told to exit' : 'kept') },
      { name: 'Reason', className: 'wide', cell: ({ reason }) => reason },
      { name: 'Reason to end', className: 'wide', cell: ({ endReason }) => endReason ?? '–' },
    ],
    halts,
  );
}
