import { pathOfCandles } from '../domain/learning/path.ts';
import type { PathPoint } from '../domain/learning/study.ts';
import type { Decimal } from '../domain/money.ts';
import type { Side } from '../domain/position.ts';
import type { Candle, Exchange } from '../exchange/port.ts';

export interface PathRequest {
  readonly symbol: string;
  readonly side: Side;
  readonly fromMs: number;
  readonly untilMs: number;
  readonly timeScale: number;
}

export interface MarketPath {
  readonly path: PathPoint[];
  readonly maxStepMs: number;
  /** Closes before the path begins, oldest first, where its candles are of one policy minute. */
  readonly closesBefore: readonly Decimal[];
}

/** Exchanges serve about this many candles back, whatever their interval. */
const MOST_CANDLES = 720;
/** Policy minutes per candle, the finest first. */
const CANDLE_MINUTES = [1, 5, 15, 30, 60, 240, 1440] as const;

/** The longest wait after the end of a path until its last candle is complete, ms. */
export function pathDelayMs(timeScale: number): number {
  return 60_000 / timeScale;
}

/** Market paths of past trades; many trades in one symbol cost one call to the exchange. */
export class MarketPaths {
  readonly #exchange: Pick<Exchange, 'candles'>;
  readonly #nowMs: number;
  readonly #asked = new Map<string, Promise<readonly Candle[]>>();

  constructor(exchange: Pick<Exchange, 'candles'>, nowMs: number) {
    this.#exchange = exchange;
    this.#nowMs = nowMs;
  }

  /** By the finest candles that still reach back to its beginning. Throws what the exchange throws. */
  async path({ symbol, side, fromMs, untilMs, timeScale }: PathRequest): Promise<MarketPath> {
    const intervalOf = (minutes: number) => (minutes * 60_000) / timeScale;
    const countOf = (intervalMs: number) => Math.ceil((this.#nowMs - fromMs) / intervalMs) + 2;
    const minutes =
      CANDLE_MINUTES.find((candidate) => countOf(intervalOf(candidate)) <= MOST_CANDLES) ?? 1440;
    const intervalMs = intervalOf(minutes);
    const candles = await this.#candles(symbol, intervalMs, countOf(intervalMs));
    const before = candles.filter(({ startMs }) => startMs + intervalMs <= fromMs);
    // Of the candle in which the trade opened only the close is sure to have come after the entry.
    const opening = candles
      .filter(({ startMs }) => startMs < fromMs && startMs + intervalMs > fromMs)
      .map(({ startMs, close }) => ({ timeMs: startMs + intervalMs - 1, price: close }));
    const later = candles
      .filter(({ startMs }) => startMs >= fromMs && startMs <= untilMs)
      .map(({ startMs, ...prices }) => ({ timeMs: startMs, ...prices }));
    return {
      path: [...opening, ...pathOfCandles(side, later, intervalMs, fromMs)],
      maxStepMs: 2 * intervalMs,
      closesBefore: minutes === 1 ? before.map(({ close }) => close) : [],
    };
  }

  #candles(symbol: string, intervalMs: number, count: number): Promise<readonly Candle[]> {
    // Rounded up, so that trades of about the same age share an answer.
    const rounded = Math.min(MOST_CANDLES, 2 ** Math.ceil(Math.log2(count)));
    const key = `${symbol} ${intervalMs} ${rounded}`;
    const asked = this.#asked.get(key) ?? this.#exchange.candles(symbol, intervalMs, rounded);
    this.#asked.set(key, asked);
    return asked;
  }
}
