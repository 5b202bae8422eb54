import { compare, isPositive, multiply, roundDown, subtract, type Decimal } from '../../domain/money.ts';
import { TradedVolume } from './account-volume.ts';
import type { Level } from './book.ts';
import { closeTerms } from './conditional-close.ts';
import { AccountRules, type AmendSpec } from './account-rules.ts';
import type { Execution, ExecutionKind } from './execution.ts';
import { krakenId } from './ids.ts';
import { KrakenError } from './kraken-error.ts';
import type { PairMarket } from './market/pair-market.ts';
import type { Markets } from './market/markets.ts';
import { matchIncoming, matchResting, type Matchable } from './matching.ts';
import { pairById, type Pair } from './pairs.ts';
import { closableVolume } from './margin-settlement.ts';
import { settleFill } from './settlement.ts';
import type { Order, OrderSpec, Trade } from './state.ts';
import type { Store } from './store.ts';
import {
  isLimitType,
  isTrailing,
  isTriggered,
  isTriggerType,
  resolvePrice,
  trailBest,
  trailTrigger,
} from './triggers.ts';

export interface PlaceOptions {
  /** Fills no more than this share of the volume; null without such a fault. */
  readonly fillFraction: number | null;
  /** Keeps the order out of listings for so long. */
  readonly hiddenMs: number;
}

export const PLAIN: PlaceOptions = { fillFraction: null, hiddenMs: 0 };

/** The trading engine: orders in, fills out, all against the public market. Nothing here waits. */
export class Engine {
  readonly #store: Store;
  readonly #markets: Markets;
  readonly #idSpace: string;
  readonly rules: AccountRules;
  readonly #volume = new TradedVolume();
  #amends = 0;
  readonly #listeners: ((execution: Execution) => void)[] = [];

  /** Takes over what the store holds already. */
  constructor(store: Store, markets: Markets, idSpace: string) {
    this.#store = store;
    this.#markets = markets;
    this.#idSpace = idSpace;
    this.rules = new AccountRules(store, markets);
    for (const order of store.orders.values()) this.rules.holds.update(order);
    for (const trade of store.trades.values()) this.#countVolume(trade);
    markets.listen({ onMove: (market) => this.#onMove(market) });
  }

  listen(listener: (execution: Execution) => void): void {
    this.#listeners.push(listener);
  }

  volumeUsd(accountId: string, nowMs: number): Decimal {
    return this.#volume.total(accountId, nowMs);
  }

  /** Accepts a checked order and matches it. Throws {@link KrakenError} when the account does not allow it. */
  place(
    accountId: string,
    spec: OrderSpec,
    options: PlaceOptions = PLAIN,
    refid: string | null = null,
  ): Order {
    this.rules.check(accountId, spec);
    const { terms } = spec;
    const pair = pairById(terms.pair);
    const nowMs = Date.now();
    const volume = this.rules.volumeOf(accountId, spec, pair);
    const order: Order = {
      ...terms,
      txid: krakenId('O', this.#idSpace, this.#store.orders.size),
      accountId,
      refid,
      status: terms.startMs > nowMs ? 'pending' : 'open',
      volume,
      filled: '0',
      cost: '0',
      fee: '0',
      margin: '0',
      bestPrice: isTrailing(terms.type) ? this.#markets.of(pair).last : null,
      triggered: false,
      amended: false,
      openMs: nowMs,
      changedMs: nowMs,
      closeMs: null,
      reason: null,
      trades: [],
      fillCap: options.fillFraction === null ? null : fraction(volume, options.fillFraction, pair),
      visibleMs: options.hiddenMs > 0 ? nowMs + options.hiddenMs : 0,
    };
    this.#save(order);
    this.#emit('pending_new', order, null, nowMs);
    if (order.status === 'open') this.#activate(order, nowMs);
    return order;
  }

  cancel(order: Order, reason = 'User requested'): void {
    this.#end(order, 'canceled', reason, Date.now());
  }

  /** A fresh id for an amendment. */
  amendId(): string {
    this.#amends += 1;
    return krakenId('T', `${this.#idSpace}/amend/${Date.now()}`, this.#amends);
  }

  /** Changes an open order in place. Throws {@link KrakenError}. */
  amend(order: Order, spec: AmendSpec): void {
    const nowMs = Date.now();
    this.rules.checkAmend(order, spec);
    order.limitPrice = spec.limitPrice ?? order.limitPrice;
    order.triggerPrice = spec.triggerPrice ?? order.triggerPrice;
    order.displayVolume = spec.displayVolume ?? order.displayVolume;
    order.postOnly = spec.postOnly ?? order.postOnly;
    order.volume = spec.volume ?? order.volume;
    order.amended = true;
    order.changedMs = nowMs;
    this.#save(order);
    this.#emit('amended', order, null, nowMs);
    // Less than what has filled already leaves nothing to trade.
    if (compare(order.volume, order.filled) <= 0) this.#end(order, 'canceled', 'User requested', nowMs);
    else if (order.status === 'open') this.#activate(order, nowMs, false);
  }

  /**
   * Ends an order and accepts another in its place, or leaves it as it was when the other is not allowed.
   * Throws {@link KrakenError}.
   */
  replace(order: Order, spec: OrderSpec): Order {
    this.rules.holds.release(order);
    try {
      this.rules.check(order.accountId, spec, order);
    } finally {
      this.rules.holds.update(order);
    }
    this.cancel(order, 'Order replaced');
    return this.place(order.accountId, spec);
  }

  /** Starts and expires what is due. */
  tick(nowMs: number): void {
    for (const order of this.#store.timedOrders()) {
      if (order.status === 'pending' && order.startMs <= nowMs) {
        order.status = 'open';
        this.#save(order);
        this.#activate(order, nowMs);
      } else if (order.status === 'open' && order.expireMs !== 0 && order.expireMs <= nowMs) {
        this.#end(order, 'expired', 'Order expired', nowMs);
      }
    }
    this.#store.commit();
  }

  /** Lifts the caps that partial-fill faults put on open orders, and lets them trade on. */
  liftFillCaps(): void {
    for (const market of this.#markets.all()) {
      for (const order of this.#store.openOrdersOfPair(market.pair.id)) {
        if (order.fillCap === null) continue;
        order.fillCap = null;
        this.#save(order);
      }
      this.#onMove(market);
    }
  }

  /** An order joins the market: it fires, trades at once, or rests. */
  #activate(order: Order, nowMs: number, announce = true): void {
    if (announce) this.#emit('new', order, null, nowMs);
    const market = this.#markets.of(pairById(order.pair));
    if (isTriggerType(order.type) && !order.triggered) this.#tryTrigger(order, market, nowMs);
    else this.#matchNow(order, market, nowMs);
  }

  #onMove(market: PairMarket): void {
    const nowMs = Date.now();
    for (const order of this.#store.openOrdersOfPair(market.pair.id)) {
      if (order.status !== 'open') continue;
      if (isTriggerType(order.type) && !order.triggered) this.#tryTrigger(order, market, nowMs);
      else this.#matchRest(order, market, nowMs);
    }
    this.#store.commit();
  }

  #tryTrigger(order: Order, market: PairMarket, nowMs: number): void {
    const { pair, last } = market;
    if (order.trail !== null) {
      const best = trailBest(order.side, order.bestPrice, last);
      if (best !== order.bestPrice) {
        order.bestPrice = best;
        order.triggerPrice = trailTrigger(pair, order.side, best, order.trail);
        this.#save(order);
      }
    }
    if (order.triggerPrice === null || !isTriggered(order.type, order.side, order.triggerPrice, last)) return;
    order.triggered = true;
    if (isLimitType(order.type) && order.limitOffset !== null) {
      order.limitPrice = resolvePrice(pair, order.side, order.limitOffset, order.triggerPrice);
    }
    this.#save(order);
    this.#emit('status', order, null, nowMs);
    this.#matchNow(order, market, nowMs);
  }

  #matchNow(order: Order, market: PairMarket, nowMs: number): void {
    const plan = matchIncoming(this.#matchable(order), market.book());
    if (order.triggered && !this.rules.canPay(order, plan.fills)) {
      this.#end(order, 'canceled', 'Insufficient funds', nowMs);
      return;
    }
    this.#fill(order, plan.fills, false, nowMs);
    if (order.status !== 'open') return;
    if (plan.rest === 'canceled') {
      const reduced = order.reduceOnly && !isPositive(closableVolume(this.#store, order));
      this.#end(order, 'canceled', reduced ? 'Reduce only:Position is closed' : (plan.reason ?? ''), nowMs);
    } else if (plan.rest === 'refused') {
      this.#end(order, 'canceled', plan.reason ?? '', nowMs);
    }
  }

  #matchRest(order: Order, market: PairMarket, nowMs: number): void {
    this.#fill(order, matchResting(this.#matchable(order), market.book()), true, nowMs);
  }

  #matchable(order: Order): Matchable {
    const capLeft = order.fillCap === null ? null : subtract(order.fillCap, order.filled);
    const closable = order.reduceOnly ? closableVolume(this.#store, order) : null;
    const bounds = [capLeft, closable].filter((bound) => bound !== null);
    return {
      side: order.side,
      limitPrice: order.limitPrice,
      remaining: subtract(order.volume, order.filled),
      bound: bounds.sort(compare)[0] ?? null,
      timeInForce: order.timeInForce,
      postOnly: order.postOnly,
    };
  }

  #fill(order: Order, fills: readonly Level[], maker: boolean, nowMs: number): void {
    if (fills.length === 0) return;
    const context = {
      store: this.#store,
      idSpace: this.#idSpace,
      nowMs,
      volumeUsd: this.#volume.total(order.accountId, nowMs),
    };
    const before = order.filled;
    for (const level of fills) {
      for (const trade of settleFill(order, level, maker, context)) {
        this.#countVolume(trade);
        this.#emit('trade', order, trade, nowMs);
      }
    }
    this.#save(order);
    if (compare(order.filled, order.volume) >= 0) this.#end(order, 'closed', null, nowMs);
    else if (order.reduceOnly && !isPositive(closableVolume(this.#store, order))) {
      this.#end(order, 'canceled', 'Reduce only:Position is closed', nowMs);
    }
    if (order.close !== null) this.#placeClose(order, subtract(order.filled, before));
  }

  /** The opposite order that each fill of an order with a conditional close gives rise to. */
  #placeClose(parent: Order, volume: Decimal): void {
    const { close } = parent;
    if (close === null) return;
    const terms = closeTerms(parent, close, volume);
    try {
      this.place(parent.accountId, { terms, volumeInQuote: false, validateOnly: false }, PLAIN, parent.txid);
    } catch (error) {
      // A close the account cannot carry does not arise; its parent stands.
      if (!(error instanceof KrakenError)) throw error;
    }
  }

  #end(order: Order, status: 'closed' | 'canceled' | 'expired', reason: string | null, nowMs: number): void {
    order.status = status;
    order.reason = reason;
    order.closeMs = nowMs;
    this.#save(order);
    this.#emit(status === 'closed' ? 'filled' : status, order, null, nowMs);
  }

  #save(order: Order): void {
    this.#store.put('order', order);
    this.rules.holds.update(order);
  }

  #countVolume(trade: Trade): void {
    const usd = multiply(trade.cost, this.#markets.usdRate(pairById(trade.pair).quote.id));
    this.#volume.record(trade.accountId, trade.timeMs, usd);
  }

  #emit(kind: ExecutionKind, order: Order, trade: Trade | null, timeMs: number): void {
    for (const listener of this.#listeners) listener({ kind, order, trade, timeMs });
  }
}

function fraction(volume: Decimal, share: number, pair: Pair): Decimal {
  return roundDown(multiply(volume, share.toFixed(8)), pair.lotDecimals);
}
