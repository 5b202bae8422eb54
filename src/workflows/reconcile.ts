import {
  isCancellation,
  ParentClosePolicy,
  proxyActivities,
  sleep,
  startChild,
  type ChildWorkflowHandle,
} from '@temporalio/workflow';
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import type { Activities } from '../activities/index.ts';
import type { AuditedFinding, AuditReport } from '../activities/reconcile.ts';
import { settleFinding, type Settled } from './settle-finding.ts';
import type { FindingToSettle } from './messages.ts';

const auditing = proxyActivities<Pick<Activities, 'audit'>>({
  startToCloseTimeout: 60_000,
  retry: { initialInterval: 1_000, maximumInterval: 10_000, maximumAttempts: 5 },
});

/** Enough for what was too young at the first look to be seen twice. */
const MOST_LOOKS = 5;
/** How long the report waits for what it has set going; the settlements go on without it. */
const SETTLED_WITHIN_MS = 60_000;

type Settlement = ChildWorkflowHandle<typeof settleFinding>;

/**
 * Compares exchange, workflows and database. What disagrees is looked at again after a moment, and only what
 * was seen twice is settled, each by a workflow of its own: one that fails stops no other.
 */
export async function reconcile(input: { isThorough?: boolean } = {}): Promise<AuditReport> {
  const findings = new Map<string, AuditedFinding>();
  const settlements = new Map<string, Settlement>();
  let report = await auditing.audit({ isThorough: input.isThorough ?? false });
  for (let look = 1; ; look += 1) {
    for (const finding of report.findings) {
      if (!settlements.has(finding.id)) findings.set(finding.id, finding);
    }
    for (const finding of report.toSettle) {
      if (settlements.has(finding.id)) continue;
      const child = await begin(finding);
      if (child) settlements.set(finding.id, child);
    }
    if (report.nextLookInMs === null || look === MOST_LOOKS) break;
    await sleep(report.nextLookInMs);
    report = await auditing.audit({ isThorough: true });
    forgetGone(findings, settlements, report);
  }
  for (const [id, done] of await outcomes(settlements)) {
    const finding = findings.get(id);
    if (finding) findings.set(id, { ...finding, ...done });
  }
  return {
    findings: [...findings.values()],
    toSettle: report.toSettle,
    nextLookInMs: report.nextLookInMs,
  };
}

/** What was gone at a later look was simply under way. */
function forgetGone(
  findings: Map<string, AuditedFinding>,
  settlements: ReadonlyMap<string, Settlement>,
  report: AuditReport,
): void {
  const seen = new Set(report.findings.map(({ id }) => id));
  for (const id of findings.keys()) if (!seen.has(id) && !settlements.has(id)) findings.delete(id);
}

/** Null when it is being settled already, or could not be begun; the next run sees it again. */
async function begin(finding: FindingToSettle): Promise<Settlement | null> {
  try {
    return await startChild(settleFinding, {
      workflowId: `settle-${finding.id}`,
      args: [{ kind: 'finding', finding }],
      parentClosePolicy: ParentClosePolicy.ABANDON,
      staticSummary: `${finding.kind} ${finding.subject}`,
    });
  } catch (error) {
    if (error instanceof WorkflowExecutionAlreadyStartedError) return null;
    throw error;
  }
}

type Done = Pick<AuditedFinding, 'action' | 'done' | 'proof'>;

async function outcomes(settlements: ReadonlyMap<string, Settlement>): Promise<Map<string, Done>> {
  const result = new Map<string, Done>();
  const waiting = [...settlements].map(async ([id, child]) => {
    result.set(id, await outcomeOf(child));
  });
  await Promise.race([Promise.all(waiting), sleep(SETTLED_WITHIN_MS)]);
  return result;
}

async function outcomeOf(child: Settlement): Promise<Done> {
  try {
    const { outcome, action, proof }: Settled = await child.result();
    return { action: outcome, done: action, proof };
  } catch (error) {
    if (isCancellation(error)) throw error;
    return { action: 'failed', done: error instanceof Error ? error.message : String(error), proof: null };
  }
}
