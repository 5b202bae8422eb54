import { isExitRule, matchingRule, type ExitRule, type Policy, type Prediction } from '../exit-policy.ts';
import { moveFraction, type Side } from '../position.ts';
import { mayRotate } from '../rotation.ts';
import { volatilityScale } from '../sizing.ts';
import type { Thresholds } from '../thresholds.ts';
import type { StudiedSignal, Study } from './study.ts';

/** How a replayed position ended: a rule of the policy, or still open when the path ended. */
export type ReplayEnd = ExitRule | 'horizon';

/** What thresholds would have made of a signal. */
export interface Replayed {
  /** False below entryConfidence: no position, growth 0. */
  readonly taken: boolean;
  readonly end: ReplayEnd | null;
  readonly exitTimeMs: number;
  readonly heldMs: number;
  /** Net of both fees, a fraction of the entry notional. */
  readonly netReturn: number;
  /** Share of equity used. */
  readonly fraction: number;
  /** log(1 + f·u), with that of the rivals which found free capital. */
  readonly logGrowth: number;
  /** Marks walked. */
  readonly marks: number;
}

/** A study with everything that does not depend on thresholds worked out, once for many replays. */
export interface PreparedStudy {
  readonly id: string;
  readonly side: Side;
  readonly confidence: number;
  readonly openedAtMs: number;
  readonly volatilityRatio: number;
  readonly roundTripFee: number;
  readonly entryFeeRate: number;
  readonly exitFeeRate: number;
  readonly baseFraction: number;
  readonly maxFraction: number;
  readonly timeScale: number;
  readonly timesMs: Float64Array;
  readonly returns: Float64Array;
  /** Best return up to each mark, never below 0: the best price starts at the entry's. */
  readonly bestReturns: Float64Array;
  /** The latest prediction known at each mark; null where none was. */
  readonly predictions: readonly (Prediction | null)[];
  /** In order of arrival. */
  readonly rivals: readonly PreparedStudy[];
}

/** A fall to nothing has no logarithm; equity is never counted below this share of itself. */
const LEAST_EQUITY = 1e-6;

export function prepareStudy(study: StudiedSignal | Study): PreparedStudy {
  const marks = study.path.filter((point) => point.timeMs >= study.entryTimeMs);
  const entry = Number(study.entryPrice);
  const returns = Float64Array.from(marks, (mark) => moveFraction(study.side, entry, Number(mark.price)));
  let best = 0;
  let known = -1;
  const timesMs = Float64Array.from(marks, (mark) => mark.timeMs);
  const rivals = 'rivals' in study ? study.rivals.map(prepareStudy) : [];
  return {
    id: study.id,
    side: study.side,
    confidence: study.confidence,
    openedAtMs: study.entryTimeMs,
    volatilityRatio: study.volatilityRatio,
    roundTripFee: study.entryFeeRate + study.exitFeeRate,
    entryFeeRate: study.entryFeeRate,
    exitFeeRate: study.exitFeeRate,
    baseFraction: study.baseFraction,
    maxFraction: study.maxFraction ?? Infinity,
    timeScale: study.timeScale,
    timesMs,
    returns,
    bestReturns: returns.map((value) => (best = Math.max(best, value))),
    predictions: Array.from(timesMs, (timeMs) => {
      while ((study.predictions[known + 1]?.asOfMs ?? Infinity) <= timeMs) known += 1;
      return study.predictions[known] ?? null;
    }),
    rivals: rivals.sort((left, right) => left.openedAtMs - right.openedAtMs),
  };
}

/** Walks the market path of a study under any thresholds, by the rules that trade live. Pure. */
export function replay(study: PreparedStudy, thresholds: Thresholds): Replayed {
  if (study.confidence < thresholds.entryConfidence) return skipped(study, thresholds);
  const scale = volatilityScale(study.volatilityRatio, thresholds.volatilityAdjustmentFactor);
  const policy: Policy = { version: 0, thresholds, timeScale: study.timeScale };
  const rotation = rotatesTo(study, policy);
  const { end, at } = walk(study, policy, scale, rotation?.openedAtMs ?? Infinity);
  const exitTimeMs = study.timesMs[at] ?? study.openedAtMs;
  const netReturn = netOfFees(study, study.returns[at] ?? 0);
  const fraction = Math.min(
    study.maxFraction,
    (study.baseFraction * thresholds.positionSizeMultiplier * study.confidence) / scale,
  );
  const successor = end === 'rotation' ? rotation : firstRivalFrom(study, exitTimeMs, thresholds);
  const next = successor ? replay(successor, thresholds) : null;
  return {
    taken: true,
    end,
    exitTimeMs,
    heldMs: exitTimeMs - study.openedAtMs,
    netReturn,
    fraction,
    logGrowth: Math.log(Math.max(LEAST_EQUITY, 1 + fraction * netReturn)) + (next?.logGrowth ?? 0),
    marks: at + 1 + (next?.marks ?? 0),
  };
}

function skipped(study: PreparedStudy, thresholds: Thresholds): Replayed {
  const rival = firstRivalFrom(study, study.openedAtMs, thresholds);
  const next = rival ? replay(rival, thresholds) : null;
  return {
    taken: false,
    end: null,
    exitTimeMs: study.openedAtMs,
    heldMs: 0,
    netReturn: 0,
    fraction: 0,
    logGrowth: next?.logGrowth ?? 0,
    marks: next?.marks ?? 0,
  };
}

/** The first mark at which a rule exits or the position gives way; the last one where neither happens. */
function walk(
  study: PreparedStudy,
  policy: Policy,
  scale: number,
  rotatesAtMs: number,
): { end: ReplayEnd; at: number } {
  const { timesMs, returns, bestReturns, predictions } = study;
  const position = {
    side: study.side,
    openedAtMs: study.openedAtMs,
    volatilityScale: scale,
    roundTripFee: study.roundTripFee,
  };
  for (let at = 0; at < returns.length; at += 1) {
    const nowMs = timesMs[at] ?? 0;
    const prediction = predictions[at] ?? null;
    const rule = matchingRule(position, returns[at] ?? 0, bestReturns[at] ?? 0, prediction, policy, nowMs);
    if (isExitRule(rule)) return { end: rule, at };
    if (nowMs >= rotatesAtMs) return { end: 'rotation', at };
  }
  return { end: 'horizon', at: returns.length - 1 };
}

function netOfFees(study: PreparedStudy, exitReturn: number): number {
  const exitNotional = study.side === 'long' ? 1 + exitReturn : 1 - exitReturn;
  return exitReturn - study.entryFeeRate - study.exitFeeRate * exitNotional;
}

function rotatesTo(study: PreparedStudy, policy: Policy): PreparedStudy | null {
  const better = study.rivals.find(
    (rival) =>
      rival.confidence >= policy.thresholds.entryConfidence &&
      mayRotate(study, rival.confidence, policy, rival.openedAtMs),
  );
  return better ?? null;
}

/** Freed capital is one position's: the first rival that may be taken uses it up. */
function firstRivalFrom(
  study: PreparedStudy,
  freeFromMs: number,
  thresholds: Thresholds,
): PreparedStudy | null {
  const rival = study.rivals.find(
    ({ openedAtMs, confidence }) => openedAtMs >= freeFromMs && confidence >= thresholds.entryConfidence,
  );
  return rival ?? null;
}
