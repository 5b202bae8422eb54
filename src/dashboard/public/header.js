import { hasToken } from './api.js';
import { byId, h, setAttribute, setClass, setText } from './dom.js';
import { age, amount, fraction, sign, signedAmount, time } from './format.js';

/** Health, overview figures and the state of the kill switch; each part is built once and then only updated. */

const PARTS = [
  ['temporal', 'Temporal'],
  ['database', 'Database'],
  ['feed', 'Feed'],
  ['exchange', 'Exchange'],
];

const TILES = [
  ['equity', 'Equity'],
  ['open', 'Open P&L'],
  ['realized', 'Realized P&L'],
  ['wins', 'Win rate'],
  ['drawdown', 'Max drawdown'],
  ['positions', 'Positions'],
];

const dots = new Map();
const tiles = new Map();

export function buildHeader() {
  for (const [part, name] of PARTS) {
    const detail = h('span', { class: 'health-detail' }, '…');
    const item = h(
      'li',
      { class: 'unknown' },
      h('span', { class: 'dot', 'aria-hidden': 'true' }),
      h('span', {}, name),
      detail,
    );
    dots.set(part, { item, detail, name });
    byId('health').append(item);
  }
  for (const [key, name] of TILES) {
    const value = h('dd', {}, '–');
    const note = h('dd', { class: 'note' }, '\u00a0');
    tiles.set(key, { value, note });
    byId('tiles').append(h('dl', { class: 'tile' }, h('dt', {}, name), value, note));
  }
}

export function showHealth({ parts }) {
  for (const [part, { item, detail, name }] of dots) {
    const { ok, detail: words, ageMs } = parts[part];
    setClass(item, ok ? 'ok' : 'bad');
    setText(detail, ok ? (ageMs === null ? 'ok' : age(ageMs)) : 'failing');
    setAttribute(item, 'title', words);
    setAttribute(item, 'aria-label', `${name}: ${ok ? 'ok' : 'failing'}, ${words}`);
  }
}

/** The line to our own server is cut: nothing is known any more. */
export function showHealthUnknown() {
  for (const { item, detail } of dots.values()) {
    setClass(item, 'unknown');
    setText(detail, 'unknown');
  }
}

export function showStats(stats) {
  tile(
    'equity',
    stats.equity === null ? '–' : amount(stats.equity),
    '',
    stats.equity === null ? 'no worker has read the account yet' : `at ${time(stats.equityAtMs)}`,
  );
  tile('realized', signedAmount(stats.netPnl), sign(stats.netPnl), `after ${amount(stats.fees)} fees`);
  tile(
    'wins',
    fraction(stats.winRate),
    '',
    stats.closedTrades === 0 ? 'no closed trade yet' : `${stats.wins} of ${stats.closedTrades} trades`,
  );
  const fall = signedAmount(Number(stats.maxDrawdown) === 0 ? '0' : `-${stats.maxDrawdown}`);
  tile(
    'drawdown',
    stats.maxDrawdownFraction === null ? fall : fraction(-stats.maxDrawdownFraction, 2),
    Number(stats.maxDrawdown) > 0 ? 'loss' : '',
    stats.maxDrawdownFraction === null ? 'realized' : `${fall} realized`,
  );
}

export function showOpen(positions) {
  let pnl = 0;
  let exposure = 0;
  for (const { unrealizedPnl, quantity, markPrice } of positions) {
    pnl += Number(unrealizedPnl);
    exposure += Number(quantity) * Number(markPrice);
  }
  tile('open', signedAmount(pnl), sign(Math.round(pnl * 100)), 'before exit fees');
  tile('positions', String(positions.length), '', `${amount(exposure)} exposed`);
  return { exposure };
}

/** Beside a halt, what refuses every entry now is worth a notice; what holds up one symbol is not. */
export function showLock(halt, blocks) {
  const unlock = byId('unlock');
  setText(unlock, hasToken() ? 'Lock' : 'Unlock');
  const button = byId('halt');
  setText(button, halt ? 'Resume entries' : 'Halt entries');
  setClass(button, halt ? 'primary' : '');
  const notice = byId('notice');
  const block = blocks.find(({ symbol }) => symbol === null);
  notice.hidden = !halt && !block;
  if (!halt && block)
    setText(notice, `Entries are refused: ${block.message}. Open positions stay protected.`);
  if (halt)
    setText(
      notice,
      `Entries are halted since ${time(halt.startedAt)} (${halt.actor}): ${halt.reason}. Open positions stay protected.`,
    );
}

export function showVenue({ exchange, timeScale }) {
  const badge = byId('venue');
  setText(badge, exchange === 'live' ? 'live money' : timeScale === 1 ? 'paper' : `paper, ${timeScale}×`);
  setClass(badge, `badge ${exchange}`);
}

function tile(key, text, className, note) {
  const { value, note: below } = tiles.get(key);
  setText(value, text);
  setClass(value, className);
  setText(below, note);
}
