import { get } from '../api.js';
import { empty, h } from '../dom.js';
import { time } from '../format.js';
import { table } from './table.js';

export function thresholdsView() {
  const host = h('div');
  const element = h(
    'section',
    { 'aria-labelledby': 'thresholds-title' },
    h('div', { class: 'toolbar' }, h('h1', { id: 'thresholds-title' }, 'Thresholds')),
    host,
  );
  return {
    element,
    refreshOn: 'closed',
    async shown() {
      const { version, thresholds, specs, versions } = await get('/api/thresholds');
      if (version === null) {
        host.replaceChildren(
          empty('No thresholds yet.', 'The first worker writes version 1, the starting values.'),
        );
        return;
      }
      host.replaceChildren(
        h(
          'div',
          { class: 'panel' },
          h('h2', {}, `In use: version ${version}`),
          current(thresholds, specs, versions),
        ),
        h('div', { class: 'panel' }, h('h2', {}, 'Versions'), history(versions)),
      );
    },
  };
}

function current(thresholds, specs, versions) {
  const earlier = [...versions].reverse().filter(({ accepted }) => accepted);
  return table(
    'The thresholds in use',
    [
      { name: 'Threshold', className: 'lead', cell: ({ name }) => h('code', {}, name) },
      { name: 'Now', className: 'number', cell: ({ name }) => h('strong', {}, figure(thresholds[name])) },
      { name: 'Start', className: 'number', cell: ({ start }) => figure(start) },
      { name: 'Within its bounds', cell: (spec) => boundsGauge(spec, thresholds[spec.name]) },
      {
        name: 'Over versions',
        cell: ({ name }) =>
          h('span', { class: 'muted' }, course(earlier.map((version) => version.thresholds[name]))),
      },
      { name: 'What it does', className: 'lead', cell: ({ meaning }) => meaning },
    ],
    specs,
  );
}

/** The last different values, oldest first. */
function course(values) {
  const figures = values.map(figure);
  const changes = figures.filter((text, index) => text !== figures[index - 1]);
  return changes.slice(-4).join(' → ');
}

function boundsGauge({ min, max }, value) {
  const mark = h('span', { class: 'gauge-mark' });
  mark.style.left = `${(((value - min) / (max - min)) * 100).toFixed(1)}%`;
  return h(
    'span',
    { class: 'bounds', title: `${min} to ${max}` },
    h('span', { class: 'small muted' }, figure(min)),
    h('span', { class: 'gauge' }, mark),
    h('span', { class: 'small muted' }, figure(max)),
  );
}

function history(versions) {
  return table(
    'Versions of the thresholds',
    [
      {
        name: 'Version',
        cell: ({ version, active }) =>
          h(
            'span',
            {},
            h('strong', {}, String(version)),
            active ? h('span', { class: 'stage open' }, 'in use') : '',
          ),
      },
      { name: 'When', cell: ({ createdAt }) => time(createdAt) },
      {
        name: 'Verdict',
        cell: ({ accepted }) =>
          h('span', { class: accepted ? 'gain' : 'muted' }, accepted ? 'accepted' : 'refused'),
      },
      { name: 'Trades', className: 'number', cell: ({ trades }) => String(trades) },
      { name: 'Growth, unseen trades', className: 'number', cell: growth },
      { name: 'Why', className: 'wide', cell: ({ why }) => why },
    ],
    versions,
  );
}

/** Expected log growth per signal on trades the step did not learn from, in basis points. */
function growth({ unseenBefore, unseenAfter }) {
  if (unseenBefore === null || unseenAfter === null) return '–';
  const points = (value) => (value * 10_000).toFixed(2);
  return `${points(unseenBefore)} → ${points(unseenAfter)} bp`;
}

function figure(value) {
  return String(Number(value.toPrecision(4))).replace('-', '\u2212');
}
