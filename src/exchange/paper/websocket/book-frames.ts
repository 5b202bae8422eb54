import { crc32 } from '../crc32.ts';
import { firstLevels, type Level } from '../book.ts';
import type { PairMarket } from '../market/pair-market.ts';
import type { Pair } from '../pairs.ts';
import { fixed } from '../rest/views.ts';
import { isoTime, number } from './frames.ts';

export const DEPTHS: readonly number[] = [10, 25, 100, 500, 1000];
const CHECKED_LEVELS = 10;

/** A book as a client of that depth has it: prices to quantities, best first, as written on the wire. */
export interface BookState {
  readonly asks: ReadonlyMap<string, string>;
  readonly bids: ReadonlyMap<string, string>;
}

export function bookState(market: PairMarket, depth: number): BookState {
  const { pair } = market;
  const book = market.book();
  const side = (levels: Iterable<Level>) =>
    new Map(
      firstLevels(levels, depth).map((level) => [
        fixed(level.price, pair.priceDecimals),
        fixed(level.quantity, pair.lotDecimals),
      ]),
    );
  return { asks: side(book.asks), bids: side(book.bids) };
}

/** CRC-32 over the ten best asks, then bids: price and quantity without dot and leading zeros. */
export function bookChecksum({ asks, bids }: BookState): number {
  const digits = (text: string) => text.replace('.', '').replace(/^0+/, '');
  const side = (levels: ReadonlyMap<string, string>) =>
    [...levels].slice(0, CHECKED_LEVELS).map(([price, quantity]) => digits(price) + digits(quantity));
  return crc32([...side(asks), ...side(bids)].join(''));
}

export function bookSnapshot(pair: Pair, state: BookState, nowMs: number): Record<string, unknown> {
  return bookData(pair, state, state, nowMs);
}

/** What changes `before` into `after`; null when nothing does. */
export function bookUpdate(
  pair: Pair,
  before: BookState,
  after: BookState,
  nowMs: number,
): Record<string, unknown> | null {
  const changes = { asks: changed(before.asks, after.asks), bids: changed(before.bids, after.bids) };
  if (changes.asks.size + changes.bids.size === 0) return null;
  return bookData(pair, changes, after, nowMs);
}

function bookData(pair: Pair, levels: BookState, whole: BookState, nowMs: number): Record<string, unknown> {
  const rows = (side: ReadonlyMap<string, string>) =>
    [...side].map(([price, quantity]) => ({ price: number(price), qty: number(quantity) }));
  return {
    symbol: pair.symbol,
    bids: rows(levels.bids),
    asks: rows(levels.asks),
    checksum: bookChecksum(whole),
    timestamp: isoTime(nowMs),
  };
}

/** Levels that are gone (quantity 0), new, or of another quantity. */
function changed(
  before: ReadonlyMap<string, string>,
  after: ReadonlyMap<string, string>,
): Map<string, string> {
  const changes = new Map<string, string>();
  for (const price of before.keys()) if (!after.has(price)) changes.set(price, '0');
  for (const [price, quantity] of after) if (before.get(price) !== quantity) changes.set(price, quantity);
  return changes;
}
