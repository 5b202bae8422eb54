import { add, compare, divide, isPositive, multiply, subtract, type Decimal } from '../../domain/money.ts';
import { quantityForCost, take, type Level } from './book.ts';
import { Holds, buyingCost } from './holds.ts';
import { KrakenError } from './kraken-error.ts';
import { marginSummary } from './margin.ts';
import type { Markets } from './market/markets.ts';
import { crosses } from './matching.ts';
import { pairById, type Pair } from './pairs.ts';
import { closableVolume } from './margin-settlement.ts';
import type { Order, OrderSpec, OrderTerms } from './state.ts';
import type { Store } from './store.ts';

/** What an amendment changes; null leaves it. */
export interface AmendSpec {
  readonly volume: Decimal | null;
  readonly limitPrice: Decimal | null;
  readonly triggerPrice: Decimal | null;
  readonly displayVolume: Decimal | null;
  readonly postOnly: boolean | null;
}

/** What an account may order: client ids, funds, margin, positions to reduce. */
export class AccountRules {
  readonly holds = new Holds();
  readonly #store: Store;
  readonly #markets: Markets;

  constructor(store: Store, markets: Markets) {
    this.#store = store;
    this.#markets = markets;
  }

  /** Balance less what open spot orders hold. */
  free(accountId: string, asset: string): Decimal {
    return subtract(this.#store.balance(accountId, asset), this.holds.total(accountId, asset));
  }

  held(accountId: string, asset: string): Decimal {
    return this.holds.total(accountId, asset);
  }

  /** Checks an order against the account. Throws {@link KrakenError}. */
  check(accountId: string, spec: OrderSpec, replaced: Order | null = null): void {
    const { terms } = spec;
    const { clOrdId } = terms;
    const twin = clOrdId === null ? undefined : this.#store.openByClientId(accountId, clOrdId);
    if (twin && twin !== replaced) {
      throw new KrakenError('EOrder:Duplicate cl_ord_id');
    }
    const pair = pairById(terms.pair);
    if (terms.postOnly && crosses(terms, this.#markets.of(pair).book())) {
      throw new KrakenError('EOrder:Post only order');
    }
    const volume = this.volumeOf(accountId, spec, pair);
    if (terms.leverage !== null) this.#checkMargin(accountId, terms, pair, volume);
    else this.#checkFunds(accountId, terms, pair, volume);
  }

  /** Whether a spot buy can pay for these fills: a triggered one may meet a market far from where it was placed. */
  canPay(order: Order, fills: readonly Level[]): boolean {
    if (order.leverage !== null || order.side === 'sell') return true;
    const pair = pairById(order.pair);
    const needed = add('0', ...fills.map((fill) => buyingCost(pair, fill.price, fill.quantity)));
    this.holds.release(order);
    const free = this.free(order.accountId, pair.quote.id);
    this.holds.update(order);
    return compare(needed, free) <= 0;
  }

  /** Checks a change of an open order. Throws {@link KrakenError}. */
  checkAmend(order: Order, spec: AmendSpec): void {
    if (order.close !== null) throw new KrakenError('EOrder:Order not editable');
    const pair = pairById(order.pair);
    const limitPrice = spec.limitPrice ?? order.limitPrice;
    if (spec.postOnly && crosses({ side: order.side, limitPrice }, this.#markets.of(pair).book())) {
      throw new KrakenError('EOrder:Post only order');
    }
    if (order.leverage === null && order.side === 'buy') this.#checkAmendedBuy(order, pair, spec);
    if (order.leverage === null && order.side === 'sell' && spec.volume !== null) {
      const more = subtract(spec.volume, order.volume);
      if (compare(more, this.free(order.accountId, pair.base.id)) > 0) {
        throw new KrakenError('EOrder:Insufficient funds');
      }
    }
  }

  /** Base units of an order: a volume of 0 is all there is to close, a volume in quote is what it buys. */
  volumeOf(accountId: string, { terms, volumeInQuote }: OrderSpec, pair: Pair): Decimal {
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

  #checkAmendedBuy(order: Order, pair: Pair, spec: AmendSpec): void {
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
}

function sum(levels: readonly Level[], of: (level: Level) => Decimal): Decimal {
  return levels.reduce<Decimal>((total, level) => add(total, of(level)), '0');
}
