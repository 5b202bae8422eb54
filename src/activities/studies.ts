import type { Decimal } from '../domain/money.ts';
import { pathOfCandles } from '../domain/learning/path.ts';
import { learningStep, NO_VELOCITY } from '../domain/learning/step.ts';
import { studyOfOutcome } from '../domain/learning/study-of-outcome.ts';
import { horizonMs } from '../domain/learning/study.ts';
import type { Thresholds } from '../domain/thresholds.ts';
import type { Exchange } from '../exchange/port.ts';
import type { LearningStore } from '../../db/repositories/learning.ts';
import type { HoldfastClient } from '../client.ts';
import type { Logger } from '../logging.ts';
import type { TradeOutcome } from './ledger.ts';

/** A step is tried each time this many more positions have been studied. */
const STUDIES_PER_STEP = 5;
const PATH_CANDLE_MS = 60_000;

export interface StudyActivityDependencies {
  readonly exchange: Pick<Exchange, 'candles'>;
  readonly learning: LearningStore;
  readonly client: Pick<HoldfastClient, 'recordOutcome'>;
  readonly now: () => number;
  readonly log: Logger;
}

export function createStudyActivities({ exchange, learning, client, now, log }: StudyActivityDependencies) {
  return {
    async handToLearning(outcome: TradeOutcome): Promise<void> {
      await client.recordOutcome(outcome);
    },

    /** Closed positions that never became a study: the whole history on the very first start. */
    async loadUnstudied(): Promise<TradeOutcome[]> {
      return [...(await learning.unstudied())];
    },

    async currentThresholds(): Promise<{ version: number; thresholds: Thresholds; studied: number }> {
      const { version, thresholds } = await learning.active();
      return { version, thresholds, studied: await learning.countStudies() };
    },

    /** Fetches the market path of a closed trade and keeps its study; a position is studied once. */
    async studyOutcome(outcome: TradeOutcome): Promise<{ isNew: boolean; studied: number }> {
      const pinned = await learning.version(outcome.thresholdsVersion);
      const intervalMs = PATH_CANDLE_MS / outcome.timeScale;
      const path = await marketPath(exchange, outcome, intervalMs, now());
      const study = studyOfOutcome(outcome, pinned.thresholds, { path, maxStepMs: 2 * intervalMs });
      const isNew = await learning.addStudy(study);
      const studied = await learning.countStudies();
      log.info(
        { tradeId: outcome.tradeId, positionId: outcome.positionId, event: 'studied', studied, isNew },
        `learning counts ${studied} closed positions`,
      );
      return { isNew, studied };
    },

    /** Publishes what the step earned, or records why not. Seeded by the study that triggered it. */
    async learningStep({ triggeredBy }: { triggeredBy: string }): Promise<{ summary: string }> {
      const studied = await learning.countStudies();
      if (studied % STUDIES_PER_STEP !== 0)
        return { summary: `next step after ${STUDIES_PER_STEP - (studied % STUDIES_PER_STEP)} more` };
      const active = await learning.active();
      const state = {
        version: active.version,
        thresholds: active.thresholds,
        velocity: active.velocity ?? NO_VELOCITY,
      };
      const step = learningStep(await learning.studies(), state, triggeredBy, {
        knownVersions: await learning.knownVersions(),
      });
      const { version } = await learning.publish(step);
      const summary = `version ${version} ${step.accepted ? 'accepted' : 'refused'}: ${step.why}`;
      log.info({ event: 'thresholds', version, accepted: step.accepted, trades: step.trades }, summary);
      return { summary };
    },
  };
}

async function marketPath(
  exchange: Pick<Exchange, 'candles'>,
  outcome: TradeOutcome,
  intervalMs: number,
  nowMs: number,
): Promise<{ timeMs: number; price: Decimal }[]> {
  const endMs = outcome.exitTimeMs + horizonMs(outcome.exitTimeMs - outcome.entryTimeMs, outcome.timeScale);
  const count = Math.ceil((nowMs - outcome.entryTimeMs) / intervalMs) + 2;
  const candles = await exchange.candles(outcome.symbol, intervalMs, count);
  const within = candles.filter(
    ({ startMs }) => startMs + intervalMs > outcome.entryTimeMs && startMs <= endMs,
  );
  const timed = within.map(({ startMs, ...prices }) => ({
    timeMs: Math.max(startMs, outcome.entryTimeMs),
    ...prices,
  }));
  return pathOfCandles(outcome.side, timed, intervalMs, outcome.entryTimeMs);
}
