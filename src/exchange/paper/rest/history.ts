import { KrakenError, invalidArguments } from '../kraken-error.ts';
import { findAsset } from '../pairs.ts';
import { flag, integer, list, type Params } from '../params.ts';
import type { LedgerEntry, Order, Trade } from '../state.ts';
import type { PrivateCall, PrivateEndpoint } from './private.ts';
import { ledgerView, orderView, tradeView } from './views.ts';

const PAGE = 50;
const MOST_ORDER_IDS = 50;
const MOST_IDS = 20;

export const HISTORY: Readonly<Record<string, PrivateEndpoint>> = {
  OpenOrders: {
    needs: ['query-open-trades'],
    handle: (call) => {
      const orders = candidates(call, call.context.store.openOrders(call.accountId)).filter(
        (order) => order.closeMs === null && isListed(order, call),
      );
      return { open: orderViews(orders, flag(call.params, 'trades', false)) };
    },
  },
  ClosedOrders: { needs: ['query-closed-trades'], handle: closedOrders },
  QueryOrders: { needs: ['query-open-trades', 'query-closed-trades'], handle: queryOrders },
  TradesHistory: { needs: ['query-closed-trades'], handle: tradesHistory },
  QueryTrades: { needs: ['query-closed-trades'], handle: queryTrades },
  Ledgers: { needs: ['query-ledger'], handle: ledgers },
  QueryLedgers: { needs: ['query-ledger'], handle: queryLedgers },
};

function isVisible(row: Order | Trade, { nowMs, lagMs }: PrivateCall): boolean {
  const happenedMs = 'timeMs' in row ? row.timeMs : (row.closeMs ?? row.openMs);
  return row.visibleMs <= nowMs && (lagMs === 0 || happenedMs <= nowMs - lagMs);
}

/** Visible, and asked for by the filters that both order lists know. */
function isListed(order: Order, call: PrivateCall): boolean {
  const { cl_ord_id: clOrdId, userref } = call.params.values;
  return (
    isVisible(order, call) &&
    (clOrdId === undefined || order.clOrdId === clOrdId) &&
    (userref === undefined || String(order.userref) === userref)
  );
}

/** Where to look: what has the client id that was asked for, else everything. */
function candidates(
  { params, context, accountId }: PrivateCall,
  everything: readonly Order[],
): readonly Order[] {
  const { cl_ord_id: clOrdId } = params.values;
  return clOrdId === undefined ? everything : context.store.ordersByClientId(accountId, clOrdId);
}

function orderViews(orders: readonly Order[], withTrades: boolean): Record<string, unknown> {
  return Object.fromEntries(orders.map((order) => [order.txid, orderView(order, withTrades)]));
}

interface Range {
  readonly afterMs: number;
  readonly untilMs: number;
}

/** `start` (exclusive) and `end` (inclusive), each unix seconds or the id of a row. */
function rangeOf(params: Params, timeOf: (id: string) => number | undefined): Range {
  const moment = (name: string, fallback: number): number => {
    const text = params.values[name];
    if (text === undefined || text === '' || text === '0') return fallback;
    if (/^\d+(\.\d+)?$/.test(text)) return Number(text) * 1000;
    const timeMs = timeOf(text);
    if (timeMs === undefined) throw invalidArguments(name);
    return timeMs;
  };
  return {
    afterMs: moment('start', Number.NEGATIVE_INFINITY),
    untilMs: moment('end', Number.POSITIVE_INFINITY),
  };
}

/** Newest first, one page of them, and how many there are. */
function page<Row>(
  rows: readonly Row[],
  params: Params,
): { rows: readonly Row[]; count: { count?: number } } {
  const offset = integer(params, 'ofs', 0, 0, Number.MAX_SAFE_INTEGER);
  const count = flag(params, 'without_count', false) ? {} : { count: rows.length };
  return { rows: rows.slice(offset, offset + PAGE), count };
}

function closedOrders(call: PrivateCall): unknown {
  const { params, context, accountId } = call;
  const by = params.values.closetime ?? 'both';
  if (!['open', 'close', 'both'].includes(by)) throw invalidArguments('closetime');
  const { afterMs, untilMs } = rangeOf(params, (id) => context.store.orders.get(id)?.openMs);
  const inside = (timeMs: number) => timeMs > afterMs && timeMs <= untilMs;
  const closed = candidates(call, context.store.ordersOf(accountId))
    .filter((order) => order.closeMs !== null && isListed(order, call))
    .filter(
      (order) =>
        (by !== 'close' && inside(order.openMs)) ||
        (by !== 'open' && order.closeMs !== null && inside(order.closeMs)),
    )
    .sort((left, right) => (right.closeMs ?? 0) - (left.closeMs ?? 0));
  const { rows, count } = page(closed, params);
  return { closed: orderViews(rows, flag(params, 'trades', false)), ...count };
}

function queryOrders(call: PrivateCall): unknown {
  const { params, context, accountId } = call;
  const ids = list(params, 'txid');
  if (ids.length === 0 || ids.length > MOST_ORDER_IDS) throw invalidArguments('txid');
  const orders = ids.map((id) => {
    const order = context.store.orders.get(id);
    if (order?.accountId !== accountId) throw new KrakenError('EOrder:Invalid order');
    return order;
  });
  const { userref } = params.values;
  const shown = orders.filter(
    (order) => isVisible(order, call) && (userref === undefined || String(order.userref) === userref),
  );
  return orderViews(shown, flag(params, 'trades', false));
}

function tradeViews(call: PrivateCall, trades: readonly Trade[]): Record<string, unknown> {
  const withLedgers = flag(call.params, 'ledgers', false);
  const { positions } = call.context.store;
  return Object.fromEntries(
    trades.map((trade) => [trade.id, tradeView(trade, positions.get(trade.id), withLedgers)]),
  );
}

const TRADE_TYPES: Readonly<Record<string, (trade: Trade) => boolean>> = {
  all: () => true,
  'any position': (trade) => trade.leverage !== null,
  'closed position': (trade) => trade.closing,
  'closing position': (trade) => trade.closing,
  'no position': (trade) => trade.leverage === null,
};

function tradesHistory(call: PrivateCall): unknown {
  const { params, context, accountId } = call;
  const ofType = TRADE_TYPES[params.values.type ?? 'all'];
  if (!ofType) throw invalidArguments('type');
  const { afterMs, untilMs } = rangeOf(params, (id) => context.store.trades.get(id)?.timeMs);
  const trades = context.store
    .tradesOf(accountId)
    .filter(
      (trade) => isVisible(trade, call) && ofType(trade) && trade.timeMs > afterMs && trade.timeMs <= untilMs,
    )
    .reverse();
  const { rows, count } = page(trades, params);
  return { trades: tradeViews(call, rows), ...count };
}

function queryTrades(call: PrivateCall): unknown {
  const ids = list(call.params, 'txid');
  if (ids.length === 0 || ids.length > MOST_IDS) throw invalidArguments('txid');
  const trades = ids.map((id) => {
    const trade = call.context.store.trades.get(id);
    if (trade?.accountId !== call.accountId) throw new KrakenError('EOrder:Invalid order');
    return trade;
  });
  return tradeViews(
    call,
    trades.filter((trade) => isVisible(trade, call)),
  );
}

function ledgers(call: PrivateCall): unknown {
  const { params, context, accountId } = call;
  const assets = list(params, 'asset')
    .filter((name) => name !== 'all')
    .map((name) => findAsset(name)?.id);
  const type = params.values.type ?? 'all';
  const { afterMs, untilMs } = rangeOf(params, (id) => context.store.ledger.get(id)?.timeMs);
  const entries = [...context.store.ledger.values()]
    .filter(
      (entry: LedgerEntry) =>
        entry.accountId === accountId &&
        (assets.length === 0 || assets.includes(entry.asset)) &&
        (type === 'all' || entry.type === type) &&
        entry.timeMs > afterMs &&
        entry.timeMs <= untilMs,
    )
    .reverse();
  const { rows, count } = page(entries, params);
  return { ledger: ledgerViews(rows), ...count };
}

function queryLedgers({ params, context, accountId }: PrivateCall): unknown {
  const ids = list(params, 'id');
  if (ids.length === 0 || ids.length > MOST_IDS) throw invalidArguments('id');
  const entries = ids
    .map((id) => context.store.ledger.get(id))
    .filter((entry) => entry?.accountId === accountId);
  return ledgerViews(entries.filter((entry) => entry !== undefined));
}

function ledgerViews(entries: readonly LedgerEntry[]): Record<string, unknown> {
  return Object.fromEntries(entries.map((entry) => [entry.id, ledgerView(entry)]));
}
