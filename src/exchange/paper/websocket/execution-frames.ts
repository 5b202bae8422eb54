import { divide, isPositive, multiply, type Decimal } from '../../../domain/money.ts';
import type { Execution } from '../execution.ts';
import { findAsset, pairById } from '../pairs.ts';
import type { Order, Trade } from '../state.ts';
import { isoTime, number } from './frames.ts';

/** An event of an order as the executions channel tells it: the first in full, later ones sparse. */
export function executionData(
  { kind, order, trade, timeMs }: Execution,
  usdRate: Decimal,
): Record<string, unknown> {
  const ids = {
    order_id: order.txid,
    ...(order.clOrdId === null ? {} : { cl_ord_id: order.clOrdId }),
    ...(order.userref === null ? {} : { order_userref: order.userref }),
    exec_type: kind,
    timestamp: isoTime(timeMs),
  };
  switch (kind) {
    case 'pending_new':
      return { ...ids, ...orderFields(order), order_status: 'pending_new' };
    case 'new':
      return { ...ids, order_status: 'new' };
    case 'trade':
      return trade ? { ...ids, ...tradeFields(order, trade, usdRate) } : ids;
    case 'filled':
      return { ...ids, ...sums(order), order_status: 'filled' };
    case 'canceled':
    case 'expired':
      return { ...ids, ...sums(order), order_status: kind, reason: order.reason };
    case 'amended':
      return {
        ...ids,
        ...orderFields(order),
        ...sums(order),
        order_status: openStatus(order),
        amended: true,
      };
    case 'status':
      return { ...ids, order_status: openStatus(order), triggers: triggers(order) };
  }
}

/** An open order as the snapshot tells it. */
export function snapshotData(order: Order): Record<string, unknown> {
  return {
    order_id: order.txid,
    ...(order.clOrdId === null ? {} : { cl_ord_id: order.clOrdId }),
    ...(order.userref === null ? {} : { order_userref: order.userref }),
    exec_type: order.status === 'pending' ? 'pending_new' : 'new',
    ...orderFields(order),
    ...sums(order),
    order_status: openStatus(order),
    timestamp: isoTime(order.openMs),
  };
}

/** A past fill as the snapshot tells it. */
export function pastTradeData(order: Order, trade: Trade, usdRate: Decimal): Record<string, unknown> {
  return {
    order_id: order.txid,
    ...(order.clOrdId === null ? {} : { cl_ord_id: order.clOrdId }),
    exec_type: 'trade',
    timestamp: isoTime(trade.timeMs),
    ...tradeFields(order, trade, usdRate),
  };
}

function openStatus(order: Order): string {
  if (order.status === 'pending') return 'pending_new';
  return isPositive(order.filled) ? 'partially_filled' : 'new';
}

function sums(order: Order): Record<string, unknown> {
  return {
    cum_qty: number(order.filled),
    cum_cost: number(order.cost),
    avg_price: number(isPositive(order.filled) ? divide(order.cost, order.filled) : '0'),
  };
}

function triggers(order: Order): Record<string, unknown> | null {
  if (order.triggerPrice === null) return null;
  return {
    price: number(order.triggerPrice),
    price_type: 'static',
    reference: 'last',
    status: order.triggered ? 'triggered' : 'untriggered',
  };
}

function orderFields(order: Order): Record<string, unknown> {
  const pair = pairById(order.pair);
  const trigger = triggers(order);
  return {
    symbol: pair.symbol,
    side: order.side,
    order_type: order.type,
    order_qty: number(order.volume),
    cum_cost: number('0'),
    time_in_force: order.timeInForce,
    ...(order.limitPrice === null
      ? {}
      : { limit_price_type: 'static', limit_price: number(order.limitPrice) }),
    ...(trigger === null ? {} : { stop_price: number(order.triggerPrice ?? '0'), triggers: trigger }),
    ...(order.displayVolume === null ? {} : { display_qty: number(order.displayVolume) }),
    ...(order.leverage === null ? {} : { margin: true, reduce_only: order.reduceOnly }),
    ...(order.postOnly ? { post_only: true } : {}),
    ...(order.refid === null ? {} : { order_ref_id: order.refid }),
    ...(order.expireMs === 0 ? {} : { expire_time: isoTime(order.expireMs) }),
    fee_usd_equiv: number('0'),
    fee_ccy_pref: order.feeInBase ? 'fcib' : 'fciq',
  };
}

/** `order` may be further on than at this trade: its sums are what had filled when the event was sent. */
function tradeFields(order: Order, trade: Trade, usdRate: Decimal): Record<string, unknown> {
  const pair = pairById(trade.pair);
  return {
    exec_id: trade.id,
    trade_id: trade.tradeNumber,
    symbol: pair.symbol,
    side: trade.side,
    order_type: trade.orderType,
    last_qty: number(trade.volume),
    last_price: number(trade.price),
    cost: number(trade.cost),
    liquidity_ind: trade.maker ? 'm' : 't',
    fees: [{ asset: findAsset(trade.feeAsset)?.v2 ?? trade.feeAsset, qty: number(trade.fee) }],
    fee_usd_equiv: number(multiply(trade.fee, usdRate)),
    ...sums(order),
    order_status: 'partially_filled',
  };
}
