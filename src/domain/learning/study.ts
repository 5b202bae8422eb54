import type { ExitRule, Prediction } from '../exit-policy.ts';
import type { Decimal } from '../money.ts';
import type { Side } from '../position.ts';

/** What a closed trade hands to learning, exactly once by `positionId`. Amounts in quote currency. */
export interface Outcome {
  readonly positionId: string;
  readonly tradeId: string;
  readonly symbol: string;
  readonly side: Side;
  /** The version the trade pinned at entry. */
  readonly thresholdsVersion: number;
  /** Of the entry signal, 0..1. */
  readonly confidence: number;
  /** `s` at entry, 0.5..2. */
  readonly volatilityScale: number;
  readonly quantity: Decimal;
  readonly entryPrice: Decimal;
  readonly exitPrice: Decimal;
  readonly entryTimeMs: number;
  readonly exitTimeMs: number;
  readonly entryFee: Decimal;
  readonly exitFee: Decimal;
  /** Net of both fees. */
  readonly netPnl: Decimal;
  /** Gross price move in our favour, fraction of the entry price. */
  readonly returnFraction: number;
  readonly exitRule: ExitRule;
  readonly equityAtEntry: Decimal;
  readonly timeScale: number;
}

/** A price on the market path: bid for a long, ask for a short; a trade price where no quotes are kept. */
export interface PathPoint {
  readonly timeMs: number;
  readonly price: Decimal;
}

/** A signal with all that replay needs to tell what any thresholds would have made of it. */
export interface StudiedSignal {
  /** Position id of a trade, id of a skipped signal otherwise. */
  readonly id: string;
  readonly symbol: string;
  readonly side: Side;
  /** 0..1 */
  readonly confidence: number;
  /** Average fill price; the quote at the signal where nothing was bought. */
  readonly entryPrice: Decimal;
  readonly entryTimeMs: number;
  /** Fee of a leg as a fraction of that leg's notional. */
  readonly entryFeeRate: number;
  readonly exitFeeRate: number;
  /** σ/σref at entry: what `s` is made of under any volatilityAdjustmentFactor. */
  readonly volatilityRatio: number;
  /** Share of equity that multiplier 1, confidence 1 and s = 1 would use. */
  readonly baseFraction: number;
  /** The largest share of equity that the risk limits allowed; null where none bit. */
  readonly maxFraction: number | null;
  readonly timeScale: number;
  /** From entry to exit and over the horizon, in time order. */
  readonly path: readonly PathPoint[];
  /** The largest step in time between two points that is no gap. */
  readonly maxStepMs: number;
  /** For the symbol, in order of `asOfMs`; empty where they were not kept. */
  readonly predictions: readonly Prediction[];
}

/**
 * What learning makes of a closed trade or a skipped signal once its market path is known.
 *
 * `rivals` are the signals that came while the position was open and found no free capital. Only they make
 * capitalRotationUrgency matter: a rival is taken if the replayed position is closed by then or gives way.
 * One that got the capital is a trade with a study of its own, which a step leaves out lest it count twice.
 */
export interface Study extends StudiedSignal {
  readonly thresholdsVersion: number;
  /** Null for a skipped signal. */
  readonly outcome: Outcome | null;
  readonly rivals: readonly StudiedSignal[];
}

const LEAST_HORIZON_MS = 10 * 60_000;
const SKIPPED_HORIZON_MS = 60 * 60_000;

/** How long after an exit the market is watched: as long as the trade was held, at least 10 policy minutes. */
export function horizonMs(heldMs: number, timeScale: number): number {
  return Math.max(heldMs, LEAST_HORIZON_MS / timeScale);
}

/** How long after a skipped signal the market is watched: the longest minimum hold, 60 policy minutes. */
export function skippedHorizonMs(timeScale: number): number {
  return SKIPPED_HORIZON_MS / timeScale;
}
