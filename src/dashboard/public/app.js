import { get, hasToken } from './api.js';
import { byId, h } from './dom.js';
import { askToken, confirmHalt, confirmResume, lock, onTokenChange, showKeys } from './dialogs.js';
import { signedAmount, words } from './format.js';
import {
  buildHeader,
  showHealth,
  showHealthUnknown,
  showLock,
  showOpen,
  showStats,
  showVenue,
} from './header.js';
import { listen } from './live.js';
import { Store } from './store.js';
import { closedView } from './views/closed.js';
import { findingsView } from './views/findings.js';
import { performanceView } from './views/performance.js';
import { positionsView } from './views/positions.js';
import { thresholdsView } from './views/thresholds.js';

const VIEWS = [
  ['positions', 'Positions', positionsView],
  ['closed', 'Closed', closedView],
  ['performance', 'Performance', performanceView],
  ['thresholds', 'Thresholds', thresholdsView],
  ['findings', 'Findings', findingsView],
];
const STATS_EVERY_MS = 10_000;
const TOAST_MS = 6_000;

const store = new Store();
let about = { exchange: 'paper', temporalUi: null, temporalNamespace: 'default', timeScale: 1 };
let halt = null;
let blocks = [];
let exposure = 0;
let view = null;
let viewTimer = null;
const built = new Map();

buildHeader();
for (const [name, title] of VIEWS)
  byId('tabs').append(h('a', { href: `#${name}`, id: `tab-${name}` }, title));

about = await get('/api/about').catch(() => about);
showVenue(about);
show();
addEventListener('hashchange', show);

function show() {
  const known = VIEWS.find(([name]) => `#${name}` === location.hash) ?? VIEWS[0];
  const [name, title, create] = known;
  view?.hidden?.();
  clearInterval(viewTimer);
  if (!built.has(name)) built.set(name, create(store, about));
  view = built.get(name);
  byId('content').replaceChildren(view.element);
  for (const link of byId('tabs').children) {
    if (link.id === `tab-${name}`) {
      link.setAttribute('aria-current', 'page');
      link.scrollIntoView({ block: 'nearest', inline: 'nearest' });
    } else link.removeAttribute('aria-current');
  }
  document.title = `${title} · Holdfast`;
  refresh();
  if (view.refreshEveryMs) viewTimer = setInterval(refresh, view.refreshEveryMs);
}

async function refresh() {
  try {
    await view.shown();
  } catch (error) {
    toast(error.message, 'bad');
  }
}

async function refreshStats() {
  const [stats, findings] = await Promise.all([get('/api/stats'), get('/api/findings')]).catch(() => []);
  if (!stats) return;
  showStats(stats);
  halt = findings.halts.find(({ endedAt }) => endedAt === null) ?? null;
  const waiting = findings.findings.filter(({ status }) => status === 'human').length;
  byId('tab-findings').textContent = waiting > 0 ? `Findings (${waiting})` : 'Findings';
  blocks = stats.blocks;
  showLock(halt, blocks);
}

let frame = 0;
store.addEventListener('batch', () => {
  frame ||= requestAnimationFrame(() => {
    frame = 0;
    ({ exposure } = showOpen([...store.positions.values()]));
  });
});

listen(
  {
    positions: (batch) => store.apply(batch),
    health: showHealth,
    opened: (position) => toast(`Opened ${position.symbol} ${position.side}`),
    closed: (position) => {
      toast(
        `Closed ${position.symbol} ${position.side}: ${words(position.exitRule)}, ${signedAmount(position.realizedPnl)}`,
        Number(position.realizedPnl) < 0 ? 'loss' : 'gain',
      );
      void refreshStats();
      if (view.refreshOn === 'closed') void refresh();
    },
    unavailable: ({ message }) => connection(false, `Positions can’t be read: ${message}`),
  },
  (isUp) => connection(isUp, 'The line to the dashboard server is cut; figures are old. Trying again …'),
);

let isUp = true;
store.addEventListener('batch', () => connection(true));
function connection(up, why = '') {
  if (up === isUp) return;
  isUp = up;
  document.body.classList.toggle('stale', !up);
  const notice = byId('notice');
  if (!up) {
    notice.hidden = false;
    notice.textContent = why;
    if (!why.startsWith('Positions')) showHealthUnknown();
  } else showLock(halt, blocks);
}

function toast(text, className = '') {
  const note = h('p', { class: `toast ${className}` }, text);
  byId('toasts').append(note);
  setTimeout(() => note.remove(), TOAST_MS);
}

onTokenChange(() => void refreshStats().then(() => showLock(halt, blocks)));
byId('unlock').addEventListener('click', () => (hasToken() ? lock() : void askToken()));
byId('halt').addEventListener(
  'click',
  () => void (halt ? confirmResume() : confirmHalt(store.positions.size, exposure)),
);

document.addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector('dialog[open]')) return;
  if (event.target.matches?.('input, select, textarea')) return;
  const digit = VIEWS[Number(event.key) - 1];
  if (digit) location.hash = digit[0];
  else if (event.key === '?') void showKeys();
  else if (!view.key?.(event.key)) return;
  event.preventDefault();
});

showLock(halt, blocks);
void refreshStats();
setInterval(() => void refreshStats(), STATS_EVERY_MS);
