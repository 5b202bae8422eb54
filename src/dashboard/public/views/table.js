import { h } from '../dom.js';

/**
 * A table that becomes cards on a phone. Columns are `{name, cell, className?}`; `cell(row)` gives text or a node.
 */
export function table(label, columns, rows) {
  const head = h(
    'thead',
    {},
    h(
      'tr',
      {},
      columns.map(({ name, className }) => h('th', { scope: 'col', class: className ?? null }, name)),
    ),
  );
  const body = h(
    'tbody',
    {},
    rows.map((row) =>
      h(
        'tr',
        {},
        columns.map(({ name, cell, className }) => {
          const content = cell(row);
          const data = h('td', { 'data-label': name, class: className ?? null });
          data.append(content ?? '–');
          return data;
        }),
      ),
    ),
  );
  return h(
    'div',
    { class: 'table-frame', tabindex: '0', role: 'region', 'aria-label': label },
    h('table', {}, head, body),
  );
}
