import { isDeepStrictEqual } from 'node:util';
import { Context } from '@temporalio/activity';
import { LEAST_TRADES, NO_VELOCITY } from '../domain/learning/step.ts';
import type { Thresholds } from '../domain/thresholds.ts';
import type { Exchange } from '../exchange/port.ts';
import type { FindingStore } from '../../db/repositories/findings.ts';
import type { LearningStore } from '../../db/repositories/learning.ts';
import type { SignalStore } from '../../db/repositories/signals.ts';
import type { StepRunner } from '../../db/step-process/run.ts';
import type { HoldfastClient } from '../client.ts';
import type { Logger } from '../logging.ts';
import { InvalidRequest } from './failures.ts';
import type { TradeOutcome } from './ledger.ts';
import { parseOutcome } from './outcome-schema.ts';
import { createRefusals, subjectOf } from './refusals.ts';
import { studyRipeOutcomes, studySkippedSignals } from './study-round.ts';
import { provenance, type Provenance } from './provenance.ts';
import type { SizeRules } from './study-market.ts';

/** A step is tried each time this many more positions have been studied. */
const STUDIES_PER_STEP = 5;
const VERSIONS_TOLD = 50;
const HEARTBEAT_MS = 2_000;

export interface StudyActivityDependencies extends SizeRules {
  readonly exchange: Pick<Exchange, 'candles'>;
  readonly learning: LearningStore;
  readonly findings: Pick<FindingStore, 'raise' | 'settle'>;
  readonly signals: Pick<SignalStore, 'predictions'>;
  readonly runStep: StepRunner;
  readonly client: Pick<HoldfastClient, 'recordOutcome'>;
  /** Policy minutes per minute, for signals that were skipped. */
  readonly timeScale: number;
  readonly now: () => number;
  readonly log: Logger;
}

/** The version that new trades pin, and how the newest ones came about. */
export interface PublishedThresholds {
  readonly version: number;
  readonly thresholds: Thresholds;
  /** Newest first. */
  readonly versions: readonly Provenance[];
}

export interface StudyRound {
  /** Closed positions that are studies, ever. */
  readonly studied: number;
  /** Outcomes that learning has yet to deal with. */
  readonly waiting: number;
  /** When the next of them has its market path complete; in the past while more are ripe; null without any. */
  readonly nextRipeAtMs: number | null;
  /** The number of studies that calls for a step now; null while none is due. */
  readonly stepAt: number | null;
}

export function createStudyActivities(dependencies: StudyActivityDependencies) {
  const { learning, runStep, client, log } = dependencies;
  const refuse = createRefusals(dependencies);
  return {
    async handToLearning(outcome: TradeOutcome): Promise<void> {
      await client.recordOutcome(outcome, Context.current().info.workflowExecution?.workflowId);
    },

    async publishedThresholds(): Promise<PublishedThresholds> {
      const { version, thresholds } = await learning.active();
      return { version, thresholds, versions: (await learning.versions(VERSIONS_TOLD)).map(provenance) };
    },

    /**
     * Checks what was signalled against the ledger, which alone is studied: whatever is no outcome, or not the one
     * that the close recorded, becomes a finding and changes nothing. So does the same one from somebody else than
     * who handed it over first; from the same one it is nothing to speak of: a close that is retried sends it again.
     */
    async receiveOutcomes(
      signalled: readonly unknown[],
      senders: readonly string[] = [],
    ): Promise<{ refused: number }> {
      const recorded = await learning.outcomesOf(signalled.map(subjectOf));
      let refused = 0;
      for (const [index, value] of signalled.entries()) {
        const subject = subjectOf(value);
        const reasons = faultsOf(
          value,
          recorded.find(({ positionId }) => positionId === subject),
        );
        const sender = senders[index];
        if (reasons.length === 0 && sender !== undefined) {
          const first = await learning.handOver(subject, sender);
          if (first !== sender)
            reasons.push(`the same outcome again: ${first} handed it over first, now ${sender}`);
        }
        if (reasons.length === 0) continue;
        refused += 1;
        await refuse(subject, reasons);
      }
      return { refused };
    },

    /** Studies the closed positions whose market path is complete, a bounded number of them, each once. */
    async studyRipe(): Promise<StudyRound> {
      const { made, nextRipeAtMs } = await studyRipeOutcomes({ ...dependencies, refuse });
      const studied = await learning.countStudies();
      const isDue = studied >= LEAST_TRADES && studied - (await learning.lastStepAt()) >= STUDIES_PER_STEP;
      const waiting = await learning.countUnstudied();
      if (made > 0)
        log.info(
          { event: 'studied', made, studied, waiting },
          `studied ${made} closed positions, ${studied} in all`,
        );
      return { studied, waiting, nextRipeAtMs, stepAt: isDue ? studied : null };
    },

    /**
     * Publishes what the step earned, or records why not. The number of studies is its seed, so that it is made
     * once. Throws {@link InvalidRequest} where the computation fails and would fail again.
     */
    async learningStep({ atStudies }: { atStudies: number }): Promise<{ summary: string }> {
      const beating = setInterval(beatOf(Context.current()), HEARTBEAT_MS);
      try {
        if ((await learning.lastStepAt()) >= atStudies) {
          return { summary: `the step at ${atStudies} studies was made before` };
        }
        await studySkippedSignals({ ...dependencies, refuse }, STUDIES_PER_STEP);
        const { version: active, thresholds, velocity, refusals } = await learning.active();
        const state = { version: active, thresholds, velocity: velocity ?? NO_VELOCITY, refusals };
        const answer = await runStep(state, `studies-${atStudies}`);
        if ('fault' in answer) throw new InvalidRequest(`step at ${atStudies} studies: ${answer.fault}`);
        const { version, accepted, why, trades } = await learning.publish(answer.step);
        const summary = `version ${version} ${accepted ? 'accepted' : 'refused'}: ${why}`;
        log.info({ event: 'thresholds', version, accepted, trades }, summary);
        return { summary };
      } finally {
        clearInterval(beating);
      }
    },
  };
}

function beatOf(context: Context): () => void {
  return () => context.heartbeat();
}

function faultsOf(value: unknown, recorded: { readonly outcome: unknown } | undefined): string[] {
  const parsed = parseOutcome(value);
  if ('reasons' in parsed) return [...parsed.reasons];
  const { positionId } = parsed.outcome;
  if (!recorded) return [`${positionId} is no closed position of the ledger`];
  const truth = parseOutcome(recorded.outcome);
  return 'outcome' in truth ? differences(parsed.outcome, truth.outcome) : [];
}

function differences(signalled: TradeOutcome, recorded: TradeOutcome): string[] {
  return (Object.keys(recorded) as (keyof TradeOutcome)[])
    .filter((name) => !isDeepStrictEqual(signalled[name], recorded[name]))
    .map((name) => `${name} is ${signalled[name]}, the ledger has ${recorded[name]}`);
}
