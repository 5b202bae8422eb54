import { z } from 'zod';
import type { Prediction } from '../domain/exit-policy.ts';
import type { Candle, Exchange } from '../exchange/port.ts';
import type { Logger } from '../logging.ts';
import { MOMENTUM_CANDLES, predictMomentum } from './momentum.ts';

/** Says what the market of a symbol will do; null when it has nothing to say. Never throws. */
export interface PredictionProvider {
  predict(symbol: string, candles: readonly Candle[], asOfMs: number): Promise<Prediction | null>;
}

export interface PredictionServiceOptions {
  readonly exchange: Pick<Exchange, 'candles'>;
  readonly provider: PredictionProvider;
  /** One prediction per symbol and interval, however many positions ask. */
  readonly intervalMs: number;
  /** Learning asks later what was known; trading does not wait for it. */
  readonly keep: (symbol: string, prediction: Prediction) => Promise<void>;
  readonly now: () => number;
  readonly log: Logger;
}

/** Shares one fetch per symbol and interval between all who ask. A dead provider means no prediction. */
export class PredictionService {
  readonly #options: PredictionServiceOptions;
  readonly #latest = new Map<
    string,
    { readonly intervalStartMs: number; readonly prediction: Promise<Prediction | null> }
  >();

  constructor(options: PredictionServiceOptions) {
    this.#options = options;
  }

  get intervalMs(): number {
    return this.#options.intervalMs;
  }

  latest(symbol: string): Promise<Prediction | null> {
    const { intervalMs, now } = this.#options;
    const intervalStartMs = Math.floor(now() / intervalMs) * intervalMs;
    const known = this.#latest.get(symbol);
    if (known?.intervalStartMs === intervalStartMs) return known.prediction;
    const prediction = this.#fetch(symbol);
    this.#latest.set(symbol, { intervalStartMs, prediction });
    return prediction;
  }

  async #fetch(symbol: string): Promise<Prediction | null> {
    const { exchange, provider, intervalMs, now, log } = this.#options;
    try {
      const candles = await exchange.candles(symbol, intervalMs, MOMENTUM_CANDLES);
      const prediction = await provider.predict(symbol, candles, now());
      if (prediction) void this.#keep(symbol, prediction);
      return prediction;
    } catch (err) {
      log.warn({ event: 'prediction-failed', symbol, err }, 'no prediction');
      return null;
    }
  }

  async #keep(symbol: string, prediction: Prediction): Promise<void> {
    const { keep, log } = this.#options;
    try {
      await keep(symbol, prediction);
    } catch (err) {
      log.warn({ event: 'prediction-not-kept', symbol, err }, 'a prediction was not kept for learning');
    }
  }
}

export function momentumProvider(ttlMs: number): PredictionProvider {
  return { predict: async (_symbol, candles, asOfMs) => predictMomentum(candles, asOfMs, ttlMs) };
}

export const noPredictions: PredictionProvider = { predict: async () => null };

const replySchema = z.object({
  action: z.enum(['BUY', 'SELL', 'HOLD']),
  confidence: z.number().min(0).max(1),
  asOfMs: z.number().int().optional(),
  ttlMs: z.number().positive().optional(),
});

export interface HttpProviderOptions {
  readonly url: string;
  readonly ttlMs: number;
  readonly timeoutMs: number;
  readonly log: Logger;
}

/**
 * `POST {symbol, asOfMs, candles}` → `{action, confidence, ttlMs?}`. Slow, broken, old or out-of-range answers
 * count as none; a time to live longer than ours is cut to ours.
 */
export function httpProvider({ url, ttlMs, timeoutMs, log }: HttpProviderOptions): PredictionProvider {
  return {
    async predict(symbol, candles, asOfMs) {
      try {
        const response = await fetch(url, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ symbol, asOfMs, candles }),
          signal: AbortSignal.timeout(timeoutMs),
        });
        if (!response.ok) throw new Error(`HTTP status ${response.status}`);
        const reply = replySchema.parse(await response.json());
        const prediction: Prediction = {
          action: reply.action,
          confidence: reply.confidence,
          asOfMs: Math.min(asOfMs, reply.asOfMs ?? asOfMs),
          ttlMs: Math.min(ttlMs, reply.ttlMs ?? ttlMs),
          source: 'http',
        };
        const ageMs = asOfMs - prediction.asOfMs;
        if (ageMs >= prediction.ttlMs)
          throw new Error(`asOfMs is ${ageMs} ms ago, less than ${prediction.ttlMs} ms is allowed`);
        return prediction;
      } catch (err) {
        log.warn(
          { event: 'prediction-failed', symbol, err },
          'the prediction provider gave no usable answer',
        );
        return null;
      }
    },
  };
}
