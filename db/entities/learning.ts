import type { PredictionAction } from '../../src/domain/exit-policy.ts';
import type { LearningStep } from '../../src/domain/learning/step.ts';
import type { Outcome, Study } from '../../src/domain/learning/study.ts';
import type { PerThreshold } from '../../src/domain/learning/unit-range.ts';
import type { RefusedStudy } from '../../src/domain/learning/validate.ts';
import type { Decimal } from '../../src/domain/money.ts';
import type { Side } from '../../src/domain/position.ts';
import type { SignalFacts } from '../../src/domain/signal-facts.ts';
import type { Thresholds } from '../../src/domain/thresholds.ts';
import { entityOf, type Table } from '../table.ts';

/** A close that no rule of the policy decided (`compensation`) is recorded but teaches nothing. */
export type ClosedOutcome = Omit<Outcome, 'exitRule'> & { readonly exitRule: string };

/** What a closed trade teaches; one per position for ever. */
export interface TradeOutcomeRow {
  readonly positionId: string;
  readonly tradeId: string;
  readonly symbol: string;
  readonly side: Side;
  /** Quote currency, net of all fees. */
  readonly netPnl: Decimal;
  /** Gross price move in the position's favour, a fraction of the entry price. */
  readonly returnFraction: number;
  readonly exitRule: string;
  readonly closedAt: number;
  readonly thresholdsVersion: number;
  /** The whole outcome as it is handed to learning. */
  readonly outcome: ClosedOutcome;
  /** When learning took it; null before. */
  readonly learnedAt: number | null;
  /** Who handed it to learning first: a workflow's id, `signal-…` for anybody else; null before. */
  readonly handedOverBy: string | null;
}

/** One step of learning, adopted or refused, with everything needed to repeat it. */
export interface ThresholdVersionRow {
  readonly version: number;
  readonly thresholds: Thresholds;
  readonly parentVersion: number | null;
  /** Studied trades behind it. */
  readonly trades: number;
  readonly gradient: Readonly<Record<string, number>>;
  /** Expected log growth per signal, over all studies. */
  readonly objectiveBefore: number | null;
  readonly objectiveAfter: number | null;
  readonly seenBefore: number | null;
  readonly seenAfter: number | null;
  readonly unseenBefore: number | null;
  readonly unseenAfter: number | null;
  readonly seed: string;
  readonly accepted: boolean;
  readonly why: string;
  readonly active: boolean;
  readonly createdAt: number;
  /** Standard error of the gradient. */
  readonly gradientNoise: Readonly<Record<string, number>> | null;
  /** Handed to the next step. */
  readonly velocity: PerThreshold | null;
  /** Trades and skipped signals together. */
  readonly studies: number | null;
  /** Marks replayed. */
  readonly marks: number | null;
  /** Studies that were not trusted, with the reasons. */
  readonly refused: readonly RefusedStudy[] | null;
  /** When it last became the active one. */
  readonly activatedAt: number | null;
  /** All of the step, as it was computed; null for the starting values. */
  readonly step: LearningStep | null;
}

export interface StudyRow {
  /** Position id of a trade, id of a skipped signal otherwise. */
  readonly id: string;
  readonly isTrade: boolean;
  readonly thresholdsVersion: number;
  readonly study: Study;
  readonly createdAt: number;
}

export interface SkippedSignalRow {
  readonly id: string;
  readonly symbol: string;
  readonly action: PredictionAction;
  /** 0..1 */
  readonly confidence: number;
  readonly asOf: number;
  readonly reason: string;
  readonly detail: string | null;
  readonly thresholdsVersion: number;
  /** Quote at the signal; null when there was none. */
  readonly price: Decimal | null;
  /** What stood in the way: `hold`, `confidence`, `scan-limit`, `no-short-sale`, or a limit's or protection's name. */
  readonly limit: string | null;
  /** Of a signal that was worth taking; null where it was not. */
  readonly facts: SignalFacts | null;
}

/** What a provider said, as it was used; older than what it says of itself, it was not used any more. */
export interface PredictionRow {
  readonly id: string;
  readonly symbol: string;
  readonly asOf: number;
  readonly action: PredictionAction;
  /** 0..1 */
  readonly confidence: number;
  readonly ttlMs: number;
  readonly source: string;
}

export const tradeOutcomeTable: Table<TradeOutcomeRow> = {
  name: 'TradeOutcome',
  key: 'positionId',
  columns: {
    positionId: 'text',
    tradeId: 'text',
    symbol: 'text',
    side: 'text',
    netPnl: 'numeric',
    returnFraction: 'ratio',
    exitRule: 'text',
    closedAt: 'time',
    thresholdsVersion: 'integer',
    outcome: 'json',
    learnedAt: 'time?',
    handedOverBy: 'text?',
  },
};

export const thresholdVersionTable: Table<ThresholdVersionRow> = {
  name: 'ThresholdVersion',
  key: 'version',
  columns: {
    version: 'integer',
    thresholds: 'json',
    parentVersion: 'integer?',
    trades: 'integer',
    gradient: 'json',
    objectiveBefore: 'ratio?',
    objectiveAfter: 'ratio?',
    seenBefore: 'ratio?',
    seenAfter: 'ratio?',
    unseenBefore: 'ratio?',
    unseenAfter: 'ratio?',
    seed: 'text',
    accepted: 'boolean',
    why: 'text',
    active: 'boolean',
    createdAt: 'time',
    gradientNoise: 'json?',
    velocity: 'json?',
    studies: 'integer?',
    marks: 'count?',
    refused: 'json?',
    activatedAt: 'time?',
    step: 'json?',
  },
};

export const skippedSignalTable: Table<SkippedSignalRow> = {
  name: 'SkippedSignal',
  key: 'id',
  columns: {
    id: 'text',
    symbol: 'text',
    action: 'text',
    confidence: 'ratio',
    asOf: 'time',
    reason: 'text',
    detail: 'text?',
    thresholdsVersion: 'integer',
    price: 'numeric?',
    limit: 'text?',
    facts: 'json?',
  },
};

export const predictionTable: Table<PredictionRow> = {
  name: 'Prediction',
  key: 'id',
  columns: {
    id: 'text',
    symbol: 'text',
    asOf: 'time',
    action: 'text',
    confidence: 'ratio',
    ttlMs: 'integer',
    source: 'text',
  },
};

export const studyTable: Table<StudyRow> = {
  name: 'Study',
  key: 'id',
  columns: {
    id: 'text',
    isTrade: 'boolean',
    thresholdsVersion: 'integer',
    study: 'json',
    createdAt: 'time',
  },
};

export const TradeOutcome = entityOf(tradeOutcomeTable);
export const ThresholdVersion = entityOf(thresholdVersionTable);
export const SkippedSignal = entityOf(skippedSignalTable);
export const StudyEntity = entityOf(studyTable);
export const PredictionEntity = entityOf(predictionTable);
