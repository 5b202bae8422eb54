import { compare, type Decimal } from '../../../domain/money.ts';
import { midPrice, type TopOfBook } from '../book.ts';
import { PAIRS, type Pair } from '../pairs.ts';
import { PairMarket, type MarketTrade } from './pair-market.ts';

export interface MarketListener {
  /** Best prices of the pair may have changed, with or without a trade. */
  readonly onMove: (market: PairMarket, trade: MarketTrade | null) => void;
}

/** The public markets of all pairs, and who wants to know when one moves. */
export class Markets {
  readonly #markets: ReadonlyMap<string, PairMarket>;
  readonly #byUsdBase: ReadonlyMap<string, PairMarket>;
  readonly #listeners: MarketListener[] = [];

  constructor(seed: number) {
    this.#markets = new Map(PAIRS.map((pair) => [pair.id, new PairMarket(pair, seed)]));
    this.#byUsdBase = new Map(
      this.all().flatMap((market) =>
        market.pair.quote.id === 'ZUSD' ? [[market.pair.base.id, market]] : [],
      ),
    );
  }

  listen(listener: MarketListener): void {
    this.#listeners.push(listener);
  }

  all(): readonly PairMarket[] {
    return [...this.#markets.values()];
  }

  of(pair: Pair): PairMarket {
    const market = this.#markets.get(pair.id);
    if (!market) throw new Error(`no market for ${pair.id}`);
    return market;
  }

  /** New best prices, with the trade that made them if there was one. Listeners run in order, at once. */
  move(market: PairMarket, top: TopOfBook, trade: MarketTrade | null): void {
    market.top = top;
    if (trade) market.record(trade);
    for (const listener of this.#listeners) listener.onMove(market, trade);
  }

  /** Quotes a pair by hand: its last price becomes `last`, by default halfway between bid and ask. */
  quote(pair: Pair, top: TopOfBook, last: Decimal | null, nowMs: number): void {
    const market = this.of(pair);
    market.manual = true;
    const price = last ?? midPrice(pair, top);
    this.move(market, top, {
      id: market.nextTradeId(),
      price,
      volume: pair.orderMinimum,
      timeMs: nowMs,
      side: compare(price, market.last) >= 0 ? 'buy' : 'sell',
      type: 'limit',
    });
  }

  /** What one unit of an asset is worth in USD, by its own market; 1 where it has none. */
  usdRate(assetId: string): Decimal {
    return this.#byUsdBase.get(assetId)?.last ?? '1';
  }
}
