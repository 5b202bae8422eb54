import {
  ActivityFailure,
  allHandlersFinished,
  condition,
  continueAsNew,
  defineQuery,
  defineSignal,
  isCancellation,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  uuid4,
  workflowInfo,
} from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import type { PublishedThresholds, StudyRound } from '../activities/studies.ts';

export interface LearningProgress {
  /** Distinct closed positions that became studies. */
  readonly studied: number;
  /** Outcomes received or recorded that are no study yet. */
  readonly waiting: number;
  /** Signals refused with a finding. */
  readonly refused: number;
  readonly version: number;
  readonly lastStep: string | null;
}

export interface LearningInput {
  /** Signals taken over by continue-as-new, and what the last run said of its last step. */
  readonly inbox?: readonly unknown[];
  readonly senders?: readonly string[];
  readonly refused?: number;
  readonly lastStep?: string | null;
}

/** Sent with a `TradeOutcome` and the workflow that closed the position; whatever else comes is refused with a finding. */
export const recordOutcomeSignal = defineSignal<[outcome: unknown, by?: unknown]>('recordOutcome');
/** Somebody made another version the active one. */
export const thresholdsChangedSignal = defineSignal('thresholdsChanged');
export const thresholdsQuery = defineQuery<PublishedThresholds | null>('thresholds');
export const progressQuery = defineQuery<LearningProgress>('progress');

const learn = proxyActivities<Pick<Activities, 'publishedThresholds' | 'receiveOutcomes' | 'studyRipe'>>({
  startToCloseTimeout: 60_000,
  retry: { initialInterval: 500, maximumInterval: 15_000 },
});
/** Heavy: heartbeats tell within seconds that its worker is gone. */
const compute = proxyActivities<Pick<Activities, 'learningStep'>>({
  startToCloseTimeout: 600_000,
  heartbeatTimeout: 10_000,
  retry: { initialInterval: 500, maximumInterval: 15_000 },
});

const RECEIVED_AT_ONCE = 100;
/** An outcome is less than 1 kB; more than this is none, and would only burden the history. */
const LONGEST_SIGNAL = 4_000;
const LONGEST_SENDER = 200;
/** The ledger is asked even if no signal comes: a trade may have ended before it could hand its outcome over. */
const LOOK_EVERY_MS = 3_600_000;

/**
 * One workflow for ever: studies each closed position of the ledger once, when its horizon is over, and publishes
 * the versions that steps earn. The ledger and its unique keys are the truth; signals wake it and are checked.
 */
export async function learning(input: LearningInput): Promise<void> {
  const inbox: unknown[] = [...(input.inbox ?? [])];
  const senders = inbox.map((_, index) => senderOf(input.senders?.[index]));
  let hasChanged = false;
  let published: PublishedThresholds | null = null;
  let round: StudyRound = { studied: 0, waiting: 0, nextRipeAtMs: null, stepAt: null };
  let refused = input.refused ?? 0;
  let failedAt: number | null = null;
  let lastStep = input.lastStep ?? null;
  setHandler(recordOutcomeSignal, (outcome, by) => {
    inbox.push(bounded(outcome));
    senders.push(senderOf(by));
  });
  setHandler(thresholdsChangedSignal, () => {
    hasChanged = true;
  });
  setHandler(thresholdsQuery, () => published);
  setHandler(progressQuery, () => ({
    studied: round.studied,
    waiting: Math.max(round.waiting, inbox.length),
    refused,
    version: published?.version ?? 1,
    lastStep,
  }));

  published = await learn.publishedThresholds();
  for (;;) {
    while (inbox.length > 0) {
      const [outcomes, from] = [inbox.splice(0, RECEIVED_AT_ONCE), senders.splice(0, RECEIVED_AT_ONCE)];
      refused += (await learn.receiveOutcomes(outcomes, from)).refused;
    }
    round = await learn.studyRipe();
    if (round.stepAt !== null && round.stepAt !== failedAt) {
      const { summary, isMade } = await step(round.stepAt);
      lastStep = summary;
      failedAt = isMade ? null : round.stepAt;
      hasChanged = true;
    }
    if (hasChanged) {
      hasChanged = false;
      published = await learn.publishedThresholds();
    }
    setCurrentDetails(
      `**Studied:** ${round.studied} closed positions, ${round.waiting} wait\n\n**Thresholds version:** ${published.version}\n\n${lastStep ?? ''}`,
    );
    if (workflowInfo().continueAsNewSuggested) {
      await condition(allHandlersFinished);
      return continueAsNew<typeof learning>({ inbox, senders, refused, lastStep });
    }
    const restMs = Math.min((round.nextRipeAtMs ?? Infinity) - Date.now(), LOOK_EVERY_MS);
    if (restMs > 0) await condition(() => inbox.length > 0 || hasChanged, restMs);
  }
}

/** A step that can't be computed is left out: the next study calls for the next one. */
async function step(atStudies: number): Promise<{ summary: string; isMade: boolean }> {
  try {
    return { ...(await compute.learningStep({ atStudies })), isMade: true };
  } catch (error) {
    if (isCancellation(error) || !(error instanceof ActivityFailure)) throw error;
    return { summary: `failed: ${error.cause?.message ?? error.message}`, isMade: false };
  }
}

/** Whoever doesn't say who it is, is somebody else each time. */
function senderOf(by: unknown): string {
  return typeof by === 'string' && by !== '' ? by.slice(0, LONGEST_SENDER) : `signal-${uuid4()}`;
}

/** What is too long to be an outcome is remembered by the position it claims, to be refused. */
function bounded(signalled: unknown): unknown {
  if (lengthOf(signalled) <= LONGEST_SIGNAL) return signalled ?? null;
  const claimed = (signalled as { positionId?: unknown } | null)?.positionId;
  return { positionId: typeof claimed === 'string' ? claimed.slice(0, 200) : null, isTooLong: true };
}

function lengthOf(value: unknown): number {
  try {
    return ((JSON.stringify(value) as string | undefined) ?? '').length;
  } catch {
    // Nested deeper than JSON can be written.
    return Infinity;
  }
}
