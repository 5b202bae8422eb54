import {
  isCancellation,
  ParentClosePolicy,
  proxyActivities,
  proxyLocalActivities,
  sleep,
  startChild,
  workflowInfo,
  type ChildWorkflowHandle,
} from '@temporalio/workflow';
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import type { Activities } from '../activities/index.ts';
import type { AuditedFinding, AuditReport } from '../activities/reconcile.ts';
import type { settleFinding } from './settle-finding.ts';
import {
  failedAs,
  settledAs,
  settlementWorkflowId,
  STILL_SETTLING,
  type SettlementOutcome,
} from './settlement.ts';
import type { FindingToSettle } from './messages.ts';

const auditing = proxyActivities<Pick<Activities, 'audit'>>({
  startToCloseTimeout: 60_000,
  retry: { initialInterval: 1_000, maximumInterval: 10_000, maximumAttempts: 5 },
});

const sweeping = proxyLocalActivities<Pick<Activities, 'rearmUnguarded'>>({
  startToCloseTimeout: 3_000,
  scheduleToCloseTimeout: 3_000,
  retry: { maximumAttempts: 1 },
});

const waiting = proxyActivities<Pick<Activities, 'settlementByAnother'>>({
  startToCloseTimeout: 45_000,
  retry: { initialInterval: 500, maximumInterval: 5_000, maximumAttempts: 3 },
});

/** Enough for what was too young at the first look to be seen twice. */
const MOST_LOOKS = 5;
/** How long the report waits for what it has set going; the settlements go on without it. */
const SETTLED_WITHIN_MS = 60_000;

/** Another run, the scheduled one perhaps, may be at work on the same finding: its settlement is awaited too. */
type Settlement = ChildWorkflowHandle<typeof settleFinding> | 'by another';

export interface ReconcileInput {
  /** Over everything that the exchange lists, and with a report that waits for what it has set going. */
  readonly isThorough?: boolean;
}

/**
 * Compares exchange, workflows and database. What disagrees is looked at again after a moment, and only what
 * was seen twice is settled, each by a workflow of its own: one that fails stops no other, and a scheduled run
 * waits for none, so that the next one is on time.
 */
export async function reconcile({ isThorough = false }: ReconcileInput = {}): Promise<AuditReport> {
  const { startTime } = workflowInfo();
  const sinceMs = startTime.getTime();
  const findings = new Map<string, AuditedFinding>();
  const settlements = new Map<string, Settlement>();
  await sweepGuards();
  let report = await auditing.audit({ isThorough });
  for (let look = 1; ; look += 1) {
    for (const finding of report.findings) {
      if (!settlements.has(finding.id)) findings.set(finding.id, finding);
    }
    for (const finding of report.toSettle) {
      if (settlements.has(finding.id)) continue;
      settlements.set(finding.id, await begin(finding));
    }
    if (report.nextLookInMs === null || look === MOST_LOOKS) break;
    await sleep(report.nextLookInMs);
    report = await auditing.audit({ isThorough: true });
    if (isThorough) await forgetGone(findings, settlements, report, sinceMs);
  }
  if (isThorough) {
    for (const [id, done] of await outcomes(settlements, sinceMs)) {
      const finding = findings.get(id);
      if (finding) findings.set(id, { ...finding, ...done });
    }
  }
  return {
    findings: [...findings.values()],
    toSettle: report.toSettle,
    nextLookInMs: report.nextLookInMs,
  };
}

/** The next run, a minute later, sweeps again. */
async function sweepGuards(): Promise<void> {
  try {
    await sweeping.rearmUnguarded();
  } catch (error) {
    if (isCancellation(error)) throw error;
  }
}

/** What was gone at a later look was simply under way, unless another run has settled it. */
async function forgetGone(
  findings: Map<string, AuditedFinding>,
  settlements: ReadonlyMap<string, Settlement>,
  report: AuditReport,
  sinceMs: number,
): Promise<void> {
  const seen = new Set(report.findings.map(({ id }) => id));
  const gone = [...findings.values()].filter(
    (finding) => !seen.has(finding.id) && !settlements.has(finding.id) && !isSettled(finding),
  );
  await Promise.all(
    gone.map(async (finding) => {
      const done = await settledByAnother(finding.id, sinceMs);
      if (done) findings.set(finding.id, { ...finding, ...done });
      else findings.delete(finding.id);
    }),
  );
}

/** Null when no other run was at work on it. */
async function settledByAnother(findingId: string, sinceMs: number): Promise<SettlementOutcome | null> {
  try {
    return await waiting.settlementByAnother({ findingId, sinceMs });
  } catch (error) {
    if (isCancellation(error)) throw error;
    return STILL_SETTLING;
  }
}

function isSettled({ action }: AuditedFinding): boolean {
  return action === 'settled' || action === 'failed';
}

/** One that could not be begun is seen again by the next run. */
async function begin(finding: FindingToSettle): Promise<Settlement> {
  try {
    return await startChild<typeof settleFinding>('settleFinding', {
      workflowId: settlementWorkflowId(finding.id),
      args: [{ kind: 'finding', finding }],
      parentClosePolicy: ParentClosePolicy.ABANDON,
      staticSummary: `${finding.kind} ${finding.subject}`,
    });
  } catch (error) {
    if (error instanceof WorkflowExecutionAlreadyStartedError) return 'by another';
    throw error;
  }
}

async function outcomes(
  settlements: ReadonlyMap<string, Settlement>,
  sinceMs: number,
): Promise<Map<string, SettlementOutcome>> {
  const result = new Map<string, SettlementOutcome>();
  const all = [...settlements].map(async ([id, settlement]) => {
    const done = await outcomeOf(id, settlement, sinceMs);
    if (done) result.set(id, done);
  });
  await Promise.race([Promise.all(all), sleep(SETTLED_WITHIN_MS)]);
  return result;
}

async function outcomeOf(
  findingId: string,
  settlement: Settlement,
  sinceMs: number,
): Promise<SettlementOutcome | null> {
  try {
    if (settlement === 'by another') return await settledByAnother(findingId, sinceMs);
    return settledAs(await settlement.result());
  } catch (error) {
    if (isCancellation(error)) throw error;
    return failedAs(error);
  }
}
