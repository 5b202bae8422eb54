/** Symbols in Kraken's v2 notation, `BTC/USD`; older spellings are understood on input. */

const MODERN_ASSET: Readonly<Record<string, string>> = {
  XBT: 'BTC',
  XXBT: 'BTC',
  XDG: 'DOGE',
  XXDG: 'DOGE',
  XETH: 'ETH',
  XLTC: 'LTC',
  XXRP: 'XRP',
  XXLM: 'XLM',
  XXMR: 'XMR',
  XZEC: 'ZEC',
  XETC: 'ETC',
  XREP: 'REP',
  XMLN: 'MLN',
  ZUSD: 'USD',
  ZEUR: 'EUR',
  ZGBP: 'GBP',
  ZCAD: 'CAD',
  ZJPY: 'JPY',
  ZAUD: 'AUD',
};

const QUOTES = ['USDT', 'USDC', 'USD', 'EUR', 'GBP', 'CAD', 'JPY', 'AUD', 'CHF', 'XBT', 'BTC', 'ETH'];
/** Only beside a base in the exchange's old spelling: XXBTZUSD has one, XTZUSD is XTZ and USD. */
const PREFIXED_QUOTES = ['ZUSD', 'ZEUR', 'ZGBP', 'ZCAD', 'ZJPY', 'ZAUD', 'XXBT', 'XETH'];

export function modernAsset(asset: string): string {
  return MODERN_ASSET[asset] ?? asset;
}

/**
 * `BTC/USD`, `XBT/USD`, `XBTUSD`, `XXBTZUSD`, in any case → `BTC/USD`.
 * `null` when the spelling cannot be one of a pair; whether the pair is listed is the exchange's to say.
 */
export function normalizeSymbol(input: string): string | null {
  const upper = input.trim().toUpperCase();
  const slashed = /^([A-Z0-9.]{2,12})[/-]([A-Z0-9.]{2,12})$/.exec(upper);
  if (slashed?.[1] && slashed[2]) return `${modernAsset(slashed[1])}/${modernAsset(slashed[2])}`;
  if (!/^[A-Z0-9.]{5,16}$/.test(upper)) return null;
  const quote =
    PREFIXED_QUOTES.find((candidate) => upper.endsWith(candidate) && isOldBase(upper.slice(0, -4))) ??
    QUOTES.find((candidate) => upper.endsWith(candidate) && upper.length - candidate.length >= 2);
  if (!quote) return null;
  return `${modernAsset(upper.slice(0, -quote.length))}/${modernAsset(quote)}`;
}

function isOldBase(asset: string): boolean {
  return asset === 'USDT' || (asset.length === 4 && asset in MODERN_ASSET);
}

export function baseAsset(symbol: string): string {
  return symbol.split('/')[0] ?? symbol;
}

export function quoteAsset(symbol: string): string {
  return symbol.split('/')[1] ?? '';
}
