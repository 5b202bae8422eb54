import { add, divide, isPositive, multiply, subtract, ZERO, type Decimal } from './money.ts';
import type { OrderSide } from './position.ts';
import { quoteAsset } from './symbols.ts';

/** The currencies that an account can be valued and limited in: those that the exchange quotes others in. */
export const ACCOUNT_CURRENCIES = ['USD', 'EUR', 'GBP', 'CAD', 'AUD', 'CHF', 'JPY', 'USDT', 'USDC'] as const;

export interface HeldAsset {
  readonly asset: string;
  readonly total: Decimal;
}

/** A position on margin: nothing of it is in the balances but its fees. Base and quote currency. */
export interface MarginHolding {
  readonly symbol: string;
  readonly side: OrderSide;
  readonly quantity: Decimal;
  readonly closedQuantity: Decimal;
  /** What the whole quantity cost, or fetched, when it was opened. */
  readonly cost: Decimal;
}

export interface PriceOf {
  readonly symbol: string;
  readonly bid: Decimal;
  readonly ask: Decimal;
}

/** What an account is worth, in one currency. */
export interface AccountValue {
  /** Cash and holdings, and what the open margin positions would bring or cost if they were closed now, before fees. */
  readonly equity: Decimal;
  readonly cash: Decimal;
  /** Worth of all that is not cash; short positions at what buying back costs. */
  readonly exposure: Decimal;
}

/** Holdings at their bid, short positions at their ask; what has no price in `currency` counts nothing. */
export function accountValue(
  balances: readonly HeldAsset[],
  margin: readonly MarginHolding[],
  prices: readonly PriceOf[],
  currency: string,
): AccountValue {
  const priceOf = (symbol: string) => prices.find((price) => price.symbol === symbol);
  const rateOf = (asset: string): Decimal => {
    if (asset === currency) return '1';
    const inverse = priceOf(`${currency}/${asset}`);
    return priceOf(`${asset}/${currency}`)?.bid ?? (inverse ? divide('1', inverse.ask) : ZERO);
  };
  const sum = (amounts: readonly Decimal[]) => add(ZERO, ...amounts);
  const cash = sum(balances.filter(({ asset }) => asset === currency).map(({ total }) => total));
  const holdings = sum(
    balances
      .filter(({ asset }) => asset !== currency)
      .map(({ asset, total }) => multiply(total, rateOf(asset))),
  );
  const open = margin.flatMap((position) => {
    const price = priceOf(position.symbol);
    if (!price) return [];
    const { side, quantity, closedQuantity, cost } = position;
    const left = subtract(quantity, closedQuantity);
    const rate = rateOf(quoteAsset(position.symbol));
    const worth = multiply(left, side === 'buy' ? price.bid : price.ask);
    const entered = divide(multiply(cost, left), quantity);
    const gain = side === 'buy' ? subtract(worth, entered) : subtract(entered, worth);
    return [{ worth: multiply(worth, rate), gain: multiply(gain, rate) }];
  });
  return {
    equity: add(cash, holdings, sum(open.map(({ gain }) => gain))),
    cash,
    exposure: add(holdings, sum(open.map(({ worth }) => worth))),
  };
}

/** The symbols whose prices {@link accountValue} needs, where they are listed. */
export function valuedSymbols(
  balances: readonly HeldAsset[],
  margin: readonly Pick<MarginHolding, 'symbol'>[],
  currency: string,
): string[] {
  const assets = [...balances.map(({ asset }) => asset), ...margin.map(({ symbol }) => quoteAsset(symbol))];
  const rates = assets
    .filter((asset) => asset !== currency)
    // Which of the two is listed is the exchange's choice.
    .flatMap((asset) => [`${asset}/${currency}`, `${currency}/${asset}`]);
  return [...new Set([...rates, ...margin.map(({ symbol }) => symbol)])];
}

/** How far equity is below its peak, a fraction of the peak; 0 at the peak and where nothing can be told. */
export function drawdownOf(equity: Decimal, peak: Decimal): number {
  const fall = subtract(peak, equity);
  return isPositive(peak) && isPositive(fall) ? Number(divide(fall, peak)) : 0;
}
