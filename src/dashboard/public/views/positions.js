import { empty, h, setText } from '../dom.js';
import { confirmExit } from '../dialogs.js';
import { onThemeChange } from '../theme.js';
import { PositionRow } from './position-row.js';

const ORDERS = {
  newest: ['Newest first', (left, right) => right.openedAtMs - left.openedAtMs],
  best: ['Best P&L first', (left, right) => Number(right.unrealizedPnl) - Number(left.unrealizedPnl)],
  worst: ['Worst P&L first', (left, right) => Number(left.unrealizedPnl) - Number(right.unrealizedPnl)],
  symbol: [
    'By symbol',
    (left, right) => left.symbol.localeCompare(right.symbol) || right.openedAtMs - left.openedAtMs,
  ],
};

/**
 * Open positions. Rows out of sight are not touched: what they missed is caught up when they scroll in.
 * The order is made anew when positions come or go or the reader asks, never under a moving hand.
 */
export function positionsView(store, about) {
  const rows = new Map();
  const visible = new Set();
  const filter = h('input', {
    type: 'search',
    id: 'filter',
    placeholder: 'Filter by symbol, side or id',
    'aria-label': 'Filter positions',
    autocomplete: 'off',
  });
  const order = h(
    'select',
    { 'aria-label': 'Order of positions' },
    Object.entries(ORDERS).map(([key, [name]]) => h('option', { value: key }, name)),
  );
  const count = h('span', { class: 'count', role: 'status' });
  const list = h('ul', { class: 'positions', 'aria-label': 'Open positions' });
  const nothing = h('div');
  const head = h(
    'div',
    { class: 'position-head', 'aria-hidden': 'true' },
    [
      'Position',
      'Marks seen here',
      'Entry → mark',
      'P&L',
      'Exits below / above',
      'Held, by',
      'Prediction',
      '',
    ].map((name) => h('span', {}, name)),
  );
  const element = h(
    'section',
    { 'aria-labelledby': 'positions-title' },
    h(
      'div',
      { class: 'toolbar' },
      h('h1', { id: 'positions-title' }, 'Open positions'),
      count,
      filter,
      order,
    ),
    head,
    list,
    nothing,
  );

  const observer = new IntersectionObserver(
    (entries) => {
      for (const { target, isIntersecting } of entries) {
        const row = rows.get(target.dataset.position);
        if (!row) continue;
        if (isIntersecting) {
          visible.add(row);
          update(row);
        } else visible.delete(row);
      }
    },
    { rootMargin: '120px' },
  );

  const update = (row) => {
    const position = store.positions.get(row.positionId);
    if (position) row.update(position, store.marks(row.positionId), store.now());
  };

  function arrange() {
    const wanted = filter.value.trim().toLowerCase();
    const shown = [...store.positions.values()]
      .filter(({ symbol, side, positionId, tradeId }) =>
        `${symbol} ${side} ${positionId} ${tradeId}`.toLowerCase().includes(wanted),
      )
      .sort(ORDERS[order.value][1]);
    const wantedIds = new Set(shown.map(({ positionId }) => positionId));
    for (const [id, row] of rows) if (!wantedIds.has(id)) remove(id, row);
    let place = list.firstElementChild;
    for (const position of shown) {
      const { element: item } = rows.get(position.positionId) ?? create(position);
      // Moved only where the order says so: focus and scroll stay where they are.
      if (item === place) place = place.nextElementSibling;
      else list.insertBefore(item, place);
    }
    const total = store.positions.size;
    setText(count, shown.length === total ? String(total) : `${shown.length} of ${total}`);
    head.hidden = shown.length === 0;
    if (shown.length > 0 || !store.isLoaded) nothing.replaceChildren();
    else if (total > 0) nothing.replaceChildren(empty('No position matches the filter.'));
    else
      nothing.replaceChildren(
        empty('No open position.', 'Open one: npx holdfast open --symbol BTC/USD --notional 250'),
      );
  }

  function create(position) {
    const row = new PositionRow(position, store, about);
    rows.set(position.positionId, row);
    observer.observe(row.element);
    return row;
  }

  function remove(id, row) {
    observer.unobserve(row.element);
    visible.delete(row);
    row.close();
    rows.delete(id);
  }

  function move(step) {
    const toggles = [...list.querySelectorAll('.position-toggle')];
    const at = toggles.indexOf(
      document.activeElement?.closest('.position')?.querySelector('.position-toggle'),
    );
    toggles[Math.min(toggles.length - 1, Math.max(0, at + step))]?.focus();
  }

  filter.addEventListener('input', arrange);
  order.addEventListener('change', arrange);
  store.addEventListener('batch', ({ detail }) => {
    if (detail.membersChanged) arrange();
    for (const row of visible) update(row);
  });
  onThemeChange(() => visible.forEach(update));

  return {
    element,
    shown: arrange,
    key(key) {
      if (key === '/') filter.focus();
      else if (key === 'j' || key === 'ArrowDown') move(1);
      else if (key === 'k' || key === 'ArrowUp') move(-1);
      else if (key === 'x') {
        const id = document.activeElement?.closest('.position')?.dataset.position;
        if (!id || !store.positions.has(id)) return false;
        void confirmExit(store.positions.get(id));
      } else return false;
      return true;
    },
  };
}
