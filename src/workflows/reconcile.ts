import { ParentClosePolicy, proxyActivities, startChild } from '@temporalio/workflow';
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import type { Activities } from '../activities/index.ts';
import type { AuditReport } from '../activities/reconcile.ts';
import { settleFinding } from './settle-finding.ts';

const auditing = proxyActivities<Pick<Activities, 'audit'>>({
  startToCloseTimeout: 60_000,
  retry: { initialInterval: 1_000, maximumInterval: 10_000, maximumAttempts: 5 },
});

/** Compares exchange, database and running workflows; what two runs have seen is settled. */
export async function reconcile(): Promise<AuditReport> {
  const report = await auditing.audit();
  for (const { findingId, settlement } of report.toSettle) {
    try {
      await startChild(settleFinding, {
        workflowId: `settle-${findingId}`,
        args: [settlement],
        parentClosePolicy: ParentClosePolicy.ABANDON,
      });
    } catch (error) {
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    }
  }
  return report;
}
