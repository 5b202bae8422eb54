import {
  add,
  compare,
  divide,
  isPositive,
  multiply,
  roundHalfUp,
  subtract,
  type Decimal,
} from '../../domain/money.ts';
import { costOf, type Level } from './book.ts';
import { MARGIN_FEE, ROLLOVER_MS, feeOf, feePercent } from './fees.ts';
import { krakenId } from './ids.ts';
import { pairById, type Pair } from './pairs.ts';
import type { LedgerEntry, Order, Position, Trade } from './state.ts';
import { openVolume, type Store } from './store.ts';

export interface SettlementContext {
  readonly store: Store;
  readonly idSpace: string;
  readonly nowMs: number;
  /** 30-day volume of the account, USD. */
  readonly volumeUsd: Decimal;
}

/** First public trade number of our own fills; the market's own ids stay below. */
const FIRST_TRADE_NUMBER = 900_000_000;

/**
 * Books one fill of an order: balances, ledger, margin positions, the order's own sums.
 * A margin fill that closes one position and opens another is two trades.
 */
export function settleFill(
  order: Order,
  level: Level,
  maker: boolean,
  context: SettlementContext,
): readonly Trade[] {
  const pair = pairById(order.pair);
  if (order.leverage === null) return [settleSpot(order, pair, level, maker, context)];
  const closable = closableVolume(context.store, order);
  const closing = compare(level.quantity, closable) <= 0 ? level.quantity : closable;
  const opening = subtract(level.quantity, closing);
  const trades: Trade[] = [];
  if (isPositive(closing))
    trades.push(settleClosing(order, pair, { ...level, quantity: closing }, maker, context));
  if (isPositive(opening))
    trades.push(settleOpening(order, pair, { ...level, quantity: opening }, maker, context));
  return trades;
}

/** Open volume of the positions that an order on the other side would close, base units. */
export function closableVolume(store: Store, order: Pick<Order, 'accountId' | 'pair' | 'side'>): Decimal {
  return opposing(store, order).reduce<Decimal>((sum, position) => add(sum, openVolume(position)), '0');
}

function opposing(store: Store, order: Pick<Order, 'accountId' | 'pair' | 'side'>): readonly Position[] {
  return store
    .openPositions(order.accountId)
    .filter((position) => position.pair === order.pair && position.side !== order.side);
}

function settleSpot(
  order: Order,
  pair: Pair,
  level: Level,
  maker: boolean,
  context: SettlementContext,
): Trade {
  const cost = costOf(pair, level.price, level.quantity);
  const percent = feePercent(pair, context.volumeUsd, maker);
  const fee = order.feeInBase
    ? roundHalfUp(divide(multiply(level.quantity, percent), '100'), pair.lotDecimals)
    : feeOf(pair, cost, percent);
  const id = nextTradeId(context);
  const [baseFee, quoteFee] = order.feeInBase ? [fee, '0'] : ['0', fee];
  const sign = order.side === 'buy' ? '1' : '-1';
  const base = post(
    context,
    order.accountId,
    id,
    'trade',
    pair.base.id,
    multiply(level.quantity, sign),
    baseFee,
  );
  const quote = post(
    context,
    order.accountId,
    id,
    'trade',
    pair.quote.id,
    multiply(subtract('0', cost), sign),
    quoteFee,
  );
  return record(order, pair, level, context, {
    id,
    cost,
    fee,
    maker,
    feeAsset: order.feeInBase ? pair.base.id : pair.quote.id,
    margin: '0',
    positionId: id,
    closing: false,
    closedCost: '0',
    net: '0',
    ledgers: [base, quote],
  });
}

function settleOpening(
  order: Order,
  pair: Pair,
  level: Level,
  maker: boolean,
  context: SettlementContext,
): Trade {
  const cost = costOf(pair, level.price, level.quantity);
  const openingFee = roundHalfUp(multiply(cost, MARGIN_FEE), pair.costDecimals);
  const fee = add(feeOf(pair, cost, feePercent(pair, context.volumeUsd, maker)), openingFee);
  const margin = roundHalfUp(divide(cost, String(order.leverage ?? 1)), pair.costDecimals);
  const id = nextTradeId(context);
  const ledger = post(context, order.accountId, id, 'margin', pair.quote.id, '0', fee);
  const known = context.store
    .openPositions(order.accountId)
    .find((position) => position.orderId === order.txid && position.side === order.side);
  const position = known ?? newPosition(id, order, context.nowMs);
  position.volume = add(position.volume, level.quantity);
  position.cost = add(position.cost, cost);
  position.fee = add(position.fee, fee);
  position.margin = add(position.margin, margin);
  context.store.put('position', position);
  order.margin = add(order.margin, margin);
  return record(order, pair, level, context, {
    id,
    cost,
    fee,
    maker,
    feeAsset: pair.quote.id,
    margin,
    positionId: position.id,
    closing: false,
    closedCost: '0',
    net: '0',
    ledgers: [ledger],
  });
}

function settleClosing(
  order: Order,
  pair: Pair,
  level: Level,
  maker: boolean,
  context: SettlementContext,
): Trade {
  const cost = costOf(pair, level.price, level.quantity);
  const fee = feeOf(pair, cost, feePercent(pair, context.volumeUsd, maker));
  const id = nextTradeId(context);
  let [left, costLeft, feeLeft, closedCost] = [level.quantity, cost, fee, '0'];
  let positionId = id;
  for (const position of opposing(context.store, order)) {
    if (!isPositive(left)) break;
    const open = openVolume(position);
    const part = compare(left, open) <= 0 ? left : open;
    const isLast = compare(part, left) === 0;
    const exitCost = isLast ? costLeft : costOf(pair, level.price, part);
    const exitFee = isLast
      ? feeLeft
      : roundHalfUp(divide(multiply(fee, part), level.quantity), pair.costDecimals);
    const entryCost = close(position, pair, part, exitCost, exitFee, id);
    context.store.put('position', position);
    if (positionId === id) positionId = position.id;
    closedCost = add(closedCost, entryCost);
    left = subtract(left, part);
    costLeft = subtract(costLeft, exitCost);
    feeLeft = subtract(feeLeft, exitFee);
  }
  // The positions closed are on the other side: a buy closes shorts.
  const net = order.side === 'buy' ? subtract(closedCost, cost) : subtract(cost, closedCost);
  const ledger = post(context, order.accountId, id, 'margin', pair.quote.id, net, fee);
  return record(order, pair, level, context, {
    id,
    cost,
    fee,
    maker,
    feeAsset: pair.quote.id,
    margin: '0',
    positionId,
    closing: true,
    closedCost,
    net,
    ledgers: [ledger],
  });
}

/** Takes `part` out of a position and returns what that part had cost when it was opened. */
function close(
  position: Position,
  pair: Pair,
  part: Decimal,
  exitCost: Decimal,
  fee: Decimal,
  trade: string,
): Decimal {
  const whole = compare(part, openVolume(position)) === 0;
  const entryCostBefore = entryCostOf(position, pair, position.closedVolume);
  position.closedVolume = add(position.closedVolume, part);
  const entryCost = subtract(
    whole ? position.cost : entryCostOf(position, pair, position.closedVolume),
    entryCostBefore,
  );
  position.closedCost = add(position.closedCost, exitCost);
  position.closedFee = add(position.closedFee, fee);
  const net = position.side === 'buy' ? subtract(exitCost, entryCost) : subtract(entryCost, exitCost);
  position.net = add(position.net, net);
  position.closingTrades.push(trade);
  if (whole) position.status = 'closed';
  return entryCost;
}

function entryCostOf(position: Position, pair: Pair, volume: Decimal): Decimal {
  return roundHalfUp(divide(multiply(position.cost, volume), position.volume), pair.costDecimals);
}

function newPosition(id: string, order: Order, nowMs: number): Position {
  return {
    id,
    orderId: order.txid,
    accountId: order.accountId,
    pair: order.pair,
    side: order.side,
    orderType: order.type,
    openMs: nowMs,
    leverage: order.leverage ?? 1,
    volume: '0',
    cost: '0',
    fee: '0',
    margin: '0',
    closedVolume: '0',
    closedCost: '0',
    closedFee: '0',
    net: '0',
    closingTrades: [],
    status: 'open',
    rolloverMs: nowMs + ROLLOVER_MS,
  };
}

type TradeDetails = Pick<
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

function record(
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

function nextTradeId(context: SettlementContext): string {
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
