import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import type { Leases } from './leases.ts';

/** The workers of one installation, build by build, as Temporal's worker deployment knows them. */
export const DEPLOYMENT = 'holdfast';

export interface Build {
  readonly buildId: string;
  /** New trades start on it. */
  readonly isCurrent: boolean;
  /** Trades that are pinned to it and have not ended. */
  readonly runningTrades: number;
  /** Workers of it that hold a lease now. */
  readonly workers: number;
}

const GRPC_NOT_FOUND = 5;
const GRPC_FAILED_PRECONDITION = 9;
const SEEN_WITHIN_MS = 60_000;
const LOOK_EVERY_MS = 250;

/** Every build that Temporal has seen, the current one first, then the newest; empty where workers are not versioned. */
export async function listBuilds(client: Client, leases: Pick<Leases, 'beating'>): Promise<Build[]> {
  const info = await describeDeployment(client);
  if (info === null) return [];
  const current = info.routingConfig?.currentDeploymentVersion?.buildId;
  const guards = await leases.beating();
  const newestFirst = (info.versionSummaries ?? []).toSorted(
    (one, other) => Number(other.createTime?.seconds ?? 0) - Number(one.createTime?.seconds ?? 0),
  );
  const builds = await Promise.all(
    newestFirst
      .flatMap(({ deploymentVersion }) => deploymentVersion?.buildId ?? [])
      .map(async (buildId) => ({
        buildId,
        isCurrent: buildId === current,
        runningTrades: (await client.workflow.count(tradesOf(buildId))).count,
        workers: guards.filter((guard) => guard.buildId === buildId).length,
      })),
  );
  return builds.sort((one, other) => Number(other.isCurrent) - Number(one.isCurrent));
}

/** Has new trades start on a build; those that run stay where they are. Throws when no worker of it was ever seen. */
export async function promoteBuild(client: Client, buildId: string): Promise<void> {
  const { namespace, identity } = client.options;
  await client.workflowService.setWorkerDeploymentCurrentVersion({
    namespace,
    deploymentName: DEPLOYMENT,
    buildId,
    identity,
    // The guards' own queues belong to no build.
    ignoreMissingTaskQueues: true,
  });
}

/**
 * The first build of an installation is current by itself: without one no trade would ever start. True when this
 * call made it so.
 */
export async function promoteFirstBuild(client: Client, buildId: string): Promise<boolean> {
  const untilMs = Date.now() + SEEN_WITHIN_MS;
  for (;;) {
    try {
      const info = await describeDeployment(client);
      if (info?.routingConfig?.currentDeploymentVersion) return false;
      if (info) {
        await promoteBuild(client, buildId);
        return true;
      }
    } catch (error) {
      if (!isCode(error, GRPC_NOT_FOUND, GRPC_FAILED_PRECONDITION)) throw error;
    }
    // Temporal hears of a build by the first poll of its workers.
    if (Date.now() > untilMs) throw new Error(`Temporal has not seen a worker of build ${buildId}`);
    await delay(LOOK_EVERY_MS);
  }
}

/**
 * Lets the running trades of a build go on under the current one, for when its workers are gone for good. Their
 * histories have to replay on the current code. Returns how many there were.
 */
export async function moveTrades(client: Client, fromBuild: string): Promise<number> {
  const { namespace, identity } = client.options;
  let moved = 0;
  for await (const { workflowId, runId } of client.workflow.list({ query: tradesOf(fromBuild) })) {
    await client.workflowService.updateWorkflowExecutionOptions({
      namespace,
      identity,
      workflowExecution: { workflowId, runId },
      workflowExecutionOptions: { versioningOverride: { autoUpgrade: true } },
      updateMask: { paths: ['versioning_override'] },
    });
    moved += 1;
  }
  return moved;
}

async function describeDeployment(client: Client) {
  try {
    const { workerDeploymentInfo } = await client.workflowService.describeWorkerDeployment({
      namespace: client.options.namespace,
      deploymentName: DEPLOYMENT,
    });
    return workerDeploymentInfo ?? null;
  } catch (error) {
    if (isCode(error, GRPC_NOT_FOUND)) return null;
    throw error;
  }
}

function tradesOf(buildId: string): string {
  return `WorkflowType = 'trade' AND ExecutionStatus = 'Running' AND TemporalWorkerDeploymentVersion = '${DEPLOYMENT}:${buildId}'`;
}

function isCode(error: unknown, ...codes: readonly number[]): boolean {
  return codes.includes((error as { code?: number } | null)?.code ?? -1);
}
