import { isPositive, multiply, roundDown, roundHalfUp, add, type Decimal } from '../../../domain/money.ts';
import type { TopOfBook } from '../book.ts';
import type { Pair } from '../pairs.ts';
import { nameSeed, noise } from '../random.ts';
import { addToCandles, type History, type MarketTrade, type MinuteCandle } from './pair-market.ts';

export interface SyntheticOptions {
  readonly seed: number;
  /** Standard deviation of a year's return; 0.8 moves a pair by some 0.1 % a minute. */
  readonly volatility: number;
}

/** A pair may trade once in each slot. */
export const SLOT_MS = 250;
const TRADING_SHARE = 0.25;
/** Trade ids count slots from here, so that they fit 32 bits. */
const FIRST_SLOT = 1_700_000_000_000 / SLOT_MS;
const SECONDS_A_YEAR = 31_557_600;
const OCTAVES = 18;
const HISTORY_CANDLES = 720;
const HISTORY_TRADES_MS = 600_000;
const SAMPLES_A_MINUTE = 6;
/** Makes the spread of one-second steps what a random walk of that volatility has. */
const CALIBRATION = 0.7;

/**
 * Price as a pure function of seed, pair and wall clock: noise at every scale from a second to a day and a half,
 * each as wide as a random walk would be. A restart, and the past before it, need no memory.
 */
export function syntheticPrice(pair: Pair, timeMs: number, options: SyntheticOptions): Decimal {
  const pairSeed = nameSeed(pair.id);
  const perSecond = options.volatility / Math.sqrt(SECONDS_A_YEAR);
  let logReturn = 0;
  for (let octave = 0; octave < OCTAVES; octave += 1) {
    const periodS = 2 ** octave;
    const position = timeMs / 1000 / periodS;
    const knot = Math.floor(position);
    const from = noise(options.seed, pairSeed, octave, knot);
    const to = noise(options.seed, pairSeed, octave, knot + 1);
    const value = from + (to - from) * (position - knot);
    logReturn += perSecond * Math.sqrt(periodS) * CALIBRATION * (2 * value - 1);
  }
  const price = roundHalfUp(
    multiply(pair.startPrice, Math.exp(pair.stable ? 0 : logReturn).toFixed(12)),
    pair.priceDecimals,
  );
  return isPositive(price) ? price : pair.tickSize;
}

export function syntheticTop(pair: Pair, timeMs: number, options: SyntheticOptions): TopOfBook {
  const bid = syntheticPrice(pair, timeMs, options);
  const wide = noise(options.seed, nameSeed(pair.id), Math.floor(timeMs / SLOT_MS), 3) > 0.7;
  return { bid, ask: add(bid, multiply(pair.tickSize, wide ? '2' : '1')) };
}

/** The trade of a slot, if the pair trades in it. */
export function syntheticTrade(pair: Pair, slot: number, options: SyntheticOptions): MarketTrade | null {
  const pairSeed = nameSeed(pair.id);
  if (noise(options.seed, pairSeed, slot, 1) >= TRADING_SHARE) return null;
  const timeMs = slot * SLOT_MS;
  const top = syntheticTop(pair, timeMs, options);
  const side = noise(options.seed, pairSeed, slot, 2) < 0.5 ? 'buy' : 'sell';
  const lots = (1 + 40 * noise(options.seed, pairSeed, slot, 4)).toFixed(6);
  return {
    id: slot - FIRST_SLOT,
    price: side === 'buy' ? top.ask : top.bid,
    volume: roundDown(multiply(pair.orderMinimum, lots), pair.lotDecimals),
    timeMs,
    side,
    type: noise(options.seed, pairSeed, slot, 5) < 0.6 ? 'limit' : 'market',
  };
}

/** Twelve hours of candles and ten minutes of trades before `untilMs`. */
export function syntheticHistory(pair: Pair, untilMs: number, options: SyntheticOptions): History {
  const tradesFromMs = Math.floor((untilMs - HISTORY_TRADES_MS) / 60_000) * 60_000;
  const candles: MinuteCandle[] = [];
  const stepMs = 60_000 / SAMPLES_A_MINUTE;
  for (let timeMs = tradesFromMs - HISTORY_CANDLES * 60_000; timeMs < tradesFromMs; timeMs += stepMs) {
    const price = syntheticPrice(pair, timeMs, options);
    const volume = multiply(pair.orderMinimum, '20');
    addToCandles(candles, { id: 0, price, volume, timeMs, side: 'buy', type: 'limit' });
  }
  const trades: MarketTrade[] = [];
  for (let slot = Math.ceil(tradesFromMs / SLOT_MS); slot * SLOT_MS < untilMs; slot += 1) {
    const trade = syntheticTrade(pair, slot, options);
    if (!trade) continue;
    trades.push(trade);
    addToCandles(candles, trade);
  }
  return { candles, trades };
}
