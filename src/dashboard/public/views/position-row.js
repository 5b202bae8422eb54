import { h, setAttribute, setClass, setText } from '../dom.js';
import { confirmExit } from '../dialogs.js';
import {
  duration,
  effectText,
  predictionText,
  price,
  quantity,
  ruleText,
  sign,
  signedAmount,
  signedPercent,
  words,
} from '../format.js';
import { drawSparkline } from '../sparkline.js';
import { PositionDetail } from './position-detail.js';

/** From this age a mark is called old; the server tells ages in steps of five seconds. */
const OLD_MARK_MS = 10_000;

/** One open position: built once, then only the figures that moved are written. */
export class PositionRow {
  positionId;
  element;
  #store;
  #about;
  #detail = null;
  #parts;
  #position;

  constructor(position, store, about) {
    this.positionId = position.positionId;
    this.#position = position;
    this.#store = store;
    this.#about = about;
    this.#parts = this.#build(position);
    this.element = this.#parts.item;
  }

  #build(position) {
    const { positionId, symbol, side } = position;
    const detailId = `detail-${positionId}`;
    const cell = (name, label, ...children) =>
      h('div', { class: `cell ${name}` }, h('span', { class: 'label' }, label), ...children);
    const parts = {
      canvas: h('canvas', { class: 'spark', 'aria-hidden': 'true' }),
      entry: h('span', { class: 'muted' }, price(position.entryPrice)),
      mark: h('span', { class: 'figure' }),
      pnl: h('span', { class: 'figure' }),
      percent: h('span', { class: 'small' }),
      low: h('span', { class: 'small' }),
      high: h('span', { class: 'small' }),
      marker: h('span', { class: 'gauge-mark' }),
      gauge: h('span', { class: 'gauge', 'aria-hidden': 'true' }),
      held: h('span', { class: 'figure' }),
      rule: h('span', { class: 'small' }),
      prediction: h('span', { class: 'figure' }),
      effect: h('span', { class: 'small' }),
      stage: h('span', { class: 'stage' }),
      exit: h(
        'button',
        {
          type: 'button',
          class: 'exit',
          'aria-label': `Exit ${symbol} ${side}`,
          onclick: () => void confirmExit(this.#position),
        },
        'Exit',
      ),
      toggle: h(
        'button',
        {
          type: 'button',
          class: 'position-toggle',
          'aria-expanded': 'false',
          'aria-controls': detailId,
          onclick: () => this.#toggle(),
        },
        h('span', { class: 'chevron', 'aria-hidden': 'true' }),
        h('span', { class: 'symbol' }, symbol),
        h('span', { class: `side ${side}` }, side),
      ),
      detail: h('div', { class: 'position-detail', id: detailId, hidden: true }),
    };
    parts.gauge.append(parts.marker);
    parts.item = h(
      'li',
      { class: 'position', 'data-position': positionId },
      h(
        'div',
        { class: 'position-row' },
        h(
          'div',
          { class: 'cell name' },
          parts.toggle,
          h('span', { class: 'small muted' }, quantity(position.quantity), ' ', symbol.split('/')[0]),
        ),
        h('div', { class: 'cell chart' }, parts.canvas),
        cell(
          'prices',
          'Entry → mark',
          parts.entry,
          h('span', { class: 'arrow', 'aria-hidden': 'true' }, ' → '),
          parts.mark,
        ),
        cell('pnl', 'P&L', parts.pnl, parts.percent),
        cell(
          'band',
          'Exits below / above',
          h('span', { class: 'band-prices' }, parts.low, parts.high),
          parts.gauge,
        ),
        cell('held', 'Held, by', parts.held, parts.rule),
        cell('prediction', 'Prediction', parts.prediction, parts.effect),
        h('div', { class: 'cell actions' }, parts.stage, parts.exit),
      ),
      parts.detail,
    );
    return parts;
  }

  update(position, marks, nowMs) {
    this.#position = position;
    const parts = this.#parts;
    const { stage, markAgeMs, exitsBelow, exitsAbove } = position;
    const isOld = markAgeMs !== null && markAgeMs >= OLD_MARK_MS;
    setText(parts.mark, price(position.markPrice));
    setClass(parts.mark, isOld ? 'figure old' : 'figure');
    setAttribute(parts.mark, 'title', isOld ? `this mark is ${duration(markAgeMs)} old` : '');
    setText(parts.pnl, signedAmount(position.unrealizedPnl));
    setClass(parts.pnl, `figure ${sign(position.unrealizedPnl)}`);
    setText(parts.percent, signedPercent(position.returnPct));
    setClass(parts.percent, `small ${sign(position.returnPct)}`);
    setText(parts.low, exitsBelow === null ? 'band not yet known' : price(exitsBelow));
    setText(parts.high, exitsAbove === null ? '' : price(exitsAbove));
    this.#point(position);
    setText(parts.held, duration(nowMs - position.openedAtMs));
    setText(parts.rule, ruleText(position, nowMs));
    this.#predict(position.prediction, nowMs);
    setText(parts.stage, isOld ? 'mark is old' : stage === 'open' ? '' : words(stage));
    setClass(parts.stage, isOld ? 'stage bad' : `stage ${stage}`);
    parts.exit.disabled = stage === 'exiting';
    drawSparkline(parts.canvas, position, marks);
    this.#detail?.update(position, marks, nowMs);
  }

  #predict(prediction, nowMs) {
    const { prediction: said, effect } = this.#parts;
    setText(said, predictionText(prediction));
    setText(effect, effectText(prediction, nowMs));
    const counts = prediction !== null && prediction.effect !== 'stale' && prediction.effect !== 'too-weak';
    setClass(said, counts ? 'figure' : 'figure muted');
  }

  close() {
    this.#detail?.close();
    this.element.remove();
  }

  /** Where the mark stands between the edges, entry in the same scale. */
  #point({ markPrice, exitsBelow, exitsAbove }) {
    const { gauge, marker } = this.#parts;
    gauge.hidden = exitsBelow === null || exitsAbove === null;
    if (gauge.hidden) return;
    const share = (Number(markPrice) - Number(exitsBelow)) / (Number(exitsAbove) - Number(exitsBelow));
    const left = `${(Math.min(1, Math.max(0, share)) * 100).toFixed(1)}%`;
    if (marker.style.left !== left) marker.style.left = left;
  }

  #toggle() {
    const { toggle, detail } = this.#parts;
    const isOpening = detail.hidden;
    detail.hidden = !isOpening;
    toggle.setAttribute('aria-expanded', String(isOpening));
    if (!isOpening) {
      this.#detail?.close();
      this.#detail = null;
      return;
    }
    this.#detail = new PositionDetail(
      detail,
      this.#position,
      this.#store.marks(this.positionId),
      this.#about,
    );
    this.#detail.update(this.#position, this.#store.marks(this.positionId), this.#store.now());
  }
}
