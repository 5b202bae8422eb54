import { add, subtract, type Decimal } from '../../domain/money.ts';
import type { Level } from './book.ts';
import { krakenId } from './ids.ts';
import type { Pair } from './pairs.ts';
import type { LedgerEntry, Order, Trade } from './state.ts';
import type { Store } from './store.ts';

export interface SettlementContext {
  readonly store: Store;
  readonly idSpace: string;
  readonly nowMs: number;
  /** 30-day volume of the account, USD. */
  readonly volumeUsd: Decimal;
}

/** First public trade number of our own fills; the market's own ids stay below. */
const FIRST_TRADE_NUMBER = 900_000_000;

/** What the kind of settlement decides about a trade. */
export type TradeDetails = Pick<
  Trade,
  | 'id'
  | 'cost'
  | 'fee'
  | 'feeAsset'
  | 'maker'
  | 'margin'
  | 'positionId'
  | 'closing'
  | 'closedCost'
  | 'net'
  | 'ledgers'
>;

/** Writes a trade down and adds it to its order's sums. */
export function record(
  order: Order,
  pair: Pair,
  level: Level,
  context: SettlementContext,
  details: TradeDetails,
): Trade {
  const trade: Trade = {
    ...details,
    tradeNumber: FIRST_TRADE_NUMBER + context.store.trades.size,
    orderId: order.txid,
    accountId: order.accountId,
    pair: pair.id,
    side: order.side,
    orderType: order.type,
    price: level.price,
    volume: level.quantity,
    timeMs: context.nowMs,
    leverage: order.leverage,
    visibleMs: order.visibleMs,
  };
  context.store.put('trade', trade);
  order.filled = add(order.filled, level.quantity);
  order.cost = add(order.cost, details.cost);
  order.fee = add(order.fee, details.fee);
  order.trades.push(details.id);
  return trade;
}

export function nextTradeId(context: SettlementContext): string {
  return krakenId('T', context.idSpace, context.store.trades.size);
}

/** Changes a balance by `amount` less `fee`, with its ledger entry. Returns the entry's id. */
export function post(
  context: Pick<SettlementContext, 'store' | 'idSpace' | 'nowMs'>,
  accountId: string,
  refid: string,
  type: LedgerEntry['type'],
  asset: string,
  amount: Decimal,
  fee: Decimal,
): string {
  const { store, idSpace, nowMs } = context;
  const account = store.account(accountId);
  const balance = subtract(add(store.balance(accountId, asset), amount), fee);
  account.balances[asset] = balance;
  store.put('account', account);
  const id = krakenId('L', idSpace, store.ledger.size);
  store.put('ledger', { id, refid, accountId, timeMs: nowMs, type, asset, amount, fee, balance });
  return id;
}
