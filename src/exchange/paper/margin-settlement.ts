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
import { nextTradeId, post, record, type SettlementContext } from './bookkeeping.ts';
import { MARGIN_FEE, ROLLOVER_MS, feeOf, feePercent } from './fees.ts';
import type { Pair } from './pairs.ts';
import type { Order, Position, Trade } from './state.ts';
import { openVolume, type Store } from './store.ts';

/** Open volume of the positions that an order on the other side would close, base units. */
export function closableVolume(store: Store, order: Pick<Order, 'accountId' | 'pair' | 'side'>): Decimal {
  return opposing(store, order).reduce<Decimal>((sum, position) => add(sum, openVolume(position)), '0');
}

function opposing(store: Store, order: Pick<Order, 'accountId' | 'pair' | 'side'>): readonly Position[] {
  return store
    .openPositions(order.accountId)
    .filter((position) => position.pair === order.pair && position.side !== order.side);
}

/** Opens a margin position with a fill, or adds to the one its order opened. */
export function settleOpening(
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

/** Closes positions of the other side with a fill, oldest first. */
export function settleClosing(
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
