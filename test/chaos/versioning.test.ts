import { cp, readFile, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Client } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { HoldfastClient } from '../../src/client.ts';
import type { Build } from '../../src/deployment.ts';
import { startNodeChild, type NodeChild } from '../../src/embedded/node-child.ts';
import type { Stack } from '../../src/embedded/stack.ts';
import { paperKeys } from '../../src/embedded/stack-children.ts';
import type { PaperControl } from '../support/paper-control.ts';
import { startQuietStack, type QuietStack } from '../support/quiet-stack.ts';
import { bareEnvironment, holdfast, holdfastJson } from '../support/up.ts';

const PROJECT = fileURLToPath(new URL('../../', import.meta.url));
const STORY_BEGINS = '  return CancellationScope.nonCancellable(() => tell(state, rearm));\n';
/** A timer that no history of today has: none of them can be replayed on this code. */
const BREAKING = { buildId: 'breaking', imports: 'sleep', firstStep: 'await sleep(1);' };
/** The same, with the old path kept for the trades that began on it. */
const PATCHED = {
  buildId: 'patched',
  imports: 'patched, sleep',
  firstStep: `if (patched('one')) await sleep(1);`,
};

/** Builds of the worker side by side, as processes of their own. */
describe('a rolling upgrade', { timeout: 240_000 }, () => {
  let quiet: QuietStack;
  let root: string;
  let stack: Stack;
  let paper: PaperControl;
  let temporal: Client;
  let client: HoldfastClient;
  const upgraded: NodeChild[] = [];

  beforeAll(async () => {
    quiet = await startQuietStack('versions', { HOLDFAST_BUILD_ID: 'old' });
    ({ root, stack, paper, temporal, client } = quiet);
    await paper.price('BTC/USD', '10000.0', '10000.1');
  }, 240_000);
  afterAll(async () => {
    for (const worker of upgraded) await worker.kill();
    await quiet.stop();
  }, 60_000);

  /** The project with another first step in the story of a trade, run as a build of its own. */
  async function startUpgraded({ buildId, imports, firstStep }: typeof BREAKING): Promise<NodeChild> {
    const copy = path.join(root, buildId);
    for (const part of ['src', 'db', 'bin', 'package.json', 'tsconfig.json'])
      await cp(path.join(PROJECT, part), path.join(copy, part), { recursive: true });
    await symlink(path.join(PROJECT, 'node_modules'), path.join(copy, 'node_modules'));
    const file = path.join(copy, 'src/workflows/trade.ts');
    const story = await readFile(file, 'utf8');
    const changed = story
      .replace(STORY_BEGINS, `  ${firstStep}\n${STORY_BEGINS}`)
      .replace('  workflowInfo,\n', `  ${imports},\n  workflowInfo,\n`);
    expect(changed).toHaveLength(story.length + firstStep.length + imports.length + 7);
    await writeFile(file, changed);
    const { ready } = stack;
    const env = {
      ...bareEnvironment(),
      TEMPORAL_ADDRESS: ready.temporalAddress,
      DATABASE_URL: ready.databaseUrl,
      KRAKEN_API_URL: ready.exchangeUrl,
      KRAKEN_WS_URL: ready.exchangeWsUrl,
      ...(await paperKeys(ready.exchangeUrl, -1)),
      PREDICTION_URL: 'none',
      HOLDFAST_BUILD_ID: buildId,
    };
    const script = path.join(copy, 'bin/holdfast.js');
    const worker = await startNodeChild({
      name: buildId,
      args: ['worker'],
      env,
      script,
      onLog: () => undefined,
    });
    upgraded.push(worker);
    return worker;
  }

  const leaseOf = async (tradeId: string) => (await client.state(tradeId)).guard?.leaseId ?? '';
  const isGuardedBy = (tradeId: string, pid: number | null | undefined) =>
    expect.poll(() => leaseOf(tradeId), { timeout: 30_000, interval: 200 }).toContain(`-${String(pid)}-`);

  async function open(tradeId: string, notional = '250'): Promise<void> {
    await client.openTrade({
      tradeId,
      symbol: 'BTC/USD',
      side: 'long',
      notional,
      order: { type: 'market' },
      strategy: 'manual',
      signal: { source: 'operator', confidence: 1, asOfMs: Date.now(), ttlMs: 30_000 },
    });
    expect(await client.progress(tradeId, 'opened')).toMatchObject({ stage: 'open' });
  }

  /** The builds that carried out the workflow tasks of a trade, and how many timers of one millisecond it set. */
  async function told(tradeId: string): Promise<{ builds: string[]; firstSteps: number }> {
    const { events } = await temporal.workflow.getHandle(`trade-${tradeId}`).fetchHistory();
    const completed = (events ?? []).flatMap((event) => event.workflowTaskCompletedEventAttributes ?? []);
    const timers = (events ?? []).flatMap((event) => event.timerStartedEventAttributes ?? []);
    return {
      builds: [...new Set(completed.map(({ deploymentVersion }) => String(deploymentVersion?.buildId)))],
      firstSteps: timers.filter(({ startToFireTimeout }) => startToFireTimeout?.nanos === 1_000_000).length,
    };
  }

  const here = () => ['--data-dir', stack.ready.dataDir];
  const builds = async (...args: string[]) =>
    (await holdfastJson<{ builds: Build[] }>('builds', ...args, ...here())).builds;
  const buildsBecome = (expected: readonly Build[]) =>
    expect.poll(() => builds(), { timeout: 60_000, interval: 1_000 }).toEqual(expected);

  it('leaves old trades on the old build, starts new ones on the new, and both keep their guards', async () => {
    await open('before');
    const oldPid = stack.parts.get('worker-1')?.pid();
    const { pid: newPid } = await startUpgraded(BREAKING);
    // Not before an operator says so: until then the new build has nothing to do.
    await open('between');
    await buildsBecome([
      { buildId: 'old', isCurrent: true, runningTrades: 2, workers: 1 },
      { buildId: 'breaking', isCurrent: false, runningTrades: 0, workers: 1 },
    ]);

    expect((await builds('--promote', 'breaking'))[0]).toMatchObject({
      buildId: 'breaking',
      isCurrent: true,
    });
    await open('after');
    await isGuardedBy('before', oldPid);
    await isGuardedBy('between', oldPid);
    await isGuardedBy('after', newPid);
    await client.requestExit('before', 'the end of the test');
    await client.result('before');
    await paper.price('BTC/USD', '7000.0', '7000.1');
    for (const tradeId of ['between', 'after'])
      expect(await client.result(tradeId)).toMatchObject({ stage: 'closed', exitRule: 'emergency-loss' });
    expect(await told('before')).toEqual({ builds: ['old'], firstSteps: 0 });
    expect(await told('between')).toEqual({ builds: ['old'], firstSteps: 0 });
    expect(await told('after')).toEqual({ builds: ['breaking'], firstSteps: 1 });
    expect(await paper.accepted()).toHaveLength(6);
  });

  it('goes back: new trades start on the old build again, and a drained build ends in order', async () => {
    await paper.price('BTC/USD', '10000.0', '10000.1');
    await open('on-new');
    await builds('--promote', 'old');
    await open('back');
    await client.requestExit('on-new', 'the end of the test');
    expect(await client.result('on-new')).toMatchObject({ stage: 'closed' });
    expect(await told('on-new')).toEqual({ builds: ['breaking'], firstSteps: 1 });
    const breaking = upgraded[0];
    await breaking?.stop();
    // By itself: one that doesn't end in time is killed.
    expect(await breaking?.ended).toBe('ended with code 0');
    await buildsBecome([
      { buildId: 'old', isCurrent: true, runningTrades: 1, workers: 1 },
      { buildId: 'breaking', isCurrent: false, runningTrades: 0, workers: 0 },
    ]);
  });

  it('moves the trades of a build that is gone to one that kept their path', async () => {
    const { pid } = await startUpgraded(PATCHED);
    await stack.parts.get('worker-1')?.stop();
    await builds('--promote', 'patched');
    await buildsBecome([
      { buildId: 'patched', isCurrent: true, runningTrades: 0, workers: 1 },
      { buildId: 'breaking', isCurrent: false, runningTrades: 0, workers: 0 },
      { buildId: 'old', isCurrent: false, runningTrades: 1, workers: 0 },
    ]);
    const { stdout } = await holdfast('builds', ...here());
    expect(stdout).toContain('old: 1 trade, 0 workers; nobody guards these trades');

    await builds('--move', 'old');
    await isGuardedBy('back', pid);
    await paper.price('BTC/USD', '7000.0', '7000.1');
    expect(await client.result('back')).toMatchObject({ stage: 'closed', exitRule: 'emergency-loss' });
    expect(await told('back')).toEqual({ builds: ['old', 'patched'], firstSteps: 0 });
    expect(await paper.accepted()).toHaveLength(10);
  });

  it('names the builds there are when asked for another', async () => {
    const { code, stderr } = await holdfast('builds', '--promote', '9.9', ...here());
    expect({ code, stderr }).toMatchObject({ code: 1 });
    expect(stderr).toMatch(/^holdfast: Temporal has seen no worker of build 9\.9; known are /);
  });
});
