import type { MigrationInterface, QueryRunner } from 'typeorm';

export class LearningAndOversight1763900000003 implements MigrationInterface {
  readonly name = 'LearningAndOversight1763900000003';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(LEARNING);
    await runner.query(OVERSIGHT);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE "Halt", "Finding", "SkippedSignal", "ThresholdVersion", "TradeOutcome"');
  }
}

const LEARNING = `
  CREATE TABLE "TradeOutcome" (
    "positionId" text PRIMARY KEY REFERENCES "ManagedPosition" DEFERRABLE INITIALLY DEFERRED,
    "tradeId" text NOT NULL,
    "symbol" text NOT NULL,
    "side" text NOT NULL CHECK ("side" IN ('long', 'short')),
    "netPnl" numeric NOT NULL CHECK ("netPnl" > '-Infinity' AND "netPnl" < 'Infinity'),
    "returnFraction" double precision NOT NULL
      CHECK ("returnFraction" > '-Infinity' AND "returnFraction" < 'Infinity'),
    "exitRule" text NOT NULL,
    "closedAt" timestamptz NOT NULL,
    "thresholdsVersion" integer NOT NULL,
    "outcome" jsonb NOT NULL,
    "learnedAt" timestamptz
  );
  CREATE INDEX "TradeOutcome_not_learned" ON "TradeOutcome" ("closedAt") WHERE "learnedAt" IS NULL;
  CREATE INDEX "TradeOutcome_closedAt" ON "TradeOutcome" ("closedAt");

  CREATE TABLE "ThresholdVersion" (
    "version" integer PRIMARY KEY CHECK ("version" > 0),
    "thresholds" jsonb NOT NULL,
    "parentVersion" integer REFERENCES "ThresholdVersion",
    "trades" integer NOT NULL CHECK ("trades" >= 0),
    "gradient" jsonb NOT NULL,
    "objectiveBefore" double precision,
    "objectiveAfter" double precision,
    "seenBefore" double precision,
    "seenAfter" double precision,
    "unseenBefore" double precision,
    "unseenAfter" double precision,
    "seed" text NOT NULL,
    "accepted" boolean NOT NULL,
    "why" text NOT NULL,
    "active" boolean NOT NULL,
    "createdAt" timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT "ThresholdVersion_active_is_accepted" CHECK ("accepted" OR NOT "active")
  );
  CREATE UNIQUE INDEX "ThresholdVersion_one_active" ON "ThresholdVersion" ("active") WHERE "active";

  CREATE TABLE "SkippedSignal" (
    "id" text PRIMARY KEY,
    "symbol" text NOT NULL,
    "action" text NOT NULL CHECK ("action" IN ('BUY', 'SELL', 'HOLD')),
    "confidence" double precision NOT NULL CHECK ("confidence" BETWEEN 0 AND 1),
    "asOf" timestamptz NOT NULL,
    "reason" text NOT NULL,
    "detail" text,
    "thresholdsVersion" integer NOT NULL,
    "price" numeric NOT NULL CHECK ("price" > 0 AND "price" < 'Infinity')
  );
  CREATE INDEX "SkippedSignal_asOf" ON "SkippedSignal" ("asOf");`;

const OVERSIGHT = `
  CREATE TABLE "Finding" (
    "id" text PRIMARY KEY,
    "kind" text NOT NULL,
    "subject" text NOT NULL,
    "firstSeenAt" timestamptz NOT NULL,
    "lastSeenAt" timestamptz NOT NULL,
    "looks" integer NOT NULL CHECK ("looks" > 0),
    "status" text NOT NULL CHECK ("status" IN ('seen', 'acting', 'settled', 'human')),
    "seen" jsonb NOT NULL,
    "action" text,
    "proof" jsonb
  );
  CREATE INDEX "Finding_unsettled" ON "Finding" ("lastSeenAt") WHERE "status" <> 'settled';

  CREATE TABLE "Halt" (
    "id" text PRIMARY KEY,
    "reason" text NOT NULL,
    "actor" text NOT NULL,
    "flatten" boolean NOT NULL,
    "startedAt" timestamptz NOT NULL DEFAULT clock_timestamp(),
    "endedAt" timestamptz CHECK ("endedAt" >= "startedAt")
  );
  CREATE INDEX "Halt_active" ON "Halt" ("startedAt") WHERE "endedAt" IS NULL;`;
