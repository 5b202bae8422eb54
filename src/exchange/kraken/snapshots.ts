import { add, compare } from '../../domain/money.ts';
import type { Fill } from '../../domain/position.ts';
import { ExchangeUnavailable, type AccountFill, type OrderSnapshot, type OrderStatus } from '../port.ts';
import type { PairNames } from './names.ts';
import type { KrakenOrder, KrakenTrade } from './parse.ts';

/** What turns Kraken's objects into the port's: names, and the offset of Kraken's clock to ours. */
export interface Translation {
  readonly names: PairNames;
  readonly offsetMs: number;
}

const STATUS: Readonly<Record<KrakenOrder['status'], OrderStatus>> = {
  pending: 'pending',
  open: 'open',
  closed: 'filled',
  canceled: 'cancelled',
  expired: 'expired',
};

export function toSnapshot(
  id: string,
  order: KrakenOrder,
  fills: readonly Fill[],
  by: Translation,
): OrderSnapshot {
  const closedAt = order.closetm ?? null;
  return {
    exchangeOrderId: id,
    clientOrderId: order.cl_ord_id ?? null,
    symbol: by.names.symbolOf(order.descr.pair),
    side: order.descr.type,
    type: order.descr.ordertype,
    status: STATUS[order.status],
    quantity: order.vol,
    filledQuantity: order.vol_exec,
    cost: order.cost,
    fee: order.fee,
    openedAtMs: toOurMs(order.opentm, by),
    closedAtMs: closedAt === null || closedAt === 0 ? null : toOurMs(closedAt, by),
    reason: order.reason ?? null,
    fills,
  };
}

export function toAccountFill(id: string, trade: KrakenTrade, by: Translation): AccountFill {
  return {
    fillId: id,
    price: trade.price,
    quantity: trade.vol,
    cost: trade.cost,
    fee: trade.fee,
    timeMs: toOurMs(trade.time, by),
    exchangeOrderId: trade.ordertxid,
    symbol: by.names.symbolOf(trade.pair),
    side: trade.type,
  };
}

export function toFill(id: string, trade: KrakenTrade, by: Translation): Fill {
  const { fillId, price, quantity, cost, fee, timeMs } = toAccountFill(id, trade, by);
  return { fillId, price, quantity, cost, fee, timeMs };
}

/** Lists lag behind the engine: fills that don't add up to what the order says are not an answer yet. */
export function assertComplete(id: string, order: KrakenOrder, fills: readonly Fill[]): void {
  const filled = add(...fills.map((fill) => fill.quantity));
  if (compare(filled, order.vol_exec) !== 0) {
    throw new ExchangeUnavailable(
      `order ${id} has filled ${order.vol_exec}, but the trades listed for it add up to ${filled}`,
    );
  }
}

function toOurMs(seconds: number, by: Translation): number {
  return Math.round(seconds * 1000) - by.offsetMs;
}
