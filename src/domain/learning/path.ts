import type { Decimal } from '../money.ts';
import type { Side } from '../position.ts';
import type { PathPoint } from './study.ts';

/** A candle as exchanges give it; `timeMs` is its start. */
export interface Candle {
  readonly timeMs: number;
  readonly open: Decimal;
  readonly high: Decimal;
  readonly low: Decimal;
  readonly close: Decimal;
}

/**
 * The marks of candles that began at or after `fromMs`: open, the extreme against the side, the extreme in its
 * favour, close. What happened first within a candle is unknown, so the worse order is assumed.
 */
export function pathOfCandles(
  side: Side,
  candles: readonly Candle[],
  intervalMs: number,
  fromMs: number,
): PathPoint[] {
  return candles
    .filter((candle) => candle.timeMs >= fromMs)
    .flatMap(({ timeMs, open, high, low, close }) => {
      const [against, favour] = side === 'long' ? [low, high] : [high, low];
      return [open, against, favour, close].map((price, quarter) => ({
        timeMs: timeMs + Math.floor((quarter * (intervalMs - 1)) / 3),
        price,
      }));
    });
}
