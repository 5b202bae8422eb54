import type { Client } from '@temporalio/client';
import type { WorkerOptions } from '@temporalio/worker';
import type { Config } from './config.ts';
import { DEPLOYMENT, promoteFirstBuild } from './deployment.ts';
import type { Logger } from './logging.ts';

/** Trades stay on the build that they began on; all other workflows move on to the current one. */
export function versioning({
  HOLDFAST_BUILD_ID: buildId,
}: Config): Pick<WorkerOptions, 'workerDeploymentOptions'> {
  if (buildId === undefined) return {};
  return {
    workerDeploymentOptions: {
      version: { deploymentName: DEPLOYMENT, buildId },
      useWorkerVersioning: true,
      defaultVersioningBehavior: 'AUTO_UPGRADE',
    },
  };
}

/** Makes the first build of an installation the current one; a worker works on whatever comes of it. */
export async function beginVersions(temporal: Client, buildId: string, log: Logger): Promise<void> {
  try {
    const isFirst = await promoteFirstBuild(temporal, buildId);
    if (isFirst)
      log.info({ event: 'build-promoted', buildId }, `build ${buildId} is the first: trades start on it`);
  } catch (err) {
    log.error({ event: 'build-not-promoted', buildId, err }, 'no build is current; see: holdfast builds');
  }
}
