import { add, multiply, ZERO, type Decimal } from './money.ts';

export interface HeldAsset {
  readonly asset: string;
  readonly total: Decimal;
}

export interface BidPrice {
  readonly symbol: string;
  readonly bid: Decimal;
}

/** Account value in `quote` currency: cash plus every asset at its bid; assets without a price count nothing. */
export function equityOf(balances: readonly HeldAsset[], bids: readonly BidPrice[], quote: string): Decimal {
  const values = balances.map(({ asset, total }) => {
    if (asset === quote) return total;
    const bid = bids.find(({ symbol }) => symbol === `${asset}/${quote}`);
    return bid ? multiply(total, bid.bid) : ZERO;
  });
  return add(ZERO, ...values);
}
