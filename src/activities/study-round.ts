import { horizonMs, skippedHorizonMs, type Outcome, type Study } from '../domain/learning/study.ts';
import { validateStudy } from '../domain/learning/validate.ts';
import { ExchangeRefusal, ExchangeUnavailable, type Exchange } from '../exchange/port.ts';
import type { LearningStore } from '../../db/repositories/learning.ts';
import type { SignalStore } from '../../db/repositories/signals.ts';
import type { Logger } from '../logging.ts';
import { MarketPaths, pathDelayMs } from './market-paths.ts';
import { parseOutcome } from './outcome-schema.ts';
import type { Refuse } from './refusals.ts';
import { StudyMarket, type SizeRules } from './study-market.ts';

export interface RoundDependencies extends SizeRules {
  readonly exchange: Pick<Exchange, 'candles'>;
  readonly learning: LearningStore;
  readonly signals: Pick<SignalStore, 'predictions'>;
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
/** Of a position, the strongest: a scan may find the same opportunity every minute. */
const MOST_RIVALS = 5;

const NO_PREDICTION = 'no prediction to learn from: it was adopted, or opened with confidence 0';

/** A study, or every reason against it, or when it can be told, or why it can't be told now. */
type Judged =
  | { readonly study: Study }
  | { readonly reasons: readonly string[] }
  | { readonly ripeAtMs: number }
  | { readonly notNow: string };

export interface StudiedRound {
  readonly made: number;
  /** When the next one is ripe, or should be asked for again because the exchange can't say now; null without any. */
  readonly nextRipeAtMs: number | null;
}

/** Studies what is ripe among the oldest outcomes, or refuses it with a finding. */
export async function studyRipeOutcomes(dependencies: RoundDependencies): Promise<StudiedRound> {
  const { exchange, learning, signals, refuse, now, log } = dependencies;
  const startedMs = now();
  const market = new StudyMarket(new MarketPaths(exchange, startedMs), signals, dependencies);
  const knownVersions = await learning.knownVersions();
  let nextRipeAtMs: number | null = null;
  let studies = 0;
  let made = 0;
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
        ? await judgeOutcome({ ...dependencies, market, knownVersions }, positionId, parsed.outcome)
        : parsed;
    if ('notNow' in judged) {
      log.warn({ event: 'study-postponed', positionId }, `no market path now: ${judged.notNow}`);
      nextRipeAtMs = Math.min(nextRipeAtMs ?? Infinity, now() + ASK_AGAIN_MS);
    } else if ('ripeAtMs' in judged) {
      nextRipeAtMs = Math.min(nextRipeAtMs ?? Infinity, judged.ripeAtMs);
    } else if ('study' in judged) {
      if (await learning.addStudy(judged.study)) made += 1;
    } else {
      await refuse(positionId, judged.reasons);
      await learning.passOver(positionId);
    }
  }
  return { made, nextRipeAtMs };
}

/** Studies the newest signals that were skipped for want of confidence; they are charged as the newest trade was. */
export async function studySkippedSignals(dependencies: RoundDependencies, most: number): Promise<void> {
  const { exchange, learning, signals, refuse, timeScale, now } = dependencies;
  const nowMs = now();
  const untilMs = nowMs - skippedHorizonMs(timeScale) - pathDelayMs(timeScale);
  const donor = await learning.newestTrade();
  if (!donor) return;
  const market = new StudyMarket(new MarketPaths(exchange, nowMs), signals, dependencies);
  const knownVersions = await learning.knownVersions();
  const skipped = await learning.unstudiedSignals(nowMs - SKIPPED_REACH_MS / timeScale, untilMs, most);
  for (const signal of skipped) {
    const judged = await judge(knownVersions, () => market.studyOfSkipped(signal, donor, timeScale));
    if ('study' in judged) await learning.addStudy(judged.study);
    else if ('reasons' in judged) await refuse(signal.id, judged.reasons);
  }
}

/** When the candles of the way to the exit and of the horizon after it are complete. */
function ripeTime(outcome: Outcome): number {
  const { entryTimeMs, exitTimeMs, timeScale } = outcome;
  return exitTimeMs + horizonMs(exitTimeMs - entryTimeMs, timeScale) + pathDelayMs(timeScale);
}

interface Judging extends Pick<RoundDependencies, 'now'> {
  readonly learning: Pick<LearningStore, 'version' | 'rivalsOf'>;
  readonly market: StudyMarket;
  readonly knownVersions: readonly number[];
}

async function judgeOutcome(
  { learning, market, knownVersions, now }: Judging,
  positionId: string,
  outcome: Outcome,
): Promise<Judged> {
  const { confidence, thresholdsVersion } = outcome;
  if (outcome.positionId !== positionId)
    return { reasons: [`positionId is ${outcome.positionId}, the close is of ${positionId}`] };
  if (!knownVersions.includes(thresholdsVersion))
    return { reasons: [`thresholdsVersion ${thresholdsVersion} never existed`] };
  if (confidence === 0) return { reasons: [NO_PREDICTION] };
  const rivals = await learning.rivalsOf(positionId, MOST_RIVALS);
  const ripeAtMs = Math.max(...rivals.map(({ atMs, facts }) => skippedRipeTime(atMs, facts.timeScale)));
  if (ripeAtMs > now()) return { ripeAtMs };
  const { thresholds } = await learning.version(thresholdsVersion);
  return judge(knownVersions, () => market.studyOfTrade(outcome, thresholds, rivals));
}

function skippedRipeTime(atMs: number, timeScale: number): number {
  return atMs + skippedHorizonMs(timeScale) + pathDelayMs(timeScale);
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
