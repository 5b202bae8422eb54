import type { Prediction } from '../../../src/domain/exit-policy.ts';
import type { Study, StudiedSignal } from '../../../src/domain/learning/study.ts';
import { tradeSignal } from '../../support/trading-simulation.ts';
import { STARTING_THRESHOLDS, type Thresholds } from '../../../src/domain/thresholds.ts';

export const START_MS = 1_600_000_000_000;
export const MINUTE_MS = 60_000;

/** A signal whose price at each minute after the entry at 100 has the given returns; the last one stays. */
export function signalAlong(
  index: number,
  returns: readonly number[],
  overrides: Partial<StudiedSignal> = {},
): StudiedSignal {
  const entryTimeMs = START_MS + index * 24 * 60 * MINUTE_MS;
  const side = overrides.side ?? 'long';
  const sign = side === 'long' ? 1 : -1;
  return {
    id: `study-${index}`,
    symbol: 'BTC/USD',
    side,
    confidence: 0.8,
    entryPrice: '100',
    entryTimeMs,
    entryFeeRate: 0.001,
    exitFeeRate: 0.001,
    volatilityRatio: 1,
    baseFraction: 0.1,
    maxFraction: null,
    timeScale: 1,
    path: Array.from({ length: 241 }, (_, minute) => ({
      timeMs: entryTimeMs + minute * MINUTE_MS,
      price: (100 * (1 + sign * (minute === 0 ? 0 : (returns[minute - 1] ?? returns.at(-1) ?? 0)))).toFixed(
        4,
      ),
    })),
    maxStepMs: MINUTE_MS,
    predictions: [],
    ...overrides,
  };
}

/** The study of a signal whose whole path is known, traded under the given thresholds. */
export function studyOf(signal: StudiedSignal, thresholds: Thresholds = STARTING_THRESHOLDS): Study {
  return { ...tradeSignal(signal, thresholds, 1), path: signal.path };
}

export function predictionAt(
  minute: number,
  index: number,
  action: Prediction['action'],
  confidence: number,
  minutes = 3,
): Prediction {
  const asOfMs = START_MS + index * 24 * 60 * MINUTE_MS + minute * MINUTE_MS;
  return { action, confidence, asOfMs, ttlMs: minutes * MINUTE_MS, source: 'test' };
}

/** Evenly from `from` to `to` in `steps` steps, `from` left out. */
export function ramp(from: number, to: number, steps: number): number[] {
  return Array.from({ length: steps }, (_, step) => from + ((to - from) * (step + 1)) / steps);
}
