import { modernAsset, normalizeSymbol } from '../../domain/symbols.ts';
import type { KrakenPair } from './parse.ts';

/** Kraken's pair ids, altnames and slashed names ↔ `BTC/USD`. */
export interface PairNames {
  /** Any of Kraken's spellings → symbol; the spelling itself when it can't be one. */
  symbolOf(pair: string): string;
  /** The pair id, or `null` for a symbol that is not listed. */
  pairId(symbol: string): string | null;
}

export function symbolOfPair(pair: KrakenPair): string {
  const fromSlashed = pair.wsname === undefined ? null : normalizeSymbol(pair.wsname);
  return fromSlashed ?? `${modernAsset(pair.base)}/${modernAsset(pair.quote)}`;
}

export function createPairNames(pairs: ReadonlyMap<string, KrakenPair>): PairNames {
  const symbols = new Map<string, string>();
  const ids = new Map<string, string>();
  for (const [id, pair] of pairs) {
    const symbol = symbolOfPair(pair);
    // Retired variants share a symbol with the pair that trades; the one with a slashed name is it.
    if (!ids.has(symbol) || pair.wsname !== undefined) ids.set(symbol, id);
    for (const spelling of [id, pair.altname, pair.wsname]) {
      if (spelling !== undefined) symbols.set(spelling, symbol);
    }
  }
  return {
    symbolOf: (pair) => symbols.get(pair) ?? normalizeSymbol(pair) ?? pair,
    pairId: (symbol) => ids.get(symbol) ?? null,
  };
}

const LEGACY_ASSET: Readonly<Record<string, string>> = { BTC: 'XBT', DOGE: 'XDG' };

/** The altname that a symbol has by Kraken's habit, for when the list of pairs can't be had. */
export function guessAltname(symbol: string): string {
  return symbol
    .split('/')
    .map((asset) => LEGACY_ASSET[asset] ?? asset)
    .join('');
}

/** `XXBT` → `BTC`; a suffix for staked or earning amounts stays: `XBT.F` → `BTC.F`. */
export function assetName(asset: string): string {
  const [name = asset, ...suffix] = asset.split('.');
  return [modernAsset(name), ...suffix].join('.');
}
