import type { EntryRules } from '../domain/entry.ts';
import type { Decimal } from '../domain/money.ts';
import type { Side } from '../domain/position.ts';
import { NO_PROTECTIONS, type Protections } from '../domain/protections.ts';
import type { RiskLimits } from '../domain/risk.ts';
import { STARTING_THRESHOLDS, type Thresholds } from '../domain/thresholds.ts';
import type { EquityPoint } from './result.ts';

/** An entry that was decided elsewhere: by the live stack, by another model. */
export interface GivenSignal {
  readonly symbol: string;
  readonly timeMs: number;
  readonly side: Side;
  /** Quote currency. */
  readonly notional: Decimal;
  readonly confidence: number;
}

export interface BacktestSettings {
  readonly balance: Decimal;
  readonly thresholds: Thresholds;
  readonly limits: RiskLimits;
  readonly protections: Protections;
  readonly rules: EntryRules;
  /** Of the book around the best prices and of learning. */
  readonly seed: number;
  readonly learn: boolean;
  /** No entry before, nothing at all from `toMs` on; rows before `fromMs` only serve predictions. */
  readonly fromMs: number;
  readonly toMs: number;
  /** Interval of predictions on trades; candles have their own. */
  readonly intervalMs: number;
  /** Between the decision to enter and the order: trades only. */
  readonly entryDelayMs: number;
  /** The same where it is known to have been another, by the moment of the decision. */
  readonly entryDelays: ReadonlyMap<number, number>;
  /** Entered instead of what the scan would enter, oldest first; null: the scan decides. Candles enter at an open. */
  readonly signals: readonly GivenSignal[] | null;
  /** Whether open positions hear predictions; off, only prices and time decide exits. */
  readonly predicts: boolean;
  /** Sees the account at every entry, exit and sample; for tests. */
  readonly observe?: (point: EquityPoint) => void;
}

/** The live stack's own defaults. */
export const DEFAULT_SETTINGS: BacktestSettings = {
  balance: '10000',
  thresholds: STARTING_THRESHOLDS,
  limits: {
    maxOpenPositions: 50,
    maxPositionsPerSymbol: 10,
    maxNotional: '5000',
    maxExposure: null,
    maxDailyLoss: null,
    maxDrawdown: null,
  },
  protections: NO_PROTECTIONS,
  rules: { maxPerSymbol: 4, baseNotional: '500' },
  seed: 1,
  learn: false,
  fromMs: -Infinity,
  toMs: Infinity,
  intervalMs: 60_000,
  entryDelayMs: 0,
  entryDelays: new Map(),
  signals: null,
  predicts: true,
};
