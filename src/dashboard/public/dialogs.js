import { ApiError, hasToken, keepToken, post } from './api.js';
import { byId, h } from './dom.js';
import { amount, price, quantity, signedAmount, signedPercent } from './format.js';

/** Everything that changes something goes through a dialog that says what will happen, and shows the answer. */

let changed = () => undefined;

/** `listener` hears whenever the token was given or forgotten. */
export function onTokenChange(listener) {
  changed = listener;
}

export function askToken() {
  const input = h('input', {
    id: 'token',
    type: 'password',
    autocomplete: 'off',
    required: true,
    minlength: 16,
    spellcheck: 'false',
  });
  return form({
    title: 'Unlock actions',
    body: [
      h(
        'p',
        {},
        'Exits and halts need the dashboard token. It is in the file ',
        h('code', {}, 'dashboard-token'),
        ' of the data directory, or in HOLDFAST_DASHBOARD_TOKEN. It stays in this tab.',
      ),
      h('label', { for: 'token' }, 'Token'),
      input,
    ],
    confirm: 'Unlock',
    async act() {
      keepToken(input.value.trim());
      changed();
      return null;
    },
  });
}

export function lock() {
  keepToken(null);
  changed();
}

export async function confirmExit(position) {
  if (!(await ensureToken())) return;
  const reason = reasonField('exit-reason', 'forced by operator');
  await form({
    title: `Exit ${position.symbol} ${position.side}?`,
    body: [
      h(
        'p',
        {},
        `Closes ${quantity(position.quantity)} at the market, whatever the rules say. Mark ${price(position.markPrice)}, now `,
        h('strong', {}, `${signedAmount(position.unrealizedPnl)} (${signedPercent(position.returnPct)})`),
        ' before fees. This can’t be undone.',
      ),
      ...reason.nodes,
    ],
    confirm: 'Exit position',
    danger: true,
    async act() {
      const answer = await post(`/api/positions/${encodeURIComponent(position.positionId)}/exit`, {
        reason: reason.value(),
      });
      return answer.accepted
        ? `Accepted: the trade is ${answer.stage} and exits. It closes when the fills prove it.`
        : `Not accepted: the trade is ${answer.stage}.`;
    },
  });
}

/** `openPositions` is how many a flattening halt would close. */
export async function confirmHalt(openPositions, exposure) {
  if (!(await ensureToken())) return;
  const reason = reasonField('halt-reason', 'halted by operator');
  const flatten = h('input', { type: 'checkbox', id: 'halt-flatten' });
  await form({
    title: 'Halt all entries?',
    body: [
      h(
        'p',
        {},
        'No new position is opened until you resume. Open positions stay protected and exit by their rules.',
      ),
      ...reason.nodes,
      h(
        'label',
        { class: 'check', for: 'halt-flatten' },
        flatten,
        `Also close all ${openPositions} open positions (${amount(exposure)} at their marks)`,
      ),
    ],
    confirm: 'Halt',
    danger: true,
    async act() {
      const { flattened } = await post('/api/halt', { reason: reason.value(), flatten: flatten.checked });
      changed();
      if (!flattened) return 'Halted. No entry is taken until you resume.';
      return `Halted. ${flattened.accepted} trades exit${flattened.refused > 0 ? `; ${flattened.refused} did not take the request: look at them` : ''}.`;
    },
  });
}

export async function confirmResume() {
  if (!(await ensureToken())) return;
  await form({
    title: 'Resume entries?',
    body: [h('p', {}, 'Every halt ends, and new signals may open positions again.')],
    confirm: 'Resume',
    async act() {
      await post('/api/resume', {});
      changed();
      return 'Resumed. Entries are taken again.';
    },
  });
}

export function showKeys() {
  const keys = [
    ['1 … 5', 'the views, in order'],
    ['/', 'filter positions'],
    ['j k or ↓ ↑', 'next, previous position'],
    ['Enter', 'open or close its details'],
    ['x', 'exit the focused position'],
    ['Esc', 'close a dialog'],
  ];
  return form({
    title: 'Keyboard',
    body: [
      h(
        'dl',
        { class: 'keys' },
        keys.map(([key, what]) => h('div', {}, h('dt', {}, h('kbd', {}, key)), h('dd', {}, what))),
      ),
    ],
  });
}

async function ensureToken() {
  if (!hasToken()) await askToken();
  return hasToken();
}

function reasonField(id, preset) {
  const input = h('input', { id, type: 'text', value: preset, maxlength: 500, required: true });
  return {
    nodes: [h('label', { for: id }, 'Reason, kept with the record'), input],
    value: () => input.value,
  };
}

/** A modal dialog; `act` runs on confirm and its text is shown as the answer. Resolves when it is closed. */
function form({ title, body, confirm = null, danger = false, act = null }) {
  return new Promise((resolve) => {
    const answer = h('p', { class: 'answer', role: 'status' });
    const cancel = h(
      'button',
      { type: 'button', class: 'quiet', onclick: () => dialog.close() },
      confirm ? 'Cancel' : 'Close',
    );
    const submit = confirm
      ? h('button', { type: 'submit', class: danger ? 'danger' : 'primary' }, confirm)
      : null;
    const onsubmit = async (event) => {
      event.preventDefault();
      submit.disabled = true;
      answer.className = 'answer';
      answer.textContent = 'Waiting for the answer …';
      try {
        const text = await act();
        if (text === null) return dialog.close();
        answer.textContent = text;
        submit.remove();
        cancel.textContent = 'Close';
        cancel.focus();
      } catch (error) {
        submit.disabled = false;
        answer.className = 'answer bad';
        answer.textContent = explain(error);
        changed();
      }
    };
    const dialog = h(
      'dialog',
      { 'aria-labelledby': 'dialog-title' },
      h(
        'form',
        { onsubmit },
        h('h2', { id: 'dialog-title' }, title),
        ...body,
        answer,
        h('div', { class: 'dialog-actions' }, cancel, submit),
      ),
    );
    dialog.addEventListener('close', () => {
      dialog.remove();
      resolve();
    });
    byId('toasts').before(dialog);
    dialog.showModal();
  });
}

function explain(error) {
  if (error instanceof ApiError && error.status === 401)
    return 'The token is wrong. Close this, then unlock with the right one.';
  return error.message;
}
