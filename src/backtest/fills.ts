import { add, divide, isPositive, roundHalfUp, multiply, subtract, type Decimal } from '../domain/money.ts';
import { summarizeFills, type OrderSide } from '../domain/position.ts';
import type { OrderRecord } from '../domain/records.ts';
import type { OrderMinimums } from '../domain/sizing.ts';
import { buildBook, costOf, take, type Level, type TopOfBook } from '../exchange/paper/book.ts';
import { feeOf, feePercent, MARGIN_FEE } from '../exchange/paper/fees.ts';
import type { Pair } from '../exchange/paper/pairs.ts';
import { topAfter } from '../exchange/paper/market/tape.ts';
import { DataError } from './data-error.ts';
import type { Series } from './series.ts';

/**
 * The best prices around a price of the file, as the paper exchange quotes them after a recorded trade. Who took a
 * candle's price is unknown: both sides stand a tick away, its widest spread.
 */
export function quoteAround(
  pair: Pair,
  series: Series,
  price: Decimal,
  row: number,
  seed: number,
): TopOfBook {
  const taker = series.kind === 'trades' ? (series.takers[row] ?? 0) : 0;
  const timeMs = series.timesMs[row] ?? 0;
  const rounded = roundHalfUp(price, pair.priceDecimals);
  const top =
    taker === 0
      ? { bid: subtract(rounded, pair.tickSize), ask: add(rounded, pair.tickSize) }
      : topAfter(pair, { timeMs, price, volume: '0', side: taker > 0 ? 'buy' : 'sell' }, row, seed);
  if (!isPositive(top.bid)) {
    throw new DataError(
      `${series.file}: price ${price} at ${timeMs} ms is not above the tick of ${pair.symbol}, ${pair.tickSize}`,
    );
  }
  return top;
}

export function minimumsOf(pair: Pair): OrderMinimums {
  return {
    symbol: pair.symbol,
    base: pair.base.v2,
    quote: pair.quote.v2,
    quantityDecimals: pair.lotDecimals,
    minQuantity: pair.orderMinimum,
    minCost: pair.costMinimum,
  };
}

/** A taker's fee of the lowest tier, a fraction: what the exit policy reckons a round trip with. */
export function takerFee(pair: Pair): number {
  return Number(divide(feePercent(pair, '0', false), '100'));
}

/** What a market order takes from the paper exchange's book, best level first; null when the book is too thin. */
export function levelsFor(
  pair: Pair,
  seed: number,
  side: OrderSide,
  quantity: Decimal,
  top: TopOfBook,
): readonly Level[] | null {
  const { fills, missing } = take(side, quantity, null, buildBook(pair, top, seed));
  return isPositive(missing) ? null : fills;
}

export interface MarketOrder {
  readonly id: string;
  readonly side: OrderSide;
  readonly levels: readonly Level[];
  readonly top: TopOfBook;
  readonly timeMs: number;
  /** Opens a margin position: costs a fee of its own. */
  readonly opensMargin: boolean;
  /** 30-day volume, which decides the fee tier. */
  readonly volumeUsd: Decimal;
}

/** A market order filled at the levels it took, fees included. */
export function fillMarketOrder(pair: Pair, order: MarketOrder): OrderRecord {
  const { id, side, levels, top, timeMs, opensMargin, volumeUsd } = order;
  const percent = feePercent(pair, volumeUsd, false);
  const summary = summarizeFills(
    levels.map((level, index) => {
      const cost = costOf(pair, level.price, level.quantity);
      const tradingFee = feeOf(pair, cost, percent);
      const openingFee = opensMargin ? roundHalfUp(multiply(cost, MARGIN_FEE), pair.costDecimals) : '0';
      return { fillId: `${id}-${index}`, ...level, cost, fee: add(tradingFee, openingFee), timeMs };
    }),
  );
  if (!summary) throw new RangeError(`order ${id} of ${pair.symbol} filled nothing`);
  return {
    exchangeOrderId: id,
    exchangeTradeId: `${id}-0`,
    summary,
    requestedAtMs: timeMs,
    submittedAtMs: timeMs,
    quotePrice: side === 'buy' ? top.ask : top.bid,
  };
}
