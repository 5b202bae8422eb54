import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { parse } from 'csv-parse/sync';
import {
  add,
  big,
  isDecimal,
  isPositive,
  multiply,
  roundHalfUp,
  subtract,
  text,
  type Decimal,
} from '../../../domain/money.ts';
import type { OrderSide } from '../../../domain/position.ts';
import type { TopOfBook } from '../book.ts';
import type { Pair } from '../pairs.ts';
import { noise } from '../random.ts';
import { addToCandles, type History, type MarketTrade, type MinuteCandle } from './pair-market.ts';

export interface TapeTrade {
  readonly timeMs: number;
  readonly price: Decimal;
  readonly volume: Decimal;
  readonly side: OrderSide;
}

/** From this tape time on, tape time passes by the wall clock from `wallMs` on. */
export interface TapeSegment {
  readonly tapeMs: number;
  readonly wallMs: number;
}

/**
 * Reads recorded trades, `time_ms,price,volume,side` with a header, oldest first.
 * Throws when a column is missing, a value cannot be read, or times go backwards, naming the line.
 */
export function readTape(file: string): readonly TapeTrade[] {
  const rows = parse<Record<string, string>>(readFileSync(file), {
    columns: true,
    skip_empty_lines: true,
    trim: true,
  });
  const trades: TapeTrade[] = [];
  for (const [index, row] of rows.entries()) {
    const { time_ms: time = '', side = '' } = row;
    const [price, volume] = [plainDecimal(row.price ?? ''), plainDecimal(row.volume ?? '')];
    const timeMs = Number(time);
    const previous = trades.at(-1);
    const wrong = !/^\d+$/.test(time)
      ? `time_ms "${time}" is not a whole number of ms`
      : !isDecimal(price) || !isPositive(price)
        ? `price "${price}" is not a positive decimal`
        : !isDecimal(volume) || !isPositive(volume)
          ? `volume "${volume}" is not a positive decimal`
          : side !== 'buy' && side !== 'sell'
            ? `side "${side}" is neither buy nor sell`
            : previous && timeMs < previous.timeMs
              ? `time_ms ${time} is before the line above`
              : null;
    if (wrong) throw new Error(`${basename(file)} line ${index + 2}: ${wrong}`);
    trades.push({ timeMs, price, volume, side: side as OrderSide });
  }
  if (trades.length === 0) throw new Error(`${basename(file)} holds no trade`);
  return trades;
}

/** `2.5e-7`, as some recorders write it, is `0.00000025`; what is no number stays as it is. */
function plainDecimal(value: string): string {
  return /^\d+(\.\d+)?e-?\d+$/i.test(value) ? text(big(value)) : value;
}

/** Wall-clock time of a moment of the tape: by the segment it was played in. */
export function wallTime(tapeMs: number, segments: readonly TapeSegment[], speed: number): number {
  const played = segments.filter((segment) => segment.tapeMs <= tapeMs).at(-1) ?? segments[0];
  if (!played) throw new Error('a tape that was never started has no wall time');
  return played.wallMs + (tapeMs - played.tapeMs) / speed;
}

/** Best prices a trade leaves behind: a taker bought at the ask or sold at the bid; one or two ticks apart. */
export function topAfter(pair: Pair, trade: TapeTrade, index: number, seed: number): TopOfBook {
  const spread = multiply(pair.tickSize, noise(seed, index) < 0.7 ? '1' : '2');
  const price = roundHalfUp(trade.price, pair.priceDecimals);
  return trade.side === 'buy'
    ? { ask: price, bid: subtract(price, spread) }
    : { bid: price, ask: add(price, spread) };
}

export function marketTrade(
  trade: TapeTrade,
  index: number,
  segments: readonly TapeSegment[],
  speed: number,
): MarketTrade {
  return {
    id: index + 1,
    price: trade.price,
    volume: trade.volume,
    timeMs: wallTime(trade.timeMs, segments, speed),
    side: trade.side,
    type: 'market',
  };
}

/** The first `count` trades of the tape as the past. */
export function tapeHistory(
  tape: readonly TapeTrade[],
  count: number,
  segments: readonly TapeSegment[],
  speed: number,
): History {
  const candles: MinuteCandle[] = [];
  const trades = tape.slice(0, count).map((trade, index) => marketTrade(trade, index, segments, speed));
  for (const trade of trades) addToCandles(candles, trade);
  return { candles, trades };
}
