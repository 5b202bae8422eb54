import { EMA } from 'trading-signals';
import type { Prediction, PredictionAction } from '../domain/exit-policy.ts';
import { logReturnDeviation } from '../domain/sizing.ts';
import type { Candle } from '../exchange/port.ts';

/** Candles of one policy minute that the model looks at. */
export const MOMENTUM_CANDLES = 40;
const FAST = 3;
const SLOW = 10;
/** A spread of this many standard deviations of one candle is full confidence. */
const FULL_CONFIDENCE_DEVIATIONS = 4;
const LEAST_CONFIDENCE = 0.05;
const MOST_CONFIDENCE = 0.95;

/**
 * The built-in model: how far the fast average runs ahead of the slow one, in units of the market's own
 * noise. Indicators are float64: a prediction is a ratio, never money. Null until there are enough candles.
 */
export function predictMomentum(
  candles: readonly Candle[],
  asOfMs: number,
  ttlMs: number,
): Prediction | null {
  if (candles.length < SLOW) return null;
  const fast = new EMA(FAST);
  const slow = new EMA(SLOW);
  for (const candle of candles) {
    fast.update(Number(candle.close), false);
    slow.update(Number(candle.close), false);
  }
  const deviation = logReturnDeviation(candles.map((candle) => candle.close));
  const slowAverage = slow.getResult();
  const fastAverage = fast.getResult();
  if (slowAverage === null || fastAverage === null || deviation === 0) return null;
  const spread = Math.log(fastAverage / slowAverage) / (deviation * FULL_CONFIDENCE_DEVIATIONS);
  const strength = Math.min(MOST_CONFIDENCE, Math.abs(spread));
  const action: PredictionAction = strength < LEAST_CONFIDENCE ? 'HOLD' : spread > 0 ? 'BUY' : 'SELL';
  return { action, confidence: strength, asOfMs, ttlMs, source: 'momentum' };
}
