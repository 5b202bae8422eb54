import { escapeHtml, money } from './html.ts';

interface Bar {
  readonly label: string;
  readonly value: number;
  readonly note: string;
}

/** Amounts side by side, losses to the left of the middle, each with its sum. */
export function amountBars(bars: readonly Bar[]): string {
  if (bars.length === 0) return '<p class="empty">No trade was closed.</p>';
  const most = Math.max(...bars.map(({ value }) => Math.abs(value)), 1e-9);
  const anyLoss = bars.some(({ value }) => value < 0);
  const anyGain = bars.some(({ value }) => value > 0);
  const span = anyLoss && anyGain ? 50 : 100;
  const zero = anyLoss ? span : 0;
  const rows = bars.map(({ label, value, note }) => {
    const length = (Math.abs(value) / most) * span;
    const from = value < 0 ? zero - length : zero;
    return [
      `<span class="label">${escapeHtml(label)}</span>`,
      `<span class="track"><i class="bar ${value < 0 ? 'loss' : 'gain'}" style="left:${fixed(from)}%;width:${fixed(length)}%"></i><i class="axis" style="left:${zero}%"></i></span>`,
      `<span class="amount">${money(value)}</span>`,
      `<span class="note">${escapeHtml(note)}</span>`,
    ].join('');
  });
  return `<div class="amounts">${rows.map((row) => `<div>${row}</div>`).join('')}</div>`;
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
  const most = Math.max(...bins.map(({ count }) => count), 1);
  const every = Math.ceil(bins.length / 8);
  const drawn = bins.map(({ from, to, count }, index) => {
    const isLabelled = index % every === 0;
    // A narrow page has room for every other label.
    const rank = isLabelled ? ((index / every) % 2 === 0 ? 'edge' : 'edge minor') : 'edge none';
    return [
      `<div title="${escapeHtml(`${label(from)} to ${label(to)}: ${count}`)}">`,
      `<span class="column"><span class="count">${count > 0 ? count : ''}</span>`,
      `<i class="bar ${colour((from + to) / 2)}" style="height:${fixed((count / most) * 100)}%"></i></span>`,
      `<span class="${rank}">${isLabelled ? escapeHtml(label(from)) : ''}</span></div>`,
    ].join('');
  });
  return `<div class="histogram">${drawn.join('')}</div>`;
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
