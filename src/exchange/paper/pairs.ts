import { modernAsset } from '../../domain/symbols.ts';
import type { Decimal } from '../../domain/money.ts';
import { PAIR_ROWS, type PairRow } from './pair-table.ts';

export interface Asset {
  /** Kraken's id: `XXBT`, `ZUSD`, `SOL`. */
  readonly id: string;
  /** `XBT`, `USD`, `SOL`. */
  readonly altname: string;
  /** Name on WebSocket v2: `BTC`, `USD`, `SOL`. */
  readonly v2: string;
  readonly decimals: number;
  readonly displayDecimals: number;
  readonly fiat: boolean;
}

export interface Pair {
  /** `XXBTZUSD` */
  readonly id: string;
  /** `XBTUSD` */
  readonly altname: string;
  /** `XBT/USD` */
  readonly wsname: string;
  /** `BTC/USD` */
  readonly symbol: string;
  readonly base: Asset;
  readonly quote: Asset;
  readonly priceDecimals: number;
  readonly lotDecimals: number;
  readonly costDecimals: number;
  readonly tickSize: Decimal;
  readonly orderMinimum: Decimal;
  readonly costMinimum: Decimal;
  /** `[2, 3, …]`, empty where there is no margin. */
  readonly leverages: readonly number[];
  /** Stablecoin and currency pairs have cheaper fees. */
  readonly stable: boolean;
  readonly startPrice: Decimal;
}

const ALTNAMES: Readonly<Record<string, string>> = { XXDG: 'XDG' };
const STABLE = new Set(['ZUSD', 'ZEUR', 'USDT', 'USDC']);

function describeAsset(id: string): Asset {
  const legacy = /^[XZ][A-Z]{3}$/.test(id) && id !== 'XTZ';
  const altname = ALTNAMES[id] ?? (legacy ? id.slice(1) : id);
  const fiat = id.startsWith('Z') && legacy;
  const decimals = fiat ? 4 : STABLE.has(id) ? 8 : 10;
  return { id, altname, v2: modernAsset(id), decimals, displayDecimals: fiat ? 2 : 5, fiat };
}

function tickSize(decimals: number): Decimal {
  return decimals === 0 ? '1' : `0.${'0'.repeat(decimals - 1)}1`;
}

function describePair(row: PairRow): Pair {
  const [baseId, quoteId, priceDecimals, lotDecimals, orderMinimum, costMinimum, maxLeverage, startPrice] =
    row;
  const base = describeAsset(baseId);
  const quote = describeAsset(quoteId);
  const legacy = baseId !== base.altname && quoteId !== quote.altname && baseId !== 'XXDG';
  const altname = `${base.altname}${quote.altname}`;
  return {
    id: legacy ? `${baseId}${quoteId}` : altname,
    altname,
    wsname: `${base.altname}/${quote.altname}`,
    symbol: `${base.v2}/${quote.v2}`,
    base,
    quote,
    priceDecimals,
    lotDecimals,
    costDecimals: quote.fiat || STABLE.has(quoteId) ? 5 : 10,
    tickSize: tickSize(priceDecimals),
    orderMinimum,
    costMinimum,
    leverages: Array.from({ length: Math.max(0, maxLeverage - 1) }, (_, index) => index + 2),
    stable: STABLE.has(baseId) && STABLE.has(quoteId),
    startPrice,
  };
}

export const PAIRS: readonly Pair[] = PAIR_ROWS.map(describePair);

export const ASSETS: readonly Asset[] = [
  ...new Map(PAIRS.flatMap((pair) => [pair.base, pair.quote]).map((asset) => [asset.id, asset])).values(),
];

const bySpelling = new Map(
  PAIRS.flatMap((pair) => [pair.id, pair.altname, pair.wsname, pair.symbol].map((name) => [name, pair])),
);
const bySymbol = new Map(PAIRS.map((pair) => [pair.symbol, pair]));
const byAssetSpelling = new Map(
  ASSETS.flatMap((asset) => [asset.id, asset.altname, asset.v2].map((name) => [name, asset])),
);

/** By id, altname, slashed name or v2 symbol, in any case. */
export function findPair(name: string): Pair | undefined {
  return bySpelling.get(name.toUpperCase());
}

/** By WebSocket v2 symbol only, as Kraken does. */
export function findSymbol(symbol: string): Pair | undefined {
  return bySymbol.get(symbol);
}

export function findAsset(name: string): Asset | undefined {
  return byAssetSpelling.get(name.toUpperCase());
}

/** Of an id that is known to be listed. Throws when it is not. */
export function pairById(id: string): Pair {
  const pair = findPair(id);
  if (!pair) throw new Error(`no pair ${id} is listed`);
  return pair;
}
