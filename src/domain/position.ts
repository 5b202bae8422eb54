import { add, divide, isPositive, multiply, subtract, ZERO, type Decimal } from './money.ts';

export type Side = 'long' | 'short';
export type OrderSide = 'buy' | 'sell';

/** One execution on the exchange. Amounts in base (`quantity`) and quote currency (`cost`, `fee`). */
export interface Fill {
  readonly fillId: string;
  readonly price: Decimal;
  readonly quantity: Decimal;
  readonly cost: Decimal;
  readonly fee: Decimal;
  readonly timeMs: number;
}

/** What the fills of one order add up to. `averagePrice` is weighted by quantity; `cost` is what was really paid. */
export interface FillSummary {
  readonly quantity: Decimal;
  readonly cost: Decimal;
  readonly fee: Decimal;
  readonly averagePrice: Decimal;
  readonly firstFillMs: number;
  readonly lastFillMs: number;
}

export function entryOrderSide(side: Side): OrderSide {
  return side === 'long' ? 'buy' : 'sell';
}

export function exitOrderSide(side: Side): OrderSide {
  return side === 'long' ? 'sell' : 'buy';
}

/** Sums fills; each fill counts once by `fillId`. `null` when nothing was filled. */
export function summarizeFills(fills: readonly Fill[]): FillSummary | null {
  const unique = [...new Map(fills.map((fill) => [fill.fillId, fill])).values()];
  if (unique.length === 0) return null;
  const quantity = add(...unique.map((fill) => fill.quantity));
  const cost = add(...unique.map((fill) => fill.cost));
  return {
    quantity,
    cost,
    fee: add(...unique.map((fill) => fill.fee)),
    averagePrice: divide(add(...unique.map((fill) => multiply(fill.price, fill.quantity))), quantity),
    firstFillMs: Math.min(...unique.map((fill) => fill.timeMs)),
    lastFillMs: Math.max(...unique.map((fill) => fill.timeMs)),
  };
}

/** What of an entry no exit has sold, base currency; never less than nothing. */
export function quantityLeft(
  entry: Pick<FillSummary, 'quantity'>,
  exits: readonly { readonly summary: Pick<FillSummary, 'quantity'> }[],
): Decimal {
  const left = subtract(entry.quantity, add(ZERO, ...exits.map(({ summary }) => summary.quantity)));
  return isPositive(left) ? left : ZERO;
}

/**
 * Gross price move in the position's favour, as a fraction of the entry price (`-0.005` is -0.5%).
 * Rounded to 1e-12, so that a price exactly on a threshold compares equal to it.
 */
export function returnFraction(side: Side, entryPrice: Decimal, price: Decimal): number {
  return moveFraction(side, Number(entryPrice), Number(price));
}

/** {@link returnFraction} of prices that were parsed already; for ratios only, never for money. */
export function moveFraction(side: Side, entry: number, price: number): number {
  const move = side === 'long' ? price - entry : entry - price;
  return Math.round((move / entry) * 1e12) / 1e12;
}

/** Realized P&L in quote currency, from what was really paid and received, net of all fees. */
export function netPnl(
  side: Side,
  entry: Pick<FillSummary, 'cost' | 'fee'>,
  exit: Pick<FillSummary, 'cost' | 'fee'>,
): Decimal {
  const gross = side === 'long' ? subtract(exit.cost, entry.cost) : subtract(entry.cost, exit.cost);
  return subtract(gross, add(entry.fee, exit.fee));
}

/** The more favourable of two prices for the side. */
export function betterPrice(side: Side, left: Decimal, right: Decimal): Decimal {
  const leftIsHigher = Number(left) >= Number(right);
  return leftIsHigher === (side === 'long') ? left : right;
}
