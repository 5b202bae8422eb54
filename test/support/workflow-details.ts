import type { WorkflowHandle } from '@temporalio/client';

/** The current details that the Temporal Web UI shows of a workflow. */
export async function workflowDetails(handle: WorkflowHandle): Promise<string> {
  const metadata = await handle.query<{ currentDetails?: string }>('__temporal_workflow_metadata');
  return metadata.currentDetails ?? '';
}
