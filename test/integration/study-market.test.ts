import { pino } from 'pino';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { openDatabase, poolOf, type Database } from '../../db/data-source.ts';
import { createRepositories, type Repositories } from '../../db/repositories/index.ts';
import { createRefusals } from '../../src/activities/refusals.ts';
import { studyRipeOutcomes, studySkippedSignals } from '../../src/activities/study-round.ts';
import type { Prediction } from '../../src/domain/exit-policy.ts';
import { objective } from '../../src/domain/learning/objective.ts';
import { prepareStudy } from '../../src/domain/learning/replay.ts';
import type { Study } from '../../src/domain/learning/study.ts';
import { NO_PROTECTIONS } from '../../src/domain/protections.ts';
import { NO_LIMITS } from '../../src/domain/risk.ts';
import { STARTING_THRESHOLDS, type Thresholds } from '../../src/domain/thresholds.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { candlesUntil, closeTrade, priceAt } from '../support/learning-market.ts';

const MINUTE_MS = 60_000;
/** What `closeTrade` makes lasts 40 minutes, and its horizon as long. */
const ENTRY_MS = Date.UTC(2026, 0, 15, 12);
const EXIT_MS = ENTRY_MS + 40 * MINUTE_MS;
const HORIZON_ENDS_MS = EXIT_MS + 40 * MINUTE_MS;

let server: TestDatabase;
let database: Database;
let repositories: Repositories;
let nowMs: number;

beforeAll(async () => {
  server = await createTestDatabase();
  database = await openDatabase(server.url, { poolSize: 4 });
  repositories = createRepositories(database);
});
afterAll(async () => {
  await database.destroy();
  await server.drop();
});
beforeEach(async () => {
  nowMs = HORIZON_ENDS_MS + 2 * MINUTE_MS;
  await poolOf(database).query(
    `TRUNCATE "ThresholdVersion", "Study", "Finding", "SkippedSignal", "Prediction", "Rotation", "TradeOutcome",
       "ManagedPosition", "ManagedTrade", "LivePosition", "LiveTrade"`,
  );
  await repositories.learning.active();
});

function dependencies() {
  const log = pino({ level: 'silent' });
  const now = () => nowMs;
  return {
    ...repositories,
    exchange: {
      candles: async (symbol: string, intervalMs: number, count: number) =>
        candlesUntil(nowMs, symbol, intervalMs, count),
    },
    limits: { ...NO_LIMITS, maxNotional: '1500' },
    protections: NO_PROTECTIONS,
    refuse: createRefusals({ findings: repositories.findings, now, log }),
    timeScale: 1,
    now,
    log,
  };
}
const round = () => studyRipeOutcomes(dependencies());

async function studyOf(id: string): Promise<Study> {
  const study = (await repositories.learning.studies()).find((candidate) => candidate.id === id);
  if (!study) throw new Error(`${id} is no study`);
  return study;
}

function prediction(minute: number, confidence = 0.55): Prediction {
  const asOfMs = ENTRY_MS + minute * MINUTE_MS;
  return { action: 'SELL', confidence, asOfMs, ttlMs: 2 * MINUTE_MS, source: 'momentum' };
}

async function keep(symbol: string, ...predictions: Prediction[]): Promise<void> {
  for (const each of predictions) await repositories.signals.keepPrediction(symbol, each);
}

const facts = {
  sigma: 0.003,
  takerFee: 0.0026,
  equity: '10000',
  baseNotional: '500',
  notional: '450',
  timeScale: 1,
};

/** A signal of the scan that came to nothing. */
async function refused(id: string, minute: number, over: { limit?: string; symbol?: string } = {}) {
  const { limit = 'maxOpenPositions', symbol = 'ETH/USD' } = over;
  const { asOfMs, ...signal } = prediction(minute, 0.95);
  await repositories.signals.skip({
    id,
    symbol,
    prediction: { ...signal, asOfMs, action: 'BUY' },
    limit,
    reason: `${limit} is 1`,
    thresholdsVersion: 1,
    facts: { ...facts, price: priceAt(asOfMs) },
  });
}

/** How much the objective of the study changes with one threshold. */
function difference(study: Study, one: Partial<Thresholds>, other: Partial<Thresholds>): number {
  const patient = { ...STARTING_THRESHOLDS, minLossBeforeExit: -0.15, profitTakingThreshold: 0.5 };
  const growth = (thresholds: Partial<Thresholds>) =>
    objective([prepareStudy(study)], { ...patient, exitScore: 0.95, ...thresholds }).growth;
  return Math.abs(growth(one) - growth(other));
}

test('a study knows every prediction of its symbol from entry to horizon, and so its thresholds matter', async () => {
  const { positionId } = await closeTrade(repositories.ledger, 'a', ENTRY_MS);
  await keep('BTC/USD', prediction(-3), prediction(-1), prediction(20), prediction(79), prediction(81));
  await keep('ETH/USD', prediction(30));
  expect(await round()).toMatchObject({ made: 1 });
  const study = await studyOf(positionId);
  expect(study.predictions).toEqual([prediction(-1), prediction(20), prediction(79)]);
  const [low, high] = [{ aiReversalConfidenceThreshold: 0.5 }, { aiReversalConfidenceThreshold: 0.9 }];
  expect(difference(study, low, high)).toBeGreaterThan(1e-6);
  expect(difference({ ...study, predictions: [] }, low, high)).toBe(0);
});

test('signals that found no capital are rivals of the weakest position that was open, and only of it', async () => {
  const strong = await closeTrade(repositories.ledger, 'strong', ENTRY_MS, {}, 0.9);
  const weak = await closeTrade(repositories.ledger, 'weak', ENTRY_MS + MINUTE_MS, {}, 0.6);
  await refused('scan-after', 5);
  await refused('scan-expired', 6, { limit: 'signal-expired' });
  await refused('scan-before', -1);
  await refused('scan-same', 7, { symbol: 'BTC/USD' });
  await refused('scan-halted', 8, { limit: 'halted' });
  await refused('scan-late', 42);
  await poolOf(database).query(
    `INSERT INTO "Rotation" ("id", "tradeId", "symbol", "side", "notional", "confidence", "limit", "weakestTradeId",
       "weakestPositionId", "weakestConfidence", "status", "facts", "createdAt", "expiresAt", "endedAt")
     SELECT trade || ' ' || $2, trade, 'SOL/USD', 'long', 450, 0.97, 'funds', $2, $3, 0.6, status, $4::jsonb, at, at, at
     FROM (VALUES ('scan-expired', 'expired', $1::timestamptz), ('scan-taken', 'taken', $1::timestamptz))
       AS asked(trade, status, at)`,
    [
      new Date(ENTRY_MS + 9 * MINUTE_MS),
      'weak',
      weak.positionId,
      { ...facts, price: priceAt(ENTRY_MS + 9 * MINUTE_MS) },
    ],
  );
  await keep('ETH/USD', prediction(30, 0.8));
  expect(await round()).toMatchObject({ made: 2 });

  expect((await studyOf(strong.positionId)).rivals).toEqual([]);
  const { rivals, ...study } = await studyOf(weak.positionId);
  expect(rivals.map(({ id }) => id)).toEqual(['scan-taken', 'scan-after', 'scan-expired']);
  const entryTimeMs = ENTRY_MS + 5 * MINUTE_MS;
  expect(rivals[1]).toMatchObject({
    symbol: 'ETH/USD',
    side: 'long',
    confidence: 0.95,
    entryPrice: priceAt(entryTimeMs),
    entryTimeMs,
    entryFeeRate: 0.0026,
    volatilityRatio: 2,
    baseFraction: 0.05,
    maxFraction: 0.15,
    predictions: [prediction(30, 0.8)],
  });
  expect(rivals[1]?.path.at(-1)?.timeMs).toBeGreaterThan(entryTimeMs + 59 * MINUTE_MS);
  const [low, high] = [{ capitalRotationUrgency: 0.1 }, { capitalRotationUrgency: 0.8 }];
  expect(difference({ ...study, rivals }, low, high)).toBeGreaterThan(1e-6);
  expect(difference({ ...study, rivals: [] }, low, high)).toBe(0);
});

test('a study waits for the market of its rivals, and does without those whose market has a gap', async () => {
  const { positionId } = await closeTrade(repositories.ledger, 'a', ENTRY_MS);
  await refused('scan-gap', 10, { symbol: 'GAP/USD' });
  await refused('scan-late', 39);
  const rivalIsRipeAtMs = ENTRY_MS + (39 + 60 + 1) * MINUTE_MS;
  expect(await round()).toEqual({ made: 0, nextRipeAtMs: rivalIsRipeAtMs });
  nowMs = rivalIsRipeAtMs;
  expect(await round()).toEqual({ made: 1, nextRipeAtMs: null });
  expect((await studyOf(positionId)).rivals.map(({ id }) => id)).toEqual(['scan-late']);
  expect(await repositories.findings.list()).toEqual([]);
});

test('a skipped signal is studied with the predictions that followed it', async () => {
  await closeTrade(repositories.ledger, 'donor', ENTRY_MS);
  await round();
  const skipped = { ...prediction(0, 0.02), action: 'BUY' } as const;
  await repositories.signals.skip({
    id: 'scan-faint',
    symbol: 'BTC/USD',
    prediction: skipped,
    limit: 'confidence',
    reason: 'confidence 0.02 is below entryConfidence 0.05',
    thresholdsVersion: 1,
  });
  await keep('BTC/USD', prediction(12), prediction(62));
  await studySkippedSignals(dependencies(), 5);
  expect(await studyOf('scan-faint')).toMatchObject({ outcome: null, predictions: [prediction(12)] });
});
