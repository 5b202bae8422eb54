import { mergeCandle, type MinuteCandle } from './pair-market.ts';

/** Lengths that can be asked for, minutes. */
export const INTERVALS: readonly number[] = [1, 5, 15, 30, 60, 240, 1440, 10080, 21600];

const MOST_CANDLES = 720;

/** Candles of `minutes`, oldest first, from one-minute ones; gaps carry the last close. */
export function candlesOf(
  minuteCandles: readonly MinuteCandle[],
  minutes: number,
  nowMs: number,
  most = MOST_CANDLES + 1,
): readonly MinuteCandle[] {
  const lengthMs = minutes * 60_000;
  const found = new Map<number, MinuteCandle>();
  for (const candle of minuteCandles) {
    const startMs = Math.floor(candle.startMs / lengthMs) * lengthMs;
    const known = found.get(startMs);
    if (known) mergeCandle(known, candle);
    else found.set(startMs, { ...candle, startMs });
  }
  const first = [...found.keys()][0];
  if (first === undefined) return [];
  const lastStart = Math.floor(nowMs / lengthMs) * lengthMs;
  const filled: MinuteCandle[] = [];
  let close = found.get(first)?.open ?? '0';
  for (let startMs = Math.min(first, lastStart); startMs <= lastStart; startMs += lengthMs) {
    const candle = found.get(startMs) ?? {
      startMs,
      open: close,
      high: close,
      low: close,
      close,
      volume: '0',
      cost: '0',
      count: 0,
    };
    filled.push(candle);
    close = candle.close;
  }
  return filled.slice(-most);
}
