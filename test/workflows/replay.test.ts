import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { historyFromJSON } from '@temporalio/common/lib/proto-utils.js';
import {
  bundleWorkflowCode,
  DefaultLogger,
  Worker,
  type WorkflowBundleWithSourceMap,
} from '@temporalio/worker';
import { DeterminismViolationError } from '@temporalio/workflow';
import { beforeAll, describe, expect, it } from 'vitest';

const HISTORIES = fileURLToPath(new URL('../histories/', import.meta.url));
const WORKFLOWS = fileURLToPath(new URL('../../src/workflows/index.ts', import.meta.url));

const names = readdirSync(HISTORIES)
  .filter((file) => file.endsWith('.json'))
  .map((file) => path.basename(file, '.json'));

interface HistoryJson {
  readonly events: { activityTaskScheduledEventAttributes?: { activityType: { name: string } } }[];
}

function history(name: string): HistoryJson {
  return JSON.parse(readFileSync(path.join(HISTORIES, `${name}.json`), 'utf8')) as HistoryJson;
}

/** A trade that was open when the code changed has to go on with the new code. */
describe('saved histories', { timeout: 120_000 }, () => {
  let workflowBundle: WorkflowBundleWithSourceMap;

  beforeAll(async () => {
    workflowBundle = await bundleWorkflowCode({
      workflowsPath: WORKFLOWS,
      logger: new DefaultLogger('ERROR'),
    });
  }, 120_000);

  const replay = (json: HistoryJson, workflowId: string) =>
    Worker.runReplayHistory({ workflowBundle }, historyFromJSON(json), workflowId);

  it('are there for every shape of a trade', () => {
    expect(names).toEqual(
      expect.arrayContaining([
        'learning',
        'trade-fired-by-guard',
        'trade-forced-exit',
        'trade-rejected',
        'trade-unknown-entry-and-lost-guard',
      ]),
    );
  });

  it.each(names)('%s replays on the code of today', async (name) => {
    await expect(replay(history(name), name)).resolves.toBeUndefined();
  });

  it('fail to replay when an activity is another one: the check bites', async () => {
    const mutated = history('trade-forced-exit');
    const scheduled = mutated.events.find(
      (event) => event.activityTaskScheduledEventAttributes?.activityType.name === 'sendOrder',
    );
    if (!scheduled?.activityTaskScheduledEventAttributes) throw new Error('the history sends no order');
    scheduled.activityTaskScheduledEventAttributes.activityType.name = 'persistPosition';
    await expect(replay(mutated, 'mutated')).rejects.toThrow(DeterminismViolationError);
  });
});
