import { compare, divide, isPositive, multiply, roundHalfUp, subtract } from '../../domain/money.ts';
import { costOf, type Level } from './book.ts';
import { nextTradeId, post, record, type SettlementContext } from './bookkeeping.ts';
import { feeOf, feePercent } from './fees.ts';
import { closableVolume, settleClosing, settleOpening } from './margin-settlement.ts';
import { pairById, type Pair } from './pairs.ts';
import type { Order, Trade } from './state.ts';

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
