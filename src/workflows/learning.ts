import {
  allHandlersFinished,
  condition,
  continueAsNew,
  defineQuery,
  defineSignal,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import type { TradeOutcome } from '../activities/ledger.ts';
import { horizonMs } from '../domain/learning/study.ts';
import type { Thresholds } from '../domain/thresholds.ts';

export interface LearningProgress {
  /** Distinct closed positions that became studies. */
  readonly studied: number;
  /** Outcomes received whose market path is not known yet. */
  readonly waiting: number;
  readonly version: number;
  readonly lastStep: string | null;
}

export interface LearningInput {
  /** Outcomes taken over by continue-as-new. */
  readonly waiting?: readonly TradeOutcome[];
  readonly historyLoaded?: boolean;
}

export const recordOutcomeSignal = defineSignal<[TradeOutcome]>('recordOutcome');
export const thresholdsQuery = defineQuery<{ version: number; thresholds: Thresholds } | null>('thresholds');
export const progressQuery = defineQuery<LearningProgress>('progress');

const learn = proxyActivities<
  Pick<Activities, 'loadUnstudied' | 'studyOutcome' | 'learningStep' | 'currentThresholds'>
>({
  startToCloseTimeout: 60_000,
  retry: { initialInterval: 500, maximumInterval: 15_000 },
});

/**
 * One workflow for ever: takes outcomes, waits out the horizon, studies each position once and
 * publishes the versions that a step earns. The database's unique keys make it idempotent; this
 * history is only the to-do list.
 */
export async function learning(input: LearningInput): Promise<void> {
  const waiting: TradeOutcome[] = [...(input.waiting ?? [])];
  let current = await learn.currentThresholds();
  let studied = current.studied;
  let lastStep: string | null = null;
  setHandler(recordOutcomeSignal, (outcome) => {
    if (!waiting.some((known) => known.positionId === outcome.positionId)) waiting.push(outcome);
  });
  setHandler(thresholdsQuery, () => ({ version: current.version, thresholds: current.thresholds }));
  setHandler(progressQuery, () => ({ studied, waiting: waiting.length, version: current.version, lastStep }));

  if (!input.historyLoaded) waiting.push(...(await learn.loadUnstudied()));

  for (;;) {
    const next = earliest(waiting);
    if (!next) {
      await condition(() => waiting.length > 0 || workflowInfo().continueAsNewSuggested);
    } else if (Date.now() < next.horizonEndsMs) {
      const known = waiting.length;
      await condition(() => waiting.length !== known, next.horizonEndsMs - Date.now());
    } else {
      waiting.splice(waiting.indexOf(next.outcome), 1);
      const study = await learn.studyOutcome(next.outcome);
      studied = study.studied;
      if (study.isNew) {
        const step = await learn.learningStep({ triggeredBy: next.outcome.positionId });
        lastStep = step.summary;
        current = await learn.currentThresholds();
      }
      setCurrentDetails(
        `**Studied:** ${studied} closed positions\n\n**Thresholds version:** ${current.version}\n\n${lastStep ?? ''}`,
      );
    }
    if (workflowInfo().continueAsNewSuggested) {
      await condition(allHandlersFinished);
      return continueAsNew<typeof learning>({ waiting, historyLoaded: true });
    }
  }
}

/** The outcome whose market path is known first. */
function earliest(waiting: readonly TradeOutcome[]): { outcome: TradeOutcome; horizonEndsMs: number } | null {
  return waiting.reduce<{ outcome: TradeOutcome; horizonEndsMs: number } | null>((first, outcome) => {
    const horizonEndsMs =
      outcome.exitTimeMs + horizonMs(outcome.exitTimeMs - outcome.entryTimeMs, outcome.timeScale);
    return first && first.horizonEndsMs <= horizonEndsMs ? first : { outcome, horizonEndsMs };
  }, null);
}
