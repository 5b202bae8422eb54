import { WorkflowFailedError } from '@temporalio/client';
import { judgeFindings } from '../domain/audit/judge.ts';
import { FINDING_KINDS, type Disagreement, type Remedy } from '../domain/audit/views.ts';
import type { FindingStore } from '../../db/repositories/findings.ts';
import type { HoldfastClient } from '../client.ts';
import { failedAs, settledAs, type SettlementOutcome } from '../workflows/settlement.ts';
import type { FindingToSettle } from '../workflows/messages.ts';
import { readThreeViews, type AuditViewDependencies } from './audit-views.ts';

/** How far back the exchange's closed orders are compared: once an hour and on demand, and otherwise. */
const THOROUGH_MS = 7 * 24 * 3_600_000;
const ORDINARY_MS = 6 * 3_600_000;
const THOROUGH_EVERY_MS = 3_600_000;
/** What is younger than this may simply be under way: as long as an order may travel. */
export const SETTLING_TIME_MS = 10_000;
/** Two looks sooner after each other are one. */
const LOOKS_APART_MS = 3_000;
/** Longer than lists lag, shorter than anybody wants a position unwatched. */
const BETWEEN_LOOKS_MS = 5_000;
/** Raised by a trade whose exit is refused again and again; over when the trade is. */
const EXIT_REFUSED = 'exit-refused';

export interface AuditedFinding {
  readonly id: string;
  readonly kind: string;
  readonly subject: string;
  readonly looks: number;
  /** `waiting`: too young to be judged. `failed`: its settlement did not end well and is tried again. */
  readonly action: 'waiting' | 'seen' | 'settling' | 'settled' | 'failed' | 'report' | 'human';
  readonly seen: Readonly<Record<string, string | boolean>>;
  /** What settled it, or what went wrong. */
  readonly done: string | null;
  readonly proof: Readonly<Record<string, unknown>> | null;
}

export interface AuditReport {
  readonly findings: readonly AuditedFinding[];
  readonly toSettle: readonly FindingToSettle[];
  /** When something has to be seen once more before it may be acted on, ms from now; null when nothing has. */
  readonly nextLookInMs: number | null;
}

export interface ReconcileDependencies extends AuditViewDependencies {
  readonly findings: FindingStore;
  readonly client: AuditViewDependencies['client'] & Pick<HoldfastClient, 'settlementSince'>;
}

export function createReconcileActivities(dependencies: ReconcileDependencies) {
  const { findings, client, now, log } = dependencies;
  let thoroughAtMs = 0;

  async function note(disagreement: Disagreement): Promise<AuditedFinding & { settle?: FindingToSettle }> {
    const { kind, subject, remedy, seen, sinceMs, evidence } = disagreement;
    const id = `${kind}:${subject}`;
    const common = { id, kind, subject, seen, done: null, proof: null };
    const nowMs = now();
    if (remedy !== 'report' && sinceMs > nowMs - SETTLING_TIME_MS)
      return { ...common, looks: 0, action: 'waiting' };
    const { looks, status } = await findings.raise({
      id,
      kind,
      subject,
      seen,
      status: 'seen',
      nowMs,
      apartMs: LOOKS_APART_MS,
    });
    if (remedy === 'human' && looks >= 2 && status === 'seen') {
      await findings.raise({ id, kind, subject, seen, status: 'human', nowMs, apartMs: LOOKS_APART_MS });
    }
    const action = nextAction(remedy, looks);
    // What stays, a balance of somebody else perhaps, is told again about once an hour.
    if (looks <= 2 || looks % 60 === 0)
      log.warn({ event: 'finding', kind, subject, looks, action, ...seen }, `finding ${kind}: ${subject}`);
    if (action !== 'settling' || !evidence) return { ...common, looks, action };
    return { ...common, looks, action, settle: { id, kind, subject, evidence } };
  }

  /** A row that can't be cleared keeps nothing else from being settled: each settlement looks again before it acts. */
  async function clearUnseen(seenIds: readonly string[], isThorough: boolean): Promise<void> {
    try {
      await findings.clearUnseen(seenIds, now(), [EXIT_REFUSED, ...(isThorough ? FINDING_KINDS : [])]);
    } catch (err) {
      log.error({ event: 'findings-not-cleared', err }, 'findings that are gone could not be cleared');
    }
  }

  return {
    /** One comparison of exchange, workflows and database. One finding that can't be noted stops no other. */
    async audit({ isThorough = false }: { isThorough?: boolean } = {}): Promise<AuditReport> {
      const thorough = isThorough || now() - thoroughAtMs >= THOROUGH_EVERY_MS;
      const views = await readThreeViews(dependencies, thorough ? THOROUGH_MS : ORDINARY_MS);
      const audited: AuditedFinding[] = [];
      const toSettle: FindingToSettle[] = [];
      let nextLookInMs: number | null = null;
      for (const disagreement of judgeFindings(views)) {
        try {
          const { settle, ...finding } = await note(disagreement);
          audited.push(finding);
          if (settle) toSettle.push(settle);
          const { action, looks } = finding;
          if (action === 'waiting' || action === 'seen' || (action === 'human' && looks < 2)) {
            const tooYoungForMs = disagreement.sinceMs + SETTLING_TIME_MS - now();
            nextLookInMs = Math.max(nextLookInMs ?? BETWEEN_LOOKS_MS, tooYoungForMs + 100);
          }
        } catch (err) {
          const { kind, subject } = disagreement;
          log.error({ event: 'finding-not-noted', kind, subject, err }, 'a finding could not be noted');
        }
      }
      const refused = views.running.map(({ positionId }) => `${EXIT_REFUSED}:${positionId}`);
      await clearUnseen([...audited.map(({ id }) => id), ...refused], thorough);
      if (thorough) thoroughAtMs = now();
      return { findings: audited, toSettle, nextLookInMs };
    },

    /** How the settlement that another run has begun ends; null when none was under way since, epoch ms. */
    async settlementByAnother(asked: {
      findingId: string;
      sinceMs: number;
    }): Promise<SettlementOutcome | null> {
      try {
        const settled = await client.settlementSince(asked.findingId, asked.sinceMs);
        return settled && settledAs(settled);
      } catch (error) {
        if (error instanceof WorkflowFailedError) return failedAs(error.cause ?? error);
        throw error;
      }
    },

    async markSettled(settled: {
      findingId: string;
      action: string;
      proof: Record<string, unknown>;
    }): Promise<void> {
      await findings.settle(settled.findingId, settled.action, settled.proof, now());
      log.info({ event: 'finding-settled', ...settled }, `settled ${settled.findingId}: ${settled.action}`);
    },
  };
}

function nextAction(remedy: Remedy, looks: number): AuditedFinding['action'] {
  if (remedy === 'report') return 'report';
  if (remedy === 'human') return 'human';
  return looks >= 2 ? 'settling' : 'seen';
}
