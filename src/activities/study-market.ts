import { VOLATILITY_CANDLES } from '../domain/entry.ts';
import { mostOfOneTrade } from '../domain/entry-size.ts';
import type { Prediction } from '../domain/exit-policy.ts';
import { studyOfOutcome } from '../domain/learning/study-of-outcome.ts';
import { studyOfRival, type RivalSignal } from '../domain/learning/study-of-rival.ts';
import { studyOfSkipped } from '../domain/learning/study-of-skipped.ts';
import {
  horizonMs,
  skippedHorizonMs,
  type Outcome,
  type StudiedSignal,
  type Study,
} from '../domain/learning/study.ts';
import { signalFaults } from '../domain/learning/validate.ts';
import type { Decimal } from '../domain/money.ts';
import type { Protections } from '../domain/protections.ts';
import type { RiskLimits } from '../domain/risk.ts';
import { logReturnDeviation, volatilityRatio } from '../domain/sizing.ts';
import type { Thresholds } from '../domain/thresholds.ts';
import { ExchangeRefusal } from '../exchange/port.ts';
import type { SkippedSignalRow } from '../../db/entities/learning.ts';
import type { SignalStore } from '../../db/repositories/signals.ts';
import type { MarketPath, MarketPaths, PathRequest } from './market-paths.ts';

/** How much of the account one trade may take. */
export interface SizeRules {
  readonly limits: Pick<RiskLimits, 'maxNotional'>;
  readonly protections: Pick<Protections, 'maxEquityShare'>;
}

/** What is known of the market around signals: its prices, and the predictions as they were used. */
export class StudyMarket {
  readonly #paths: MarketPaths;
  readonly #signals: Pick<SignalStore, 'predictions'>;
  readonly #rules: SizeRules;

  constructor(paths: MarketPaths, signals: Pick<SignalStore, 'predictions'>, rules: SizeRules) {
    this.#paths = paths;
    this.#signals = signals;
    this.#rules = rules;
  }

  /** Throws what the exchange throws, {@link RangeError} or big.js' error for figures that can't be divided. */
  async studyOfTrade(outcome: Outcome, pinned: Thresholds, rivals: readonly RivalSignal[]): Promise<Study> {
    const { symbol, side, entryTimeMs: fromMs, exitTimeMs, timeScale } = outcome;
    const untilMs = exitTimeMs + horizonMs(exitTimeMs - fromMs, timeScale);
    const market = await this.#around({ symbol, side, fromMs, untilMs, timeScale });
    const trustedRivals: StudiedSignal[] = [];
    for (const rival of rivals) {
      const studied = await this.#rival(rival);
      if (studied) trustedRivals.push(studied);
    }
    return studyOfOutcome(outcome, pinned, {
      ...market,
      rivals: trustedRivals,
      ...this.#cap(outcome.equityAtEntry),
    });
  }

  /** Charged and sized as `donor`, a trade, was. */
  async studyOfSkipped(signal: SkippedSignalRow, donor: Study, timeScale: number): Promise<Study> {
    const { id, symbol, confidence, asOf: atMs, thresholdsVersion, price } = signal;
    const side = signal.action === 'BUY' ? 'long' : 'short';
    const untilMs = atMs + skippedHorizonMs(timeScale);
    const market = await this.#around({ symbol, side, fromMs: atMs, untilMs, timeScale });
    const skipped = { id, symbol, side, confidence, atMs, thresholdsVersion, price, timeScale } as const;
    return studyOfSkipped({ ...skipped, ...market, volatilityRatio: ratioBefore(market) }, donor);
  }

  /** Null where its market can't be trusted: that speaks against the rival, not against the trade. */
  async #rival(rival: RivalSignal): Promise<StudiedSignal | null> {
    const { symbol, side, atMs, facts } = rival;
    const { timeScale } = facts;
    const untilMs = atMs + skippedHorizonMs(timeScale);
    try {
      const market = await this.#around({ symbol, side, fromMs: atMs, untilMs, timeScale });
      const studied = studyOfRival(rival, { ...market, ...this.#cap(facts.equity) });
      return signalFaults(studied).length === 0 ? studied : null;
    } catch (error) {
      if (error instanceof ExchangeRefusal) return null;
      throw error;
    }
  }

  async #around(request: PathRequest): Promise<MarketPath & { predictions: Prediction[] }> {
    const { symbol, fromMs, untilMs } = request;
    const path = await this.#paths.path(request);
    return { ...path, predictions: await this.#signals.predictions(symbol, fromMs, untilMs) };
  }

  #cap(equity: Decimal): { maxFraction?: number } {
    const { limits, protections } = this.#rules;
    const most = mostOfOneTrade(limits, protections, equity);
    return most === null ? {} : { maxFraction: Number(most) / Number(equity) };
  }
}

function ratioBefore({ closesBefore }: MarketPath): number | null {
  return volatilityRatio(logReturnDeviation(closesBefore.slice(-VOLATILITY_CANDLES)));
}
