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
        h('div', { class: 'panel' }, h('h2', {}, 'Versions'), history(versions, specs)),
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
        cell: (spec) => {
          const values = earlier.map((version) => version.thresholds[spec.name]);
          return h('span', { class: 'course' }, stepLine(values, spec), course(values));
        },
      },
      { name: 'What it does', className: 'lead', cell: ({ meaning }) => meaning },
    ],
    specs,
  );
}

const SVG = 'http://www.w3.org/2000/svg';

/** A step for each version, within the threshold's bounds; nothing where it never moved. */
function stepLine(values, { min, max }) {
  if (values.every((value) => value === values[0])) return null;
  const [width, height] = [72, 18];
  const x = (index) => ((index * width) / values.length).toFixed(1);
  const y = (value) => (height - 1 - ((value - low) / (high - low)) * (height - 2)).toFixed(1);
  // A tenth of the range at the least, so that a small change looks small.
  const air = Math.max(0, (max - min) / 10 - (Math.max(...values) - Math.min(...values))) / 2;
  const [low, high] = [Math.min(...values) - air, Math.max(...values) + air];
  const path = values.map(
    (value, index) => `${index === 0 ? 'M' : 'V'}${index === 0 ? `0 ${y(value)}` : y(value)}H${x(index + 1)}`,
  );
  const svg = document.createElementNS(SVG, 'svg');
  for (const [name, value] of Object.entries({
    viewBox: `0 0 ${width} ${height}`,
    width,
    height,
    'aria-hidden': 'true',
  }))
    svg.setAttribute(name, value);
  const line = document.createElementNS(SVG, 'path');
  line.setAttribute('d', path.join(''));
  svg.append(line);
  return svg;
}

/** The last different values, oldest first. */
function course(values) {
  const figures = values.map(figure);
  const changes = figures.filter((text, index) => text !== figures[index - 1]);
  return changes.slice(-3).join(' → ');
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

function history(versions, specs) {
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
      { name: 'Changes most', className: 'wide', cell: (version) => changes(version, versions, specs) },
      { name: 'Why', className: 'wide', cell: ({ why }) => why },
    ],
    versions,
  );
}

const MOST_CHANGES = 3;

/** What the version would change, or changed, of the one before it; the largest share of its range first. */
function changes({ version, thresholds: after }, versions, specs) {
  const before = versions.find((other) => other.version < version && other.accepted)?.thresholds;
  if (!before) return '–';
  const moved = specs
    .map(({ name, min, max }) => ({ name, share: Math.abs(after[name] - before[name]) / (max - min) }))
    .filter(({ share }) => share > 0)
    .sort((left, right) => right.share - left.share)
    .slice(0, MOST_CHANGES);
  if (moved.length === 0) return 'nothing';
  return h(
    'span',
    {},
    moved.map(({ name }) =>
      h(
        'span',
        { class: 'change' },
        h('code', {}, name),
        ` ${figure(before[name])} → ${figure(after[name])}`,
      ),
    ),
  );
}

/** Expected log growth per signal on trades the step did not learn from, in basis points. */
function growth({ unseenBefore, unseenAfter }) {
  if (unseenBefore === null || unseenAfter === null) return '–';
  const points = (value) => (value * 10_000).toFixed(2).replace('-', '\u2212');
  return `${points(unseenBefore)} → ${points(unseenAfter)} bp`;
}

function figure(value) {
  return String(Number(value.toPrecision(4))).replace('-', '\u2212');
}
