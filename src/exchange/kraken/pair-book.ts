import { ExchangeUnavailable, type Instrument } from '../port.ts';
import { createPairNames, symbolOfPair, type PairNames } from './names.ts';
import { assetPair, assetPairs, parse, type KrakenPair } from './parse.ts';
import type { PublicApi } from './public-api.ts';
import { modernAsset } from '../../domain/symbols.ts';

/** Kraken's list of pairs, asked for only when it is old. */
export interface PairBook {
  /** The names of a fresh list; throws `ExchangeUnavailable` when none was ever had. */
  names(): Promise<PairNames>;
  /** The names last seen, at once; without any list, by rule of thumb. */
  lastNames(): PairNames;
  instruments(): Promise<readonly Instrument[]>;
}

/** A pair may be closed for trading at any time; its names stay. */
const STATUS_FRESH_FOR_MS = 60_000;
const NAMES_FRESH_FOR_MS = 3_600_000;

export function createPairBook(api: PublicApi, now: () => number): PairBook {
  let pairs: ReadonlyMap<string, KrakenPair> = new Map();
  let names = createPairNames(pairs);
  let loadedAtMs: number | null = null;
  let loading: Promise<void> | null = null;

  async function load(): Promise<void> {
    const listed = Object.entries(parse(assetPairs, await api.get('AssetPairs'), 'AssetPairs'));
    // One odd pair among a thousand must not take the others away.
    const readable = listed.flatMap(([id, value]) => {
      const parsed = assetPair.safeParse(value);
      return parsed.success ? [[id, parsed.data] as const] : [];
    });
    if (readable.length === 0) throw new ExchangeUnavailable('AssetPairs: no readable pair');
    pairs = new Map(readable);
    names = createPairNames(pairs);
    loadedAtMs = now();
  }

  function refresh(freshForMs: number): Promise<void> {
    if (loadedAtMs !== null && Math.abs(now() - loadedAtMs) < freshForMs) return Promise.resolve();
    loading ??= load().finally(() => (loading = null));
    return loading;
  }

  return {
    async names() {
      // Names hardly change: an old list is better than none.
      if (loadedAtMs === null) await refresh(NAMES_FRESH_FOR_MS);
      else refresh(NAMES_FRESH_FOR_MS).catch(() => undefined);
      return names;
    },
    lastNames: () => names,
    async instruments() {
      await refresh(STATUS_FRESH_FOR_MS);
      return [...pairs].filter(([id, pair]) => names.pairId(symbolOfPair(pair)) === id).map(toInstrument);
    },
  };
}

function toInstrument([, pair]: readonly [string, KrakenPair]): Instrument {
  return {
    symbol: symbolOfPair(pair),
    base: modernAsset(pair.base),
    quote: modernAsset(pair.quote),
    priceDecimals: pair.pair_decimals,
    quantityDecimals: pair.lot_decimals,
    tickSize: pair.tick_size ?? oneUnit(pair.pair_decimals),
    minQuantity: pair.ordermin ?? oneUnit(pair.lot_decimals),
    minCost: pair.costmin ?? '0',
    takerFee: (pair.fees?.[0]?.[1] ?? DEFAULT_TAKER_PERCENT) / 100,
    shortLeverages: pair.leverage_sell ?? [],
    tradable: (pair.status ?? 'online') === 'online',
  };
}

/** Of the lowest tier, for lists that tell no fees. */
const DEFAULT_TAKER_PERCENT = 0.4;

function oneUnit(decimals: number): string {
  return decimals === 0 ? '1' : `0.${'0'.repeat(decimals - 1)}1`;
}
