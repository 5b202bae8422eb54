import {
  big,
  compare,
  divide,
  isPositive,
  multiply,
  roundHalfUp,
  type Decimal,
} from '../../../domain/money.ts';
import { findAsset, pairById, type Pair } from '../pairs.ts';
import type { LedgerEntry, Order, OrderTerms, Position, Trade } from '../state.ts';

/** Kraken's times: seconds as a JSON number. */
export function seconds(timeMs: number): number {
  return timeMs / 1000;
}

/** With exactly `decimals` decimals, rounded half-up. */
export function fixed(value: Decimal, decimals: number): Decimal {
  return big(roundHalfUp(value, decimals)).toFixed(decimals);
}

/** Exact, and with no fewer decimals than Kraken shows of the asset. */
export function amountOf(assetId: string, value: Decimal): Decimal {
  const decimals = findAsset(assetId)?.decimals ?? 8;
  const own = (value.split('.')[1] ?? '').length;
  return big(value).toFixed(Math.max(decimals, own));
}

const WORDS: Readonly<Record<string, string>> = {
  'stop-loss': 'stop loss',
  'take-profit': 'take profit',
  'stop-loss-limit': 'stop loss',
  'take-profit-limit': 'take profit',
  'trailing-stop': 'trailing stop',
  'trailing-stop-limit': 'trailing stop',
  'settle-position': 'settle position',
  iceberg: 'limit',
};

type Described = Pick<
  OrderTerms,
  | 'pair'
  | 'side'
  | 'type'
  | 'volume'
  | 'price'
  | 'price2'
  | 'limitPrice'
  | 'triggerPrice'
  | 'trail'
  | 'leverage'
  | 'close'
>;

function priceWords(pair: Pair, order: Described): string {
  const word = WORDS[order.type] ?? order.type;
  const shown = (price: Decimal) => fixed(price, pair.priceDecimals);
  if (order.type === 'market') return word;
  if (order.trail !== null)
    return `${word} ${order.trail}${order.price2 === null ? '' : ` -> limit ${order.price2}`}`;
  if (order.triggerPrice !== null) {
    const limit = order.limitPrice === null ? '' : ` -> limit ${shown(order.limitPrice)}`;
    return `${word} ${shown(order.triggerPrice)}${limit}`;
  }
  return order.limitPrice === null ? word : `${word} ${shown(order.limitPrice)}`;
}

/** `{order, close?}` of an AddOrder reply. */
export function describe(order: Described): { order: string; close?: string } {
  const pair = pairById(order.pair);
  const leverage = order.leverage === null ? '' : ` with ${order.leverage}:1 leverage`;
  const text = `${order.side} ${fixed(order.volume, pair.lotDecimals)} ${pair.altname} @ ${priceWords(pair, order)}${leverage}`;
  return order.close === null ? { order: text } : { order: text, close: closeWords(order) };
}

function closeWords({ close }: Described): string {
  if (close === null) return '';
  const limit = close.price2 === null ? '' : ` -> limit ${close.price2}`;
  return `close position @ ${WORDS[close.type] ?? close.type} ${close.price}${limit}`;
}

export function orderView(order: Order, withTrades: boolean): Record<string, unknown> {
  const pair = pairById(order.pair);
  const price = isPositive(order.filled) ? divide(order.cost, order.filled) : '0';
  const limit = order.trail ?? order.triggerPrice ?? order.limitPrice;
  const second = order.triggerPrice === null ? null : (order.limitOffset ?? order.limitPrice);
  const shown = (text: string | null) =>
    text === null ? '0' : /^\d/.test(text) ? fixed(text, pair.priceDecimals) : text;
  const ended = order.closeMs !== null;
  return {
    refid: order.refid,
    userref: order.userref ?? 0,
    ...(order.clOrdId === null ? {} : { cl_ord_id: order.clOrdId }),
    status: order.status,
    opentm: seconds(order.openMs),
    starttm: seconds(order.startMs),
    expiretm: seconds(order.expireMs),
    ...(ended ? { closetm: seconds(order.closeMs ?? 0), reason: order.reason } : {}),
    descr: {
      pair: pair.altname,
      aclass: 'forex',
      type: order.side,
      ordertype: order.type,
      price: shown(limit),
      price2: shown(second),
      leverage: order.leverage === null ? 'none' : `${order.leverage}:1`,
      order: describe(order).order,
      close: closeWords(order),
    },
    vol: fixed(order.volume, pair.lotDecimals),
    vol_exec: fixed(order.filled, pair.lotDecimals),
    cost: fixed(order.cost, pair.costDecimals),
    fee: fixed(order.fee, order.feeInBase ? pair.lotDecimals : pair.costDecimals),
    price: fixed(price, Math.max(pair.priceDecimals, 5)),
    stopprice: fixed(order.triggerPrice ?? '0', Math.max(pair.priceDecimals, 5)),
    limitprice: fixed(order.triggered ? (order.limitPrice ?? '0') : '0', Math.max(pair.priceDecimals, 5)),
    ...(order.triggerPrice === null ? {} : { trigger: 'last' }),
    ...(order.leverage === null
      ? {}
      : { margin: fixed(order.margin, pair.costDecimals), reduce_only: order.reduceOnly }),
    misc: miscOf(order),
    oflags: [order.feeInBase ? 'fcib' : 'fciq', ...(order.postOnly ? ['post'] : [])].join(','),
    ...(withTrades && order.trades.length > 0 ? { trades: [...order.trades] } : {}),
  };
}

function miscOf(order: Order): string {
  const words = [];
  if (order.triggered) words.push(order.type.startsWith('take-profit') ? 'touched' : 'stopped');
  if (order.amended) words.push('amended');
  if (order.closeMs !== null && isPositive(order.filled) && compare(order.filled, order.volume) < 0)
    words.push('partial');
  return words.join(',');
}

export function tradeView(
  trade: Trade,
  position: Position | undefined,
  withLedgers: boolean,
): Record<string, unknown> {
  const pair = pairById(trade.pair);
  const cost = (value: Decimal) => fixed(value, pair.costDecimals);
  return {
    ordertxid: trade.orderId,
    postxid: trade.positionId,
    pair: trade.pair,
    aclass: 'forex',
    time: seconds(trade.timeMs),
    type: trade.side,
    ordertype: trade.orderType,
    price: fixed(trade.price, Math.max(pair.priceDecimals, 5)),
    cost: cost(trade.cost),
    fee: fixed(trade.fee, trade.feeAsset === pair.base.id ? pair.lotDecimals : pair.costDecimals),
    vol: fixed(trade.volume, pair.lotDecimals),
    margin: cost(trade.margin),
    leverage: String(trade.leverage ?? 0),
    misc: trade.closing ? 'closing' : '',
    trade_id: trade.tradeNumber,
    maker: trade.maker,
    ...(withLedgers ? { ledgers: trade.ledgers } : {}),
    ...(position && !trade.closing
      ? {
          posstatus: position.status,
          cprice: isPositive(position.closedVolume)
            ? fixed(divide(position.closedCost, position.closedVolume), 5)
            : '0',
          ccost: cost(position.closedCost),
          cfee: cost(position.closedFee),
          cvol: fixed(position.closedVolume, pair.lotDecimals),
          cmargin: cost(divide(multiply(position.margin, position.closedVolume), position.volume)),
          net: signed(cost(position.net)),
          trades: position.closingTrades,
        }
      : {}),
  };
}

export function positionView(
  position: Position,
  calculated: { readonly value: Decimal; readonly net: Decimal } | null,
): Record<string, unknown> {
  const pair = pairById(position.pair);
  const cost = (value: Decimal) => fixed(value, pair.costDecimals);
  return {
    ordertxid: position.orderId,
    posstatus: position.status,
    pair: position.pair,
    class: 'forex',
    time: seconds(position.openMs),
    type: position.side,
    ordertype: position.orderType,
    cost: cost(position.cost),
    fee: cost(position.fee),
    vol: fixed(position.volume, pair.lotDecimals),
    vol_closed: fixed(position.closedVolume, pair.lotDecimals),
    margin: cost(position.margin),
    ...(calculated ? { value: cost(calculated.value), net: signed(cost(calculated.net)) } : {}),
    terms: '0.0200% per 4 hours',
    rollovertm: String(Math.floor(position.rolloverMs / 1000)),
    misc: '',
    oflags: '',
  };
}

function signed(value: Decimal): string {
  return value.startsWith('-') ? value : `+${value}`;
}

export function ledgerView(entry: LedgerEntry): Record<string, unknown> {
  return {
    refid: entry.refid,
    time: seconds(entry.timeMs),
    type: entry.type,
    subtype: '',
    aclass: 'currency',
    asset: entry.asset,
    wallet: 'spot / main',
    amount: amountOf(entry.asset, entry.amount),
    fee: amountOf(entry.asset, entry.fee),
    balance: amountOf(entry.asset, entry.balance),
  };
}
