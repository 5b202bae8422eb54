import { divide, type Decimal } from '../../domain/money.ts';
import { pairById } from './pairs.ts';
import type { ConditionalClose, Order, OrderTerms } from './state.ts';
import { isTrailing, isTriggerType, resolvePrice, trailTrigger } from './triggers.ts';

/** The opposite order that a fill of `volume` gives rise to. Relative prices count from the parent's average. */
export function closeTerms(parent: Order, close: ConditionalClose, volume: Decimal): OrderTerms {
  const pair = pairById(parent.pair);
  const side = parent.side === 'buy' ? 'sell' : 'buy';
  const average = divide(parent.cost, parent.filled);
  const price = isTrailing(close.type) ? null : resolvePrice(pair, side, close.price, average);
  const price2 =
    close.price2 === null || price === null ? null : resolvePrice(pair, side, close.price2, price);
  const trail = isTrailing(close.type) ? close.price : null;
  const fixedTrigger = isTriggerType(close.type) ? price : null;
  return {
    pair: parent.pair,
    side,
    type: close.type,
    volume,
    price: price ?? close.price,
    price2: price2 ?? close.price2,
    limitPrice: isTriggerType(close.type) ? price2 : price,
    triggerPrice: trail === null ? fixedTrigger : trailTrigger(pair, side, average, trail),
    trail,
    limitOffset: trail === null ? null : close.price2,
    leverage: parent.leverage,
    reduceOnly: false,
    postOnly: false,
    timeInForce: 'GTC',
    startMs: 0,
    expireMs: 0,
    displayVolume: null,
    feeInBase: parent.feeInBase,
    close: null,
    userref: parent.userref,
    clOrdId: null,
  };
}
