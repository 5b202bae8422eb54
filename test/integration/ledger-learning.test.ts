import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { openDatabase, poolOf, type Database } from '../../db/data-source.ts';
import { createRepositories, type Repositories } from '../../db/repositories/index.ts';
import { learningStep, NO_VELOCITY, type LearningStep } from '../../src/domain/learning/step.ts';
import type { Outcome, Study } from '../../src/domain/learning/study.ts';
import { STARTING_THRESHOLDS } from '../../src/domain/thresholds.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { OPENED_AT_MS, sampleClose, sampleOpen, sampleOutcome } from '../support/ledger-samples.ts';

let server: TestDatabase;
let databases: [Database, Database];
let one: Repositories;
let two: Repositories;

beforeAll(async () => {
  server = await createTestDatabase();
  databases = [await openDatabase(server.url), await openDatabase(server.url)];
  [one, two] = [createRepositories(databases[0]), createRepositories(databases[1])];
});

afterAll(async () => {
  await Promise.all(databases.map((database) => database.destroy()));
  await server.drop();
});

beforeEach(async () => {
  await poolOf(databases[0]).query(
    `TRUNCATE "ThresholdVersion", "Study", "Finding", "SkippedSignal", "TradeOutcome", "ManagedPosition",
       "ManagedTrade", "LivePosition", "LiveTrade", "CapitalReservation", "OrderIntent"`,
  );
});

function step(seed: string, over: Partial<LearningStep> = {}): LearningStep {
  const start = { version: 1, thresholds: STARTING_THRESHOLDS, velocity: NO_VELOCITY };
  return {
    ...learningStep([], start, seed),
    proposed: { ...STARTING_THRESHOLDS, exitScore: 0.55 },
    accepted: true,
    why: 'no worse on unseen trades',
    gradient: { ...NO_VELOCITY, exitScore: 0.25 },
    gradientNoise: { ...NO_VELOCITY, exitScore: 0.125 },
    velocity: { ...NO_VELOCITY, exitScore: 0.05 },
    objective: { seenBefore: 0.3, seenAfter: 0.6, unseenBefore: -0.3, unseenAfter: 0.9 },
    trades: 20,
    studies: 24,
    refused: [{ id: 'kraken-O1', reasons: ['a gap'] }],
    marks: 5_000_000_000,
    parentVersion: 1,
    seed,
    ...over,
  };
}

function study(id: string, outcome: Outcome | null, entryTimeMs = OPENED_AT_MS): Study {
  return {
    id,
    symbol: 'BTC/USD',
    side: 'long',
    confidence: 0.8,
    entryPrice: '60123.4',
    entryTimeMs,
    entryFeeRate: 0.0026,
    exitFeeRate: 0.0026,
    volatilityRatio: 1.1,
    baseFraction: 0.05,
    maxFraction: null,
    timeScale: 1,
    path: [{ timeMs: entryTimeMs, price: '60123.4' }],
    maxStepMs: 60_000,
    predictions: [],
    thresholdsVersion: 1,
    outcome,
    rivals: [],
  };
}

describe('versions of the thresholds', () => {
  test('begin with the starting values, once, whoever asks first', async () => {
    const asked = await Promise.all([one, two, one, two].map(({ learning }) => learning.active()));
    expect(asked.map(({ version }) => version)).toEqual([1, 1, 1, 1]);
    expect(asked[0]).toMatchObject({ thresholds: STARTING_THRESHOLDS, parentVersion: null, velocity: null });
    expect(await one.learning.knownVersions()).toEqual([1]);
  });

  test('a step becomes one version with all it came from, however often it is published', async () => {
    await one.learning.active();
    const published = await Promise.all(
      [one, two, one, two].map(({ learning }) => learning.publish(step('kraken-O20'))),
    );
    expect(published.map(({ version }) => version)).toEqual([2, 2, 2, 2]);
    const active = await two.learning.active();
    expect(active).toMatchObject({
      version: 2,
      refusals: 0,
      parentVersion: 1,
      thresholds: { exitScore: 0.55 },
      trades: 20,
      studies: 24,
      marks: 5_000_000_000,
      seed: 'kraken-O20',
      accepted: true,
      seenBefore: 0.3,
      unseenAfter: 0.9,
      gradient: { exitScore: 0.25 },
      velocity: { exitScore: 0.05 },
      refused: [{ id: 'kraken-O1', reasons: ['a gap'] }],
    });
    expect(active.step).toEqual(step('kraken-O20'));
    // 16 seen and 8 unseen of 24.
    expect(active.objectiveBefore).toBeCloseTo(0.1, 12);
    expect(active.objectiveAfter).toBeCloseTo(0.7, 12);
  });

  test('a refused step is recorded, changes nothing and hands its velocity on', async () => {
    await one.learning.active();
    await one.learning.publish(step('a'));
    const why = 'worse on unseen trades';
    const refused = await one.learning.publish(
      step('b', { parentVersion: 2, accepted: false, why, velocity: NO_VELOCITY }),
    );
    expect(refused).toMatchObject({ version: 3, accepted: false, active: false, activatedAt: null, why });
    expect(await one.learning.active()).toMatchObject({ version: 2, velocity: NO_VELOCITY, refusals: 1 });
    expect((await one.learning.versions()).map(({ version }) => version)).toEqual([3, 2, 1]);
  });

  test('a step that breaks an invariant is not adopted, whatever it says of itself', async () => {
    await one.learning.active();
    const proposed = { ...STARTING_THRESHOLDS, exitScore: 7 };
    const published = await one.learning.publish(step('c', { proposed }));
    expect(published).toMatchObject({ accepted: false, active: false });
    expect(published.why).toContain('exitScore is 7, allowed is 0.1..0.95');
  });

  test('a rollback takes effect at once and drops the momentum; a step under way does not undo it', async () => {
    await one.learning.active();
    await one.learning.publish(step('a'));
    expect(await two.learning.rollback(1)).toMatchObject({ version: 1, active: true });
    expect(await one.learning.active()).toMatchObject({ version: 1 });
    const late = await one.learning.publish(step('b', { parentVersion: 2 }));
    expect(late).toMatchObject({ version: 3, accepted: false });
    expect(late.why).toContain('version 2 is not the active one any more');
    expect(await one.learning.active()).toMatchObject({ version: 1, velocity: null });
  });

  test('an unknown or refused version can not be rolled back to', async () => {
    await one.learning.active();
    await one.learning.publish(step('a', { accepted: false, why: 'worse' }));
    await expect(one.learning.rollback(9)).rejects.toThrow(
      'thresholds version 9 does not exist; versions are 1..2',
    );
    await expect(one.learning.rollback(2)).rejects.toThrow(
      "version 2 was refused (worse) and can't become active",
    );
    await expect(one.learning.version(9)).rejects.toMatchObject({ name: 'UnknownVersion' });
  });
});

describe('studies', () => {
  const closed = (id: string, exitRule = 'take-profit') =>
    one.ledger.recordClose(sampleClose(id), sampleOpen(id), sampleOutcome(id, { exitRule }), []);

  test('every close that the policy decided is studied exactly once', async () => {
    for (const id of ['a', 'b']) await closed(id);
    await closed('c', 'compensation');
    const recorded = await one.learning.unstudied(10);
    const waiting = recorded.map(({ outcome }) => outcome) as Outcome[];
    expect(waiting).toEqual([sampleOutcome('a'), sampleOutcome('b')]);
    const [first] = waiting as [Outcome];
    const kept = await Promise.all(
      [one, two, one, two].map(({ learning }) => learning.addStudy(study(first.positionId, first))),
    );
    expect(kept.filter(Boolean)).toHaveLength(1);
    expect((await two.learning.unstudied(10)).map(({ outcome }) => outcome)).toEqual([sampleOutcome('b')]);
    expect(await two.learning.countUnstudied()).toBe(1);
    expect(await one.learning.countStudies()).toBe(1);
  });

  test('a second close of the same position does not make it unstudied again', async () => {
    await closed('a');
    const [{ outcome }] = (await one.learning.unstudied(10)) as unknown as [{ outcome: Outcome }];
    await one.learning.addStudy(study(outcome.positionId, outcome));
    await closed('a');
    expect(await one.learning.unstudied(10)).toEqual([]);
  });

  test('come back as they went in, in order of entry; skipped signals are not counted as trades', async () => {
    const later = study('kraken-O2', null, OPENED_AT_MS + 1);
    const earlier = study('scan-1', null, OPENED_AT_MS - 1);
    await one.learning.addStudy(later);
    await one.learning.addStudy(earlier);
    expect(await two.learning.studies()).toEqual([earlier, later]);
    expect(await two.learning.countStudies()).toBe(0);
  });

  test('come back complete when they are many', async () => {
    const many = Array.from({ length: 450 }, (_, index) =>
      study(`scan-${index}`, null, OPENED_AT_MS + index),
    );
    for (let from = 0; from < many.length; from += 90)
      await Promise.all(many.slice(from, from + 90).map((each) => one.learning.addStudy(each)));
    expect((await two.learning.studies()).map(({ id }) => id)).toEqual(many.map(({ id }) => id));
  });
});

test('a skipped signal is kept once, with its first reason', async () => {
  const prediction = {
    action: 'BUY',
    confidence: 0.03,
    asOfMs: 5_000,
    ttlMs: 1_000,
    source: 'momentum',
  } as const;
  const facts = {
    price: '60000.1',
    sigma: 0.002,
    takerFee: 0.004,
    equity: '10000',
    baseNotional: '500',
    notional: '25',
    timeScale: 1,
  };
  const skip = (reason: string) =>
    one.signals.skip({
      id: 'scan-BTCUSD-5000',
      symbol: 'BTC/USD',
      prediction,
      limit: 'maxExposure',
      reason,
      thresholdsVersion: 1,
      facts,
    });
  await skip('confidence');
  await skip('another');
  expect(await two.signals.skipped(5_000)).toEqual([
    {
      id: 'scan-BTCUSD-5000',
      symbol: 'BTC/USD',
      action: 'BUY',
      confidence: 0.03,
      asOf: 5_000,
      reason: 'confidence',
      detail: null,
      thresholdsVersion: 1,
      price: '60000.1',
      limit: 'maxExposure',
      facts,
    },
  ]);
  expect(await two.signals.skipped(5_001)).toEqual([]);
});

test('a prediction is kept once, and found by its symbol while it is fresh', async () => {
  const made = (asOfMs: number) =>
    ({ action: 'SELL', confidence: 0.7, asOfMs, ttlMs: 500, source: 'http' }) as const;
  for (const asOfMs of [1_000, 3_000, 2_000, 2_000])
    await one.signals.keepPrediction('SOL/USD', made(asOfMs));
  await one.signals.keepPrediction('XRP/USD', made(2_000));
  expect(await two.signals.predictions('SOL/USD', 1_500, 3_000)).toEqual([made(2_000), made(3_000)]);
  expect(await two.signals.predictions('SOL/USD', 1_499, 2_999)).toEqual([made(1_000), made(2_000)]);
});
