import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createStepRunner } from '../../db/step-process/run.ts';
import { learningStep, NO_VELOCITY } from '../../src/domain/learning/step.ts';
import type { Outcome } from '../../src/domain/learning/study.ts';
import { judgingThird } from '../../src/domain/learning/thirds.ts';
import { STARTING_THRESHOLDS } from '../../src/domain/thresholds.ts';
import { BURST_SPACING_MS, survivesBurst } from '../support/learning-burst.ts';
import { closeTrade } from '../support/learning-market.ts';
import { LearningStack } from '../support/learning-stack.ts';
import { holdfastWith } from '../support/up.ts';

/** 1,000 take a minute: a test of their own. */
const BURST = 200;
const HOUR_MS = 3_600_000;
const PATIENCE = { timeout: 90_000, interval: 250 };

/** Learning on a real Temporal server and database, with a worker that is killed. The tests build on each other. */
describe('learning', { timeout: 300_000 }, () => {
  let stack: LearningStack;
  let firstEntryMs: number;

  beforeAll(async () => {
    stack = await LearningStack.start();
    firstEntryMs = Date.now() - 8 * HOUR_MS;
  }, 240_000);
  afterAll(() => stack.stop(), 60_000);

  const progress = () => stack.client.learningProgress();
  const close = (id: string, over: Partial<Outcome> = {}) =>
    closeTrade(stack.repositories.ledger, id, firstEntryMs, over);
  const refusals = async () => {
    const found = await stack.repositories.findings.list();
    return Object.fromEntries(
      found.map(({ kind, subject, seen, status }) => [subject, { kind, seen, status }]),
    );
  };

  test('a burst of outcomes that comes while it is down, and a kill during a step, lose and repeat nothing', () =>
    survivesBurst(stack, BURST, firstEntryMs));

  test('a step in its own process gives what it gives in this process, while this process goes on', async () => {
    const studies = await stack.repositories.learning.studies(450);
    const knownVersions = await stack.repositories.learning.knownVersions();
    const state = { version: 1, thresholds: STARTING_THRESHOLDS, velocity: NO_VELOCITY };
    let turns = 0;
    const turning = setInterval(() => (turns += 1), 5);
    const answer = await createStepRunner(stack.databaseUrl)(state, 'seed');
    clearInterval(turning);
    expect(turns).toBeGreaterThan(10);
    expect(answer).toEqual({ step: learningStep(studies, state, 'seed', { knownVersions }) });
    expect('step' in answer && answer.step.studies).toBeGreaterThan(100);
  });

  test('the query tells how each version came about', async () => {
    const rows = await stack.repositories.learning.versions();
    const told = await stack.client.thresholds();
    expect(told?.version).toBe((await stack.repositories.learning.active()).version);
    expect(told?.versions.map(({ version, accepted }) => ({ version, accepted }))).toEqual(
      rows.map(({ version, accepted }) => ({ version, accepted })),
    );
    expect(told?.versions[0]).toMatchObject({
      trades: rows[0]!.trades,
      gradient: rows[0]!.gradient,
      unseenBefore: rows[0]!.unseenBefore,
      unseenAfter: rows[0]!.unseenAfter,
      why: rows[0]!.why,
    });
    // Who judged each step follows from what was refused before it, and from nothing else.
    const steps = rows.flatMap(({ step, version }) => (step ? [{ ...step, version }] : []));
    expect(steps.length).toBeGreaterThan(0);
    for (const { version, parentVersion, unseenThird } of steps) {
      const refused = rows.filter((row) => row.parentVersion === parentVersion && !row.accepted);
      expect(unseenThird).toBe(judgingThird(refused.filter((row) => row.version < version).length));
    }
  });

  test('poisoned outcomes are refused with a finding, change nothing and hold up nobody', async () => {
    const { version } = await stack.repositories.learning.active();
    const steps = (await stack.repositories.learning.versions()).length;
    const absurd = await close('absurd', { netPnl: '123456789' });
    await close('stranger', { thresholdsVersion: 999 });
    await close('gap', { symbol: 'GAP/USD' });
    await close('nan', { returnFraction: 0.01, confidence: Number.NaN });
    await close('adopted', { confidence: 0 });
    const altered = await close('altered');
    const studied = await closeTrade(stack.repositories.ledger, 'burst0', firstEntryMs);
    const otherStudied = await closeTrade(
      stack.repositories.ledger,
      'burst1',
      firstEntryMs + BURST_SPACING_MS,
    );
    const signalled = [
      absurd,
      { ...altered, netPnl: '999' },
      studied,
      studied,
      { ...otherStudied, exitPrice: '1' },
      { ...studied, positionId: 'kraken-nobody' },
      { positionId: 'kraken-half', netPnl: Number.NaN },
      { positionId: 'kraken-huge', note: 'x'.repeat(100_000) },
      null,
      'text',
      [],
    ];
    for (const value of signalled) await stack.signal(value);
    const copied = await closeTrade(stack.repositories.ledger, 'burst2', firstEntryMs + 2 * BURST_SPACING_MS);
    await stack.signal(copied, null);
    await stack.signal(copied, 'trade-of-another');

    await expect.poll(progress, PATIENCE).toMatchObject({ studied: BURST + 1, waiting: 0 });
    const found = await refusals();
    const reasons = (subject: string) => JSON.stringify(found[subject]);
    expect(reasons('kraken-Oabsurd')).toContain('netPnl is 123456789');
    expect(reasons('kraken-Ostranger')).toContain('thresholdsVersion 999 never existed');
    expect(reasons('kraken-Ogap')).toContain('path: gap');
    expect(reasons('kraken-Onan')).toContain('confidence');
    expect(reasons('kraken-Oadopted')).toContain('no prediction to learn from: it was adopted');
    expect(reasons('kraken-Oaltered')).toContain('netPnl is 999, the ledger has');
    // The same outcome sent again by who closed the position is no news; a copy from elsewhere is, and another one
    // under its name.
    expect(found['kraken-Oburst0']).toBeUndefined();
    expect(reasons('kraken-Oburst2')).toMatch(/the same outcome again: trade handed it over first, now /);
    expect(found['kraken-Oburst2']).toMatchObject({ status: 'settled' });
    expect(reasons('kraken-Oburst1')).toContain('exitPrice is 1, the ledger has');
    expect(reasons('kraken-nobody')).toContain('is no closed position');
    expect(reasons('kraken-half')).toContain('netPnl');
    expect(reasons('kraken-huge')).toContain('symbol');
    expect(Object.keys(found).filter((subject) => subject.startsWith('signal-'))).toHaveLength(3);
    expect(Object.values(found).every(({ kind }) => kind === 'refused-study')).toBe(true);

    // What the ledger knows of the altered one is honest: it alone was studied, and only once.
    const studies = await stack.sql(`SELECT "id" FROM "Study" WHERE "id" NOT LIKE 'kraken-Oburst%'`);
    expect(studies).toEqual([{ id: 'kraken-Oaltered' }]);
    expect(await stack.repositories.learning.active()).toMatchObject({ version });
    expect(await stack.repositories.learning.versions()).toHaveLength(steps);
    expect(await stack.repositories.learning.countUnstudied()).toBe(0);
    const { events } = await stack.temporal.workflow.getHandle('learning').fetchHistory();
    expect(events?.filter(({ workflowTaskFailedEventAttributes: failed }) => failed)).toEqual([]);
  });

  test('skipped signals are studied with the next step, each once, and do not count as trades', async () => {
    const prediction = { action: 'BUY', confidence: 0.03, ttlMs: 60_000, source: 'momentum' } as const;
    const skip = (id: string, agoMs: number, reason: string) =>
      stack.repositories.signals.skip({
        id,
        symbol: 'BTC/USD',
        prediction: { ...prediction, asOfMs: Date.now() - agoMs },
        limit: reason.startsWith('confidence') ? 'confidence' : 'scan-limit',
        reason,
        thresholdsVersion: 1,
      });
    await skip('scan-old', 2 * HOUR_MS, 'confidence 0.03 is below entryConfidence 0.05');
    await skip('scan-young', 1_000, 'confidence 0.03 is below entryConfidence 0.05');
    await skip('scan-full', 2 * HOUR_MS, '3 positions are open, the scan keeps at most 3');
    for (const id of ['a', 'b', 'c', 'd']) await stack.signal(await close(`next-${id}`));
    const isStep = async () => stack.repositories.learning.lastStepAt();
    await expect.poll(isStep, PATIENCE).toBe(BURST + 5);
    const signals = await stack.sql(
      `SELECT "id", "study"->'outcome' AS outcome FROM "Study" WHERE NOT "isTrade"`,
    );
    expect(signals).toEqual([{ id: 'scan-old', outcome: null }]);
    expect(await progress()).toMatchObject({ studied: BURST + 5 });
  });

  test('a rollback is known to the query at once, and the history can be read in 80 columns', async () => {
    const { stdout } = await holdfastWith(stack.environment, 'thresholds', '--rollback', '1', '--json');
    expect(JSON.parse(stdout)).toMatchObject({ version: 1, thresholds: STARTING_THRESHOLDS });
    await expect.poll(async () => (await stack.client.thresholds())?.version, PATIENCE).toBe(1);

    const history = await holdfastWith(stack.environment, 'thresholds', '--history');
    const lines = history.stdout.trimEnd().split('\n');
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80);
    const rows = await stack.repositories.learning.versions();
    for (const { version } of rows) {
      expect(lines.filter((line) => new RegExp(`^ *${version}( |\\*)`).test(line))).toHaveLength(1);
    }
    const json = await holdfastWith(stack.environment, 'thresholds', '--history', '--json');
    expect(JSON.parse(json.stdout)).toHaveLength(rows.length);
  });
});
