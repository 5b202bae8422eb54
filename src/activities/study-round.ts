import { REFERENCE_VOLATILITY, VOLATILITY_CANDLES } from '../domain/entry.ts';
import { studyOfOutcome } from '../domain/learning/study-of-outcome.ts';
import { studyOfSkipped } from '../domain/learning/study-of-skipped.ts';
import { horizonMs, skippedHorizonMs, type Outcome, type Study } from '../domain/learning/study.ts';
import { validateStudy } from '../domain/learning/validate.ts';
import { logReturnDeviation } from '../domain/sizing.ts';
import { ExchangeRefusal, ExchangeUnavailable, type Exchange } from '../exchange/port.ts';
import type { SkippedSignalRow } from '../../db/entities/learning.ts';
import type { LearningStore } from '../../db/repositories/learning.ts';
import type { Logger } from '../logging.ts';
import { MarketPaths, pathDelayMs, type MarketPath } from './market-paths.ts';
import { parseOutcome } from './outcome-schema.ts';
import type { Refuse } from './refusals.ts';

export interface RoundDependencies {
  readonly exchange: Pick<Exchange, 'candles'>;
  readonly learning: LearningStore;
  readonly refuse: Refuse;
  readonly timeScale: number;
  readonly now: () => number;
  readonly log: Logger;
}

const OUTCOMES_READ = 500;
const STUDIES_PER_ROUND = 100;
/** Leaves the rest to the next round, well within the activity's own time-out. */
const ROUND_MS = 15_000;
/** When a market path that can't be had now is asked for again. */
const ASK_AGAIN_MS = 30_000;
/** Skipped signals further back than this would be replayed on coarse candles; policy time. */
const SKIPPED_REACH_MS = 6 * 3_600_000;

const NO_PREDICTION = 'no prediction to learn from: it was adopted, or opened with confidence 0';

/** A study, or every reason against it, or why that can't be told now. */
type Judged =
  { readonly study: Study } | { readonly reasons: readonly string[] } | { readonly notNow: string };

/**
 * Studies what is ripe among the oldest outcomes, or refuses it with a finding. Gives the time at which the next
 * one is ripe, or should be asked for again because the exchange can't say now.
 */
export async function studyRipeOutcomes(dependencies: RoundDependencies): Promise<number | null> {
  const { exchange, learning, refuse, now, log } = dependencies;
  const startedMs = now();
  const paths = new MarketPaths(exchange, startedMs);
  const knownVersions = await learning.knownVersions();
  let nextRipeAtMs: number | null = null;
  let studies = 0;
  for (const { positionId, outcome } of await learning.unstudied(OUTCOMES_READ)) {
    const parsed = parseOutcome(outcome);
    const ripeAtMs = 'outcome' in parsed ? ripeTime(parsed.outcome) : 0;
    if (ripeAtMs > now() || studies >= STUDIES_PER_ROUND || now() - startedMs > ROUND_MS) {
      nextRipeAtMs = Math.min(nextRipeAtMs ?? Infinity, ripeAtMs);
      continue;
    }
    studies += 1;
    const judged =
      'outcome' in parsed
        ? await judgeOutcome(learning, paths, positionId, parsed.outcome, knownVersions)
        : parsed;
    if ('notNow' in judged) {
      log.warn({ event: 'study-postponed', positionId }, `no market path now: ${judged.notNow}`);
      nextRipeAtMs = Math.min(nextRipeAtMs ?? Infinity, now() + ASK_AGAIN_MS);
    } else if ('study' in judged) await learning.addStudy(judged.study);
    else {
      await refuse(positionId, judged.reasons);
      await learning.passOver(positionId);
    }
  }
  return nextRipeAtMs;
}

/** Studies the newest signals that were skipped for want of confidence; they are charged as the newest trade was. */
export async function studySkippedSignals(dependencies: RoundDependencies, most: number): Promise<void> {
  const { exchange, learning, refuse, timeScale, now } = dependencies;
  const nowMs = now();
  const untilMs = nowMs - skippedHorizonMs(timeScale) - pathDelayMs(timeScale);
  const donor = await learning.newestTrade();
  if (!donor) return;
  const paths = new MarketPaths(exchange, nowMs);
  const knownVersions = await learning.knownVersions();
  const signals = await learning.unstudiedSignals(nowMs - SKIPPED_REACH_MS / timeScale, untilMs, most);
  for (const signal of signals) {
    const judged = await judgeSkipped(paths, signal, donor, timeScale, knownVersions);
    if ('study' in judged) await learning.addStudy(judged.study);
    else if ('reasons' in judged) await refuse(signal.id, judged.reasons);
  }
}

/** When the candles of the way to the exit and of the horizon after it are complete. */
function ripeTime(outcome: Outcome): number {
  const { entryTimeMs, exitTimeMs, timeScale } = outcome;
  return exitTimeMs + horizonMs(exitTimeMs - entryTimeMs, timeScale) + pathDelayMs(timeScale);
}

async function judgeOutcome(
  learning: Pick<LearningStore, 'version'>,
  paths: MarketPaths,
  positionId: string,
  outcome: Outcome,
  knownVersions: readonly number[],
): Promise<Judged> {
  const { symbol, side, confidence, entryTimeMs, exitTimeMs, timeScale, thresholdsVersion } = outcome;
  if (outcome.positionId !== positionId)
    return { reasons: [`positionId is ${outcome.positionId}, the close is of ${positionId}`] };
  if (!knownVersions.includes(thresholdsVersion))
    return { reasons: [`thresholdsVersion ${thresholdsVersion} never existed`] };
  if (confidence === 0) return { reasons: [NO_PREDICTION] };
  const untilMs = exitTimeMs + horizonMs(exitTimeMs - entryTimeMs, timeScale);
  const { thresholds } = await learning.version(thresholdsVersion);
  return judge(knownVersions, async () => {
    const path = await paths.path({ symbol, side, fromMs: entryTimeMs, untilMs, timeScale });
    return studyOfOutcome(outcome, thresholds, path);
  });
}

async function judgeSkipped(
  paths: MarketPaths,
  signal: SkippedSignalRow,
  donor: Study,
  timeScale: number,
  knownVersions: readonly number[],
): Promise<Judged> {
  const { id, symbol, confidence, asOf: atMs, thresholdsVersion, price } = signal;
  const side = signal.action === 'BUY' ? 'long' : 'short';
  const untilMs = atMs + skippedHorizonMs(timeScale);
  return judge(knownVersions, async () => {
    const market = await paths.path({ symbol, side, fromMs: atMs, untilMs, timeScale });
    const skipped = { id, symbol, side, confidence, atMs, thresholdsVersion, price, timeScale } as const;
    return studyOfSkipped({ ...skipped, ...market, volatilityRatio: ratioOf(market) }, donor);
  });
}

function ratioOf({ closesBefore }: MarketPath): number | null {
  const sigma = logReturnDeviation(closesBefore.slice(-VOLATILITY_CANDLES));
  return sigma > 0 ? sigma / REFERENCE_VOLATILITY : null;
}

/** A definite refusal of the exchange, or figures that can't be divided, speak against the study and nothing else. */
async function judge(knownVersions: readonly number[], make: () => Promise<Study>): Promise<Judged> {
  try {
    const study = await make();
    const reasons = validateStudy(study, knownVersions);
    return reasons.length === 0 ? { study } : { reasons };
  } catch (error) {
    if (error instanceof ExchangeRefusal) return { reasons: [`market path: ${error.message}`] };
    if (isArithmetic(error)) return { reasons: [`figures: ${error.message}`] };
    if (error instanceof ExchangeUnavailable) return { notNow: error.message };
    throw error;
  }
}

function isArithmetic(error: unknown): error is Error {
  return error instanceof RangeError || (error instanceof Error && error.message.startsWith('[big.js]'));
}
