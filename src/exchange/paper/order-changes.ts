import { compare, isDecimal, isPositive, subtract, type Decimal } from '../../domain/money.ts';
import type { AmendSpec } from './account-rules.ts';
import { KrakenError, invalidArguments } from './kraken-error.ts';
import { pairById, type Pair } from './pairs.ts';
import { checkedPrice, parseDeadline, plain, type RawOrder } from './parse-order.ts';
import { tradingCost } from './rate-limits.ts';
import type { Arrival, Order } from './state.ts';
import type { DeskParts, TradingDesk } from './trading-desk.ts';

const CANCEL_AFTER = 'cancel-after/';
const LONGEST_SWITCH_S = 86_400;

/** Cancels, amends and edits open orders, for REST and WebSocket alike. */
export class OrderChanges {
  readonly #parts: DeskParts;
  readonly #desk: TradingDesk;

  constructor(parts: DeskParts, desk: TradingDesk) {
    this.#parts = parts;
    this.#desk = desk;
  }

  /** Open order by txid or by client id. Throws {@link KrakenError}. */
  openOrder(
    accountId: string,
    ids: { readonly txid?: string | undefined; readonly clOrdId?: string | undefined },
  ): Order {
    const { store } = this.#parts;
    const byId = ids.txid ? store.orders.get(ids.txid) : undefined;
    const found = ids.txid || ids.clOrdId === undefined ? byId : store.openByClientId(accountId, ids.clOrdId);
    const isOpen = found?.accountId === accountId && found.closeMs === null;
    if (!isOpen) throw new KrakenError('EOrder:Unknown order');
    return found;
  }

  /** Cancels one order, charging for it. Throws {@link KrakenError}. */
  cancel(order: Order, always = false): void {
    const { store, engine, limits } = this.#parts;
    const nowMs = Date.now();
    const { tier } = store.account(order.accountId);
    limits.chargeTrading(
      order.accountId,
      order.pair,
      tier,
      tradingCost('cancel', nowMs - order.changedMs),
      nowMs,
      always,
    );
    engine.cancel(order);
  }

  /** All open orders of the account; an emergency is never refused for its rate. Returns how many. */
  cancelAll(accountId: string): number {
    const orders = this.#parts.store.openOrders(accountId);
    for (const order of orders) this.#parts.engine.cancel(order);
    return orders.length;
  }

  /** Changes an order in place, amounts in the words of AmendOrder; returns the amend id. Throws {@link KrakenError}. */
  amend(order: Order, raw: RawOrder, receivedAtMs: number, via: Arrival['via']): string {
    const { store, engine, limits } = this.#parts;
    const nowMs = Date.now();
    const { tier } = store.account(order.accountId);
    parseDeadline(raw.deadline, { receivedAtMs, nowMs, via });
    limits.chargeTrading(
      order.accountId,
      order.pair,
      tier,
      tradingCost('amend', nowMs - order.changedMs),
      nowMs,
    );
    engine.amend(order, this.#amendSpec(order, raw));
    return engine.amendId();
  }

  #amendSpec(order: Order, raw: RawOrder): AmendSpec {
    const pair = pairById(order.pair);
    const { last } = this.#parts.markets.of(pair);
    const price = (name: string, reference: Decimal): Decimal | null => {
      const text = raw[name];
      return text === undefined || text === ''
        ? null
        : checkedPrice(pair, order.side, text, reference, 'price');
    };
    if (raw.limit_price !== undefined && order.limitPrice === null) throw invalidArguments('limit_price');
    if (raw.trigger_price !== undefined && order.triggerPrice === null)
      throw invalidArguments('trigger_price');
    return {
      volume: amount(raw.order_qty, 'order_qty', pair),
      displayVolume: amount(raw.display_qty, 'display_qty', pair),
      limitPrice: price('limit_price', last),
      triggerPrice: price('trigger_price', last),
      postOnly: raw.post_only === undefined ? null : raw.post_only.toLowerCase() === 'true',
    };
  }

  /** Ends an order and places another with what was changed: a new txid, without client id. Throws {@link KrakenError}. */
  edit(order: Order, raw: RawOrder, receivedAtMs: number, via: Arrival['via']): Order {
    const { store, engine, limits } = this.#parts;
    if (order.type === 'market' || order.close !== null) throw new KrakenError('EOrder:Order not editable');
    const nowMs = Date.now();
    const { tier } = store.account(order.accountId);
    limits.chargeTrading(
      order.accountId,
      order.pair,
      tier,
      tradingCost('edit', nowMs - order.changedMs),
      nowMs,
    );
    const asked = Object.fromEntries(
      Object.entries(raw).filter(([, value]) => value !== undefined && value !== ''),
    );
    const spec = this.#desk.parse({ ...asOrdered(order), ...asked, pair: order.pair }, receivedAtMs, via);
    if (spec.validateOnly) {
      engine.rules.check(order.accountId, spec, order);
      return order;
    }
    return engine.replace(order, spec);
  }

  /** Arms, or with 0 disarms, the dead man's switch of an account. Kept over a restart. */
  cancelAllAfter(
    accountId: string,
    timeoutS: number,
    nowMs: number,
  ): { currentTime: string; triggerTime: string } {
    if (timeoutS < 0 || timeoutS > LONGEST_SWITCH_S) throw invalidArguments('timeout');
    const atMs = timeoutS === 0 ? 0 : nowMs + timeoutS * 1000;
    this.#parts.store.put('memo', { id: CANCEL_AFTER + accountId, data: { atMs } });
    const shown = (ms: number) => new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');
    return { currentTime: shown(nowMs), triggerTime: timeoutS === 0 ? '0' : shown(atMs) };
  }

  /** Fires the dead man's switches that are due. */
  tick(nowMs: number): void {
    const { store } = this.#parts;
    for (const accountId of store.accounts.keys()) {
      const memo = store.memos.get(CANCEL_AFTER + accountId);
      const atMs = memo?.data.atMs;
      if (typeof atMs !== 'number' || atMs === 0 || atMs > nowMs) continue;
      store.put('memo', { id: CANCEL_AFTER + accountId, data: { atMs: 0 } });
      this.cancelAll(accountId);
    }
    store.commit();
  }
}

/** An open order in the words of AddOrder; what has filled stays with it. */
function asOrdered(order: Order): RawOrder {
  return {
    type: order.side,
    ordertype: order.type,
    volume: subtract(order.volume, order.filled),
    ...(order.price === null ? {} : { price: order.price }),
    ...(order.price2 === null ? {} : { price2: order.price2 }),
    ...(order.leverage === null ? {} : { leverage: String(order.leverage) }),
    ...(order.reduceOnly ? { reduce_only: 'true' } : {}),
    ...(order.displayVolume === null ? {} : { displayvol: order.displayVolume }),
    ...(order.feeInBase ? { oflags: 'fcib' } : {}),
    ...(order.userref === null ? {} : { userref: String(order.userref) }),
  };
}

function amount(text: string | undefined, field: string, pair: Pair): Decimal | null {
  if (text === undefined || text === '') return null;
  if (!isDecimal(text) || !isPositive(text)) throw invalidArguments(field);
  if (field === 'order_qty' && compare(text, pair.orderMinimum) < 0)
    throw new KrakenError('EOrder:Order minimum not met');
  return plain(text);
}
