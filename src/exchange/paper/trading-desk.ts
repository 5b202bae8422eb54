import { setTimeout as sleep } from 'node:timers/promises';
import type { Engine } from './engine.ts';
import type { Faults } from './faults.ts';
import { KrakenError } from './kraken-error.ts';
import type { Markets } from './market/markets.ts';
import { findPair } from './pairs.ts';
import { parseOrder, type RawOrder } from './parse-order.ts';
import { openOrdersLimit, type RateLimits } from './rate-limits.ts';
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

/** Takes new orders from REST and WebSocket alike, and keeps a record of every one that arrived. */
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

  /** Waits out an armed delay, then places the order. Resolves once the outcome is on the disk. Throws {@link KrakenError}. */
  async add(arrival: Arrival, raw: RawOrder, call: string): Promise<Placed> {
    const { store, faults } = this.#parts;
    const target = { call, pair: raw.pair };
    const delay = faults.strikeFor(target, 'delay');
    if (delay) await sleep(delay.delayMs);
    const failure = faults.strikeFor(target, 'error');
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

  /** Checks what can be checked without the account. Throws {@link KrakenError}. */
  parse(raw: RawOrder, receivedAtMs: number, via: Arrival['via'] = 'rest'): OrderSpec {
    const pair = findPair(raw.pair ?? '');
    if (!pair) throw new KrakenError('EQuery:Unknown asset pair');
    const { top, last } = this.#parts.markets.of(pair);
    return parseOrder(raw, { pair, last, ...top, receivedAtMs, nowMs: Date.now(), via });
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
    const spec = this.parse(raw, arrival.receivedAtMs, arrival.via);
    if (store.openCount(accountId, spec.terms.pair) >= openOrdersLimit(tier))
      throw new KrakenError('EOrder:Orders limit exceeded');
    if (spec.validateOnly) {
      engine.rules.check(accountId, spec);
      return { order: null, spec };
    }
    const lag = faults.strikeFor({ call, pair: raw.pair }, 'listing-lag');
    const partial = faults.strikeFor({ call, pair: raw.pair }, 'partial-fill');
    const order = engine.place(accountId, spec, {
      fillFraction: partial?.fraction ?? null,
      hiddenMs: lag?.delayMs ?? 0,
    });
    return { order, spec };
  }

  #settle(arrival: Arrival, txid: string | null, error: string | null): void {
    arrival.processedAtMs = Date.now();
    arrival.accepted = txid !== null;
    arrival.txid = txid;
    arrival.error = error;
    this.#parts.store.put('arrival', arrival);
  }
}
