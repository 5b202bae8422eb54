import { add, isPositive, multiply, subtract, roundUp, type Decimal } from '../../domain/money.ts';
import { feePercent } from './fees.ts';
import { pairById, type Pair } from './pairs.ts';
import type { Order } from './state.ts';

interface Hold {
  readonly asset: string;
  readonly amount: Decimal;
}

/** What open spot orders keep others from spending, by account and asset, kept up to date order by order. */
export class Holds {
  readonly #byOrder = new Map<string, Hold>();
  readonly #totals = new Map<string, Decimal>();

  total(accountId: string, asset: string): Decimal {
    return this.#totals.get(`${accountId}/${asset}`) ?? '0';
  }

  update(order: Order): void {
    this.release(order);
    const open = order.status === 'open' || order.status === 'pending';
    const hold = open && order.leverage === null ? holdOf(order) : null;
    if (!hold) return;
    this.#byOrder.set(order.txid, hold);
    this.#change(order.accountId, hold.asset, hold.amount);
  }

  /** Forgets an order until its next update. */
  release(order: Order): void {
    const before = this.#byOrder.get(order.txid);
    if (before) this.#change(order.accountId, before.asset, subtract('0', before.amount));
    this.#byOrder.delete(order.txid);
  }

  #change(accountId: string, asset: string, by: Decimal): void {
    const id = `${accountId}/${asset}`;
    this.#totals.set(id, add(this.#totals.get(id) ?? '0', by));
  }
}

function holdOf(order: Order): Hold {
  const pair = pairById(order.pair);
  const remaining = subtract(order.volume, order.filled);
  if (order.side === 'sell') return { asset: pair.base.id, amount: remaining };
  const price = order.limitPrice ?? order.triggerPrice ?? '0';
  return { asset: pair.quote.id, amount: buyingCost(pair, price, remaining) };
}

/** What a buy may cost at most: price × volume and the fee of the cheapest tier's taker. */
export function buyingCost(pair: Pair, price: Decimal, volume: Decimal): Decimal {
  if (!isPositive(volume)) return '0';
  const cost = multiply(price, volume);
  return roundUp(
    add(cost, multiply(cost, multiply(feePercent(pair, '0', false), '0.01'))),
    pair.costDecimals,
  );
}
