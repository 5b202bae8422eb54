import { positionId } from '../records.ts';
import type { AuditedOrder, RunningTradeView, ThreeViews } from './views.ts';

interface Index {
  readonly ordersByTrade: ReadonlyMap<string, readonly AuditedOrder[]>;
  readonly entryByPosition: ReadonlyMap<string, AuditedOrder>;
  readonly runningByTrade: ReadonlyMap<string, RunningTradeView>;
}

/** One of each views: searching them for every position would take the square of an account's size. */
const indexes = new WeakMap<ThreeViews, Index>();

function indexOf(views: ThreeViews): Index {
  const known = indexes.get(views);
  if (known) return known;
  const ordersByTrade = new Map<string, AuditedOrder[]>();
  for (const order of views.orders) {
    if (order.owner === null) continue;
    const orders = ordersByTrade.get(order.owner.tradeId);
    if (orders) orders.push(order);
    else ordersByTrade.set(order.owner.tradeId, [order]);
  }
  const index = {
    ordersByTrade,
    entryByPosition: new Map(views.orders.map((order) => [positionId(order.exchangeOrderId), order])),
    runningByTrade: new Map(views.running.map((trade) => [trade.tradeId, trade])),
  };
  indexes.set(views, index);
  return index;
}

/** In the order in which the exchange gave them. */
export function ordersOf(views: ThreeViews, tradeId: string): readonly AuditedOrder[] {
  return indexOf(views).ordersByTrade.get(tradeId) ?? [];
}

/** The entry by which a position is named. */
export function entryOf(views: ThreeViews, id: string): AuditedOrder | undefined {
  return indexOf(views).entryByPosition.get(id);
}

export function runningTrade(views: ThreeViews, tradeId: string): RunningTradeView | undefined {
  return indexOf(views).runningByTrade.get(tradeId);
}
