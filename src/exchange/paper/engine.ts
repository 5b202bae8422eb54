import {
  add,
  compare,
  divide,
  isPositive,
  multiply,
  roundDown,
  subtract,
  type Decimal,
} from '../../domain/money.ts';
import { TradedVolume } from './account-volume.ts';
import { quantityForCost, take, type Level } from './book.ts';
import { closeTerms } from './conditional-close.ts';
import { Holds, buyingCost } from './holds.ts';
import { krakenId } from './ids.ts';
import { KrakenError } from './kraken-error.ts';
import { marginSummary } from './margin.ts';
import type { PairMarket } from './market/pair-market.ts';
import type { Markets } from './market/markets.ts';
import { crosses, matchIncoming, matchResting, type Matchable } from './matching.ts';
import { pairById, type Pair } from './pairs.ts';
import { closableVolume, settleFill } from './settlement.ts';
import type { Order, OrderSpec, OrderTerms, Trade } from './state.ts';
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

export type ExecutionKind =
  'pending_new' | 'new' | 'trade' | 'filled' | 'canceled' | 'expired' | 'amended' | 'status';

/** Something that happened to an order. `order` is live: read it at once. */
export interface Execution {
  readonly kind: ExecutionKind;
  readonly order: Order;
  readonly trade: Trade | null;
  readonly timeMs: number;
}

export interface PlaceOptions {
  /** Fills no more than this share of the volume; null without such a fault. */
  readonly fillFraction: number | null;
  /** Keeps the order out of listings for so long. */
  readonly hiddenMs: number;
}

export const PLAIN: PlaceOptions = { fillFraction: null, hiddenMs: 0 };

export interface AmendSpec {
  readonly volume: Decimal | null;
  readonly limitPrice: Decimal | null;
  readonly triggerPrice: Decimal | null;
  readonly displayVolume: Decimal | null;
  readonly postOnly: boolean | null;
}

/** The trading engine: orders in, fills out, all against the public market. Nothing here waits. */
export class Engine {
  readonly #store: Store;
  readonly #markets: Markets;
  readonly #seed: number;
  readonly #holds = new Holds();
  readonly #volume = new TradedVolume();
  readonly #listeners: ((execution: Execution) => void)[] = [];

  /** Takes over what the store holds already. */
  constructor(store: Store, markets: Markets, seed: number) {
    this.#store = store;
    this.#markets = markets;
    this.#seed = seed;
    for (const order of store.orders.values()) this.#holds.update(order);
    for (const trade of store.trades.values()) this.#countVolume(trade);
    markets.listen({ onMove: (market) => this.#onMove(market) });
  }

  listen(listener: (execution: Execution) => void): void {
    this.#listeners.push(listener);
  }

  /** Balance less what open spot orders hold. */
  free(accountId: string, asset: string): Decimal {
    return subtract(this.#store.balance(accountId, asset), this.#holds.total(accountId, asset));
  }

  held(accountId: string, asset: string): Decimal {
    return this.#holds.total(accountId, asset);
  }

  volumeUsd(accountId: string, nowMs: number): Decimal {
    return this.#volume.total(accountId, nowMs);
  }

  /** Checks an order against the account. Throws {@link KrakenError}. */
  check(accountId: string, spec: OrderSpec): void {
    const { terms } = spec;
    const { clOrdId } = terms;
    if (clOrdId !== null && this.#store.openOrders(accountId).some((order) => order.clOrdId === clOrdId)) {
      throw new KrakenError('EOrder:Duplicate cl_ord_id');
    }
    const pair = pairById(terms.pair);
    if (terms.postOnly && crosses(terms, this.#markets.of(pair).book())) {
      throw new KrakenError('EOrder:Post only order');
    }
    const volume = this.#volumeOf(accountId, spec, pair);
    if (terms.leverage !== null) this.#checkMargin(accountId, terms, pair, volume);
    else this.#checkFunds(accountId, terms, pair, volume);
  }

  /** Accepts a checked order and matches it. Throws {@link KrakenError} when the account does not allow it. */
  place(
    accountId: string,
    spec: OrderSpec,
    options: PlaceOptions = PLAIN,
    refid: string | null = null,
  ): Order {
    this.check(accountId, spec);
    const { terms } = spec;
    const pair = pairById(terms.pair);
    const nowMs = Date.now();
    const volume = this.#volumeOf(accountId, spec, pair);
    const order: Order = {
      ...terms,
      txid: krakenId('O', this.#seed, this.#store.orders.size),
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

  /** Changes an open order in place. Throws {@link KrakenError}. */
  amend(order: Order, spec: AmendSpec): void {
    if (order.close !== null) throw new KrakenError('EOrder:Order not editable');
    const pair = pairById(order.pair);
    const nowMs = Date.now();
    const limitPrice = spec.limitPrice ?? order.limitPrice;
    if (spec.postOnly && crosses({ side: order.side, limitPrice }, this.#markets.of(pair).book())) {
      throw new KrakenError('EOrder:Post only order');
    }
    if (order.leverage === null && order.side === 'buy') this.#checkAmendFunds(order, pair, spec);
    if (order.leverage === null && order.side === 'sell' && spec.volume !== null) {
      const more = subtract(spec.volume, order.volume);
      if (compare(more, this.free(order.accountId, pair.base.id)) > 0) {
        throw new KrakenError('EOrder:Insufficient funds');
      }
    }
    order.limitPrice = limitPrice;
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

  /** Starts and expires what is due. */
  tick(nowMs: number): void {
    const accounts = [...this.#store.accounts.keys()];
    for (const order of accounts.flatMap((account) => this.#store.openOrders(account))) {
      if (order.status === 'pending' && order.startMs <= nowMs) {
        order.status = 'open';
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

  #volumeOf(accountId: string, { terms, volumeInQuote }: OrderSpec, pair: Pair): Decimal {
    if (!isPositive(terms.volume)) return closableVolume(this.#store, { ...terms, accountId });
    if (!volumeInQuote) return terms.volume;
    return quantityForCost(terms.side, terms.volume, this.#markets.of(pair).book(), pair);
  }

  #checkFunds(accountId: string, terms: OrderTerms, pair: Pair, volume: Decimal): void {
    const asset = terms.side === 'sell' ? pair.base.id : pair.quote.id;
    const needed =
      terms.side === 'sell' ? volume : buyingCost(pair, this.#expectedPrice(terms, pair, volume), volume);
    if (compare(needed, this.free(accountId, asset)) > 0) throw new KrakenError('EOrder:Insufficient funds');
  }

  #checkAmendFunds(order: Order, pair: Pair, spec: AmendSpec): void {
    const price = spec.limitPrice ?? spec.triggerPrice ?? order.limitPrice ?? order.triggerPrice ?? '0';
    const needed = buyingCost(pair, price, subtract(spec.volume ?? order.volume, order.filled));
    const before = buyingCost(
      pair,
      order.limitPrice ?? order.triggerPrice ?? '0',
      subtract(order.volume, order.filled),
    );
    if (compare(subtract(needed, before), this.free(order.accountId, pair.quote.id)) > 0) {
      throw new KrakenError('EOrder:Insufficient funds');
    }
  }

  #checkMargin(accountId: string, terms: OrderTerms, pair: Pair, volume: Decimal): void {
    const closable = closableVolume(this.#store, { accountId, pair: pair.id, side: terms.side });
    if (terms.reduceOnly && !isPositive(closable))
      throw new KrakenError('EOrder:Reduce only:No position exists');
    if (!isPositive(volume)) throw new KrakenError('EOrder:Unknown position');
    if (terms.reduceOnly || compare(volume, closable) <= 0) return;
    const opening = subtract(volume, closable);
    const cost = multiply(
      multiply(opening, this.#expectedPrice(terms, pair, volume)),
      this.#markets.usdRate(pair.quote.id),
    );
    const needed = divide(cost, String(terms.leverage ?? 1));
    if (compare(needed, marginSummary(this.#store, this.#markets, accountId).free) > 0) {
      throw new KrakenError('EOrder:Insufficient initial margin');
    }
  }

  /** Average price the order would pay at worst: its own, or what the book gives now. */
  #expectedPrice(terms: OrderTerms, pair: Pair, volume: Decimal): Decimal {
    if (terms.limitPrice !== null) return terms.limitPrice;
    if (terms.triggerPrice !== null) return terms.triggerPrice;
    const market = this.#markets.of(pair);
    const { fills } = take(terms.side, volume, null, market.book());
    const [cost, quantity] = [
      sum(fills, (fill) => multiply(fill.price, fill.quantity)),
      sum(fills, (fill) => fill.quantity),
    ];
    return isPositive(quantity) ? divide(cost, quantity) : market.last;
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
      seed: this.#seed,
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
    this.#holds.update(order);
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

function sum(levels: readonly Level[], of: (level: Level) => Decimal): Decimal {
  return levels.reduce<Decimal>((total, level) => add(total, of(level)), '0');
}
