import type { Prediction, PredictionAction } from '../domain/exit-policy.ts';
import { deviation, logReturns } from '../domain/sizing.ts';
import type { Candle } from '../exchange/port.ts';

/** Candles of one policy minute that the model looks at. */
export const MOMENTUM_CANDLES = 40;
const FAST = 3;
const SLOW = 10;
/** A spread of this many standard deviations of one candle is full confidence. */
const FULL_CONFIDENCE_DEVIATIONS = 4;
const LEAST_CONFIDENCE = 0.05;
const MOST_CONFIDENCE = 0.95;

/** {@link momentumSpread} of candles, as a prediction. Null until there are enough of them. */
export function predictMomentum(
  candles: readonly Candle[],
  asOfMs: number,
  ttlMs: number,
): Prediction | null {
  const closes = Float64Array.from(candles, (candle) => Number(candle.close));
  return momentumPrediction(momentumSpread(closes, logReturns(closes), 0, closes.length), asOfMs, ttlMs);
}

/**
 * The built-in model: how far the fast exponential average of the closes `from..to` runs ahead of the slow one, in
 * units of the market's own noise; NaN where there are too few closes or no noise. `returns` are the log returns of
 * the same closes. All float64: a prediction is a ratio, never money.
 */
export function momentumSpread(
  closes: Float64Array,
  returns: Float64Array,
  from: number,
  to: number,
): number {
  if (to - from < SLOW) return NaN;
  const noise = deviation(returns, from + 1, to);
  if (noise === 0) return NaN;
  let fast = closes[from] ?? NaN;
  let slow = fast;
  for (let index = from + 1; index < to; index += 1) {
    const close = closes[index] ?? NaN;
    fast += (close - fast) * (2 / (FAST + 1));
    slow += (close - slow) * (2 / (SLOW + 1));
  }
  return Math.log(fast / slow) / (noise * FULL_CONFIDENCE_DEVIATIONS);
}

export function momentumPrediction(spread: number, asOfMs: number, ttlMs: number): Prediction | null {
  if (Number.isNaN(spread)) return null;
  const confidence = Math.min(MOST_CONFIDENCE, Math.abs(spread));
  const action: PredictionAction = confidence < LEAST_CONFIDENCE ? 'HOLD' : spread > 0 ? 'BUY' : 'SELL';
  return { action, confidence, asOfMs, ttlMs, source: 'momentum' };
}
