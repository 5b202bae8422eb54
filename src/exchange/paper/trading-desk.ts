import { setTimeout as sleep } from 'node:timers/promises';
import { compare, isDecimal, isPositive, type Decimal } from '../../domain/money.ts';
import type { AmendSpec, Engine } from './engine.ts';
import type { Fault, Faults } from './faults.ts';
import { KrakenError, invalidArguments } from './kraken-error.ts';
import type { Markets } from './market/markets.ts';
import { findPair, pairById, type Pair } from './pairs.ts';
import { checkedPrice, parseDeadline, parseOrder, type RawOrder } from './parse-order.ts';
import { openOrdersLimit, tradingCost, type RateLimits } from './rate-limits.ts';
import type { Arrival, Order, OrderSpec } from './state.ts';
import type { Store } from './store.ts';

export interface Placed {
  /** Null when the order was only validated. */
  readonly order: Order | null;
  readonly spec: OrderSpec;
}

/** Everything the desk works with. */
export interface DeskParts {
  readonly store: Store;
  readonly markets: Markets;
  readonly engine: Engine;
  readonly limits: RateLimits;
  readonly faults: Faults;
}

/** Takes orders, amendments and cancels from REST and WebSocket alike, and keeps a record of every order that arrived. */
export class TradingDesk {
  readonly #parts: DeskParts;

  constructor(parts: DeskParts) {
    this.#parts = parts;
  }

  /** Notes that an order arrived, before anything is decided about it. With the kernel on return. */
  arrive(accountId: string, raw: RawOrder, via: Arrival['via'], receivedAtMs: number): Arrival {
    const { store } = this.#parts;
    const arrival: Arrival = {
      number: store.arrivals.size + 1,
      accountId,
      via,
      receivedAtMs,
      clOrdId: raw.cl_ord_id ?? null,
      pair: raw.pair ?? null,
      side: raw.type ?? null,
      type: raw.ordertype ?? null,
      volume: raw.volume ?? null,
      price: raw.price ?? null,
      deadline: raw.deadline ?? null,
      reduceOnly: /^(true|1)$/i.test(raw.reduce_only ?? ''),
      validateOnly: /^(true|1)$/i.test(raw.validate ?? ''),
      processedAtMs: null,
      accepted: false,
      txid: null,
      error: null,
    };
    store.put('arrival', arrival);
    store.commit();
    return arrival;
  }

  /** The fault of `kind` that strikes a new order, if one is armed. */
  strike(...kinds: Parameters<Faults['strike']>): Fault | null {
    return this.#parts.faults.strike(...kinds);
  }

  /** Waits out an armed delay, then places the order. Resolves once the outcome is on the disk. Throws {@link KrakenError}. */
  async add(arrival: Arrival, raw: RawOrder, call: string): Promise<Placed> {
    const { store, faults } = this.#parts;
    const delay = faults.strike(call, 'delay');
    if (delay) await sleep(delay.delayMs);
    const failure = faults.strike(call, 'error');
    try {
      if (failure && !failure.executed) throw new KrakenError(failure.error);
      const placed = this.#place(arrival, raw, call);
      this.#settle(arrival, placed.order?.txid ?? null, null);
      await store.persist();
      if (failure) throw new KrakenError(failure.error);
      return placed;
    } catch (error) {
      if (!(error instanceof KrakenError)) throw error;
      if (arrival.processedAtMs === null) this.#settle(arrival, null, error.message);
      await store.persist();
      throw error;
    }
  }

  /** Checks an order of a batch without placing it. Throws {@link KrakenError}. */
  validate(accountId: string, raw: RawOrder, receivedAtMs: number): OrderSpec {
    const spec = this.#parse(raw, receivedAtMs);
    this.#parts.engine.check(accountId, spec);
    return spec;
  }

  /** Records the refusal of an order that was never tried, because its batch was refused. */
  refuse(arrival: Arrival, error: string): void {
    this.#settle(arrival, null, error);
  }

  #place(arrival: Arrival, raw: RawOrder, call: string): Placed {
    const { store, engine, limits, faults } = this.#parts;
    const { accountId } = arrival;
    const { tier } = store.account(accountId);
    const pair = findPair(raw.pair ?? '');
    // A batch charges for all its orders together.
    if (pair && !call.toLowerCase().includes('batch'))
      limits.chargeTrading(accountId, pair.id, tier, 1, Date.now());
    const spec = this.#parse(raw, arrival.receivedAtMs);
    const open = store.openOrders(accountId).filter((order) => order.pair === spec.terms.pair).length;
    if (open >= openOrdersLimit(tier)) throw new KrakenError('EOrder:Orders limit exceeded');
    if (spec.validateOnly) {
      engine.check(accountId, spec);
      return { order: null, spec };
    }
    const lag = faults.strike(call, 'listing-lag');
    const partial = faults.strike(call, 'partial-fill');
    const order = engine.place(accountId, spec, {
      fillFraction: partial?.fraction ?? null,
      hiddenMs: lag?.delayMs ?? 0,
    });
    return { order, spec };
  }

  #parse(raw: RawOrder, receivedAtMs: number): OrderSpec {
    const pair = findPair(raw.pair ?? '');
    if (!pair) throw new KrakenError('EQuery:Unknown asset pair');
    const { top, last } = this.#parts.markets.of(pair);
    return parseOrder(raw, { pair, last, ...top, receivedAtMs, nowMs: Date.now() });
  }

  #settle(arrival: Arrival, txid: string | null, error: string | null): void {
    arrival.processedAtMs = Date.now();
    arrival.accepted = txid !== null;
    arrival.txid = txid;
    arrival.error = error;
    this.#parts.store.put('arrival', arrival);
  }

  /** Open order by txid or by client id. Throws {@link KrakenError}. */
  openOrder(
    accountId: string,
    ids: { readonly txid?: string | undefined; readonly clOrdId?: string | undefined },
  ): Order {
    const { store } = this.#parts;
    const found = store
      .openOrders(accountId)
      .find((order) =>
        ids.txid ? order.txid === ids.txid : ids.clOrdId !== undefined && order.clOrdId === ids.clOrdId,
      );
    if (!found) throw new KrakenError('EOrder:Unknown order');
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

  /** Changes an order in place; amounts as text in the words of AmendOrder. Throws {@link KrakenError}. */
  amend(order: Order, raw: RawOrder, receivedAtMs: number): void {
    const { store, engine, limits } = this.#parts;
    const nowMs = Date.now();
    const { tier } = store.account(order.accountId);
    parseDeadline(raw.deadline, { receivedAtMs, nowMs });
    limits.chargeTrading(
      order.accountId,
      order.pair,
      tier,
      tradingCost('amend', nowMs - order.changedMs),
      nowMs,
    );
    engine.amend(order, this.#amendSpec(order, raw));
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
}

function amount(text: string | undefined, field: string, pair: Pair): Decimal | null {
  if (text === undefined || text === '') return null;
  if (!isDecimal(text) || !isPositive(text)) throw invalidArguments(field);
  if (field === 'order_qty' && compare(text, pair.orderMinimum) < 0)
    throw new KrakenError('EOrder:Order minimum not met');
  return text;
}
