import { escapeHtml, money } from './html.ts';

interface Bar {
  readonly label: string;
  readonly value: number;
  readonly note: string;
}

const WIDTH = 560;

/** Amounts side by side, losses to the left of the middle, each with its sum. */
export function amountBars(bars: readonly Bar[]): string {
  if (bars.length === 0) return '<p class="empty">No trade was closed.</p>';
  const [rowHeight, labelWidth, noteWidth] = [26, 128, 190];
  const span = WIDTH - labelWidth - noteWidth;
  const most = Math.max(...bars.map(({ value }) => Math.abs(value)), 1e-9);
  const anyLoss = bars.some(({ value }) => value < 0);
  const anyGain = bars.some(({ value }) => value > 0);
  const half = anyLoss && anyGain ? span / 2 : span;
  const zero = labelWidth + (anyLoss ? half : 0);
  const rows = bars.map(({ label, value, note }, index) => {
    const length = Math.max(1, (Math.abs(value) / most) * half);
    const y = index * rowHeight;
    return [
      `<text x="0" y="${y + 17}">${escapeHtml(label)}</text>`,
      `<rect class="bar ${value < 0 ? 'loss' : 'gain'}" x="${fixed(value < 0 ? zero - length : zero)}" y="${y + 5}" width="${fixed(length)}" height="${rowHeight - 10}"/>`,
      `<text x="${WIDTH - 110}" y="${y + 17}" text-anchor="end">${money(value)}</text>`,
      `<text x="${WIDTH}" y="${y + 17}" text-anchor="end">${escapeHtml(note)}</text>`,
    ].join('');
  });
  const height = bars.length * rowHeight;
  return `<svg viewBox="0 0 ${WIDTH} ${height}" role="img">${rows.join('')}<line class="axis" x1="${fixed(zero)}" x2="${fixed(zero)}" y1="0" y2="${height}"/></svg>`;
}

/** How often values fall between edges; `colour` may tell gains from losses by the middle of a bin. */
export function histogram(
  values: readonly number[],
  edges: readonly number[],
  label: (edge: number) => string,
  colour: (middle: number) => '' | 'gain' | 'loss' = () => '',
): string {
  if (values.length === 0) return '<p class="empty">No trade was closed.</p>';
  const bins = edges.slice(1).map((edge, index) => ({ from: edges[index] ?? 0, to: edge, count: 0 }));
  for (const value of values) {
    const bin = bins.find(({ to }) => value < to) ?? bins.at(-1);
    if (bin) bin.count += 1;
  }
  const [height, foot, top] = [190, 24, 16];
  const most = Math.max(...bins.map(({ count }) => count), 1);
  const width = WIDTH / bins.length;
  const drawn = bins.map(({ from, to, count }, index) => {
    const tall = (count / most) * (height - foot - top);
    const x = index * width;
    const y = height - foot - tall;
    const every = Math.ceil(bins.length / 8);
    return [
      `<rect class="bar ${colour((from + to) / 2)}" x="${fixed(x + 1)}" y="${fixed(y)}" width="${fixed(width - 2)}" height="${fixed(tall)}"><title>${escapeHtml(`${label(from)} to ${label(to)}: ${count}`)}</title></rect>`,
      count > 0
        ? `<text x="${fixed(x + width / 2)}" y="${fixed(y - 4)}" text-anchor="middle">${count}</text>`
        : '',
      index % every === 0
        ? `<text x="${fixed(x + 1)}" y="${height - 8}">${escapeHtml(label(from))}</text>`
        : '',
    ].join('');
  });
  return `<svg viewBox="0 0 ${WIDTH} ${height}" role="img">${drawn.join('')}<line class="axis" x1="0" x2="${WIDTH}" y1="${height - foot}" y2="${height - foot}"/></svg>`;
}

/** Edges of `count` bins of one round width around all values; 0 is always one of them. */
export function roundEdges(values: readonly number[], count: number): number[] {
  const [least, most] = [Math.min(0, ...values), Math.max(0, ...values)];
  const rough = Math.max((most - least) / count, 1e-6);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((factor) => factor * power).find((width) => width >= rough) ?? rough;
  const first = Math.floor(least / step);
  const last = Math.max(first + 1, Math.ceil(most / step));
  return Array.from({ length: last - first + 1 }, (_, index) => (first + index) * step);
}

function fixed(value: number): string {
  return value.toFixed(1);
}
