import { get } from '../api.js';
import { priceChart } from '../charts.js';
import { facts, h } from '../dom.js';
import {
  amount,
  duration,
  effectText,
  fraction,
  holdText,
  predictionText,
  price,
  quantity,
  signedPercent,
  time,
  words,
} from '../format.js';
import { workflowLink } from './workflow-link.js';

const ASK_EVERY_MS = 5_000;

/** The opened part of a position: a larger chart and what the trade itself says, asked for only while it is open. */
export class PositionDetail {
  #position;
  #chart;
  #told;
  #live;
  #timer;
  #about;

  constructor(host, position, marks, about) {
    this.#position = position;
    this.#about = about;
    const chart = h('div', {
      class: 'price-chart',
      role: 'img',
      'aria-label': `Marks of ${position.symbol} with entry and exit band`,
    });
    this.#live = h('div');
    this.#told = h('div', { 'aria-live': 'off' }, h('p', { class: 'muted' }, 'Asking the trade …'));
    host.replaceChildren(chart, h('div', { class: 'detail-facts' }, this.#live, this.#told));
    this.#chart = priceChart(chart, () => this.#position, marks.newest());
    void this.#ask();
    this.#timer = setInterval(() => void this.#ask(), ASK_EVERY_MS);
  }

  update(position, marks, nowMs) {
    this.#position = position;
    this.#chart.set(marks.newest());
    this.#live.replaceChildren(
      facts([
        ['Opened', time(position.openedAtMs)],
        ['Value at entry', amount(position.notional)],
        ['Best mark', position.bestPrice === null ? null : price(position.bestPrice)],
        ['Minimum hold', holdText(position, nowMs)],
        ['Exits below', edge(position, position.exitsBelow)],
        ['Exits above', edge(position, position.exitsAbove)],
        ['Prediction', prediction(position, nowMs)],
        ['Its effect', effectText(position.prediction, nowMs)],
      ]),
    );
  }

  close() {
    clearInterval(this.#timer);
    this.#chart.close();
  }

  async #ask() {
    try {
      this.#told.replaceChildren(
        ...this.#tell(await get(`/api/trades/${encodeURIComponent(this.#position.positionId)}`)),
      );
    } catch (error) {
      this.#told.replaceChildren(h('p', { class: 'bad' }, error.message));
    }
  }

  #tell({ state, stateUnknown, holding, tradeId, workflowId, position }) {
    const guarded = state?.evaluation;
    return [
      facts([
        [
          'Rule now',
          holding ? h('span', { class: 'rule' }, `${holding.action} · ${words(holding.rule)}`) : null,
        ],
        [
          'Guard’s last word',
          guarded
            ? `${guarded.evaluation.action} · ${words(guarded.evaluation.rule)} at ${price(guarded.mark)}, ${time(guarded.atMs)}`
            : null,
        ],
        [
          'Entry signal',
          state
            ? `${state.request.signal.source}, confidence ${fraction(state.request.signal.confidence, 0)}`
            : null,
        ],
        [
          'Filled',
          state?.position
            ? `${quantity(state.position.entry.quantity)} at ${price(state.position.entry.averagePrice)}, fee ${amount(state.position.entry.fee)}`
            : null,
        ],
        ['Volatility scale', state?.plan ? state.plan.volatilityScale.toFixed(2) : null],
        ['Thresholds', position ? `version ${position.thresholdsVersion}` : null],
        ['Guard lease', state?.guard?.leaseId ?? (state ? 'being assigned' : null)],
        ['Exit demanded', state?.demand ? `${words(state.demand.rule)}: ${state.demand.reason}` : null],
        ['Workflow', workflowLink(this.#about, workflowId)],
        ['Trade', h('code', {}, tradeId)],
        ['Position', position ? h('code', {}, position.positionId) : null],
      ]),
      stateUnknown ? h('p', { class: 'warn' }, `The workflow did not answer: ${stateUnknown}`) : '',
    ];
  }
}

/** What it says, who said it, how old it is. */
function prediction({ prediction: said, symbol }, nowMs) {
  if (said === null) return `none for ${symbol}`;
  return `${predictionText(said)} by ${said.source}, ${duration(nowMs - said.asOfMs)} old`;
}

/** The price, and how far the mark is from it. */
function edge({ markPrice }, limit) {
  if (limit === null) return 'not yet known';
  return `${price(limit)} (${signedPercent((Number(limit) / Number(markPrice) - 1) * 100)})`;
}
