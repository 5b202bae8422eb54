import { expect } from 'vitest';
import type { Outcome } from '../../src/domain/learning/study.ts';
import { closeTrade } from './learning-market.ts';
import type { LearningStack } from './learning-stack.ts';

/** Between the entries of the burst's trades, `burst0`, `burst1`, …. */
export const BURST_SPACING_MS = 20_000;
const AT_ONCE = 20;
const PATIENCE = { timeout: 120_000, interval: 250 };

/**
 * Closes so many trades and signals their outcomes while no worker runs, starts one, kills it (-9) during a step and
 * starts another: each closed position must become one study, each step one version, and the history begin anew.
 */
export async function survivesBurst(stack: LearningStack, trades: number, firstEntryMs: number) {
  const { ledger, learning, findings } = stack.repositories;
  for (let from = 0; from < trades; from += AT_ONCE) {
    const ids = Array.from({ length: AT_ONCE }, (_, index) => from + index);
    const outcomes: Outcome[] = await Promise.all(
      ids.map((id) => closeTrade(ledger, `burst${id}`, firstEntryMs + id * BURST_SPACING_MS)),
    );
    await Promise.all(outcomes.map((outcome) => stack.signal(outcome)));
  }
  stack.startWorker();
  await expect.poll(() => stack.runningActivities(), PATIENCE).toContain('learningStep');
  await stack.killWorker();
  expect(await stack.runningActivities()).toContain('learningStep');
  stack.startWorker();

  const progress = () => stack.client.learningProgress();
  await expect.poll(progress, PATIENCE).toMatchObject({ studied: trades, waiting: 0, refused: 0 });
  const [counts] = await stack.sql(
    `SELECT (SELECT count(*)::integer FROM "ManagedPosition" WHERE "status" = 'closed') AS closed,
            (SELECT count(DISTINCT "id")::integer FROM "Study") AS studies`,
  );
  expect(counts).toEqual({ closed: trades, studies: trades });
  await expect.poll(() => learning.lastStepAt(), PATIENCE).toBe(trades);
  const seeds = (await learning.versions()).map(({ seed }) => seed);
  expect(new Set(seeds).size).toBe(seeds.length);
  // Such a burst is more than a history holds here; only the run that took them has them.
  const history = await stack.temporal.workflow.getHandle('learning').fetchHistory();
  expect(history.events?.length).toBeLessThan(trades);
  expect(history.events?.[0]?.workflowExecutionStartedEventAttributes?.continuedExecutionRunId).toBeTruthy();
  expect(await findings.list()).toEqual([]);
}
