import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What the account was worth over time, what made room for what, and what the market's predictions were. */
export class Capital1763900000007 implements MigrationInterface {
  readonly name = 'Capital1763900000007';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(CAPITAL);
    await runner.query(SIGNALS);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE "SkippedSignal" DROP COLUMN "limit", DROP COLUMN "facts";
      DROP TABLE "Prediction", "Rotation", "RiskRules", "EquitySnapshot";`);
  }
}

const CAPITAL = `
  CREATE TABLE "EquitySnapshot" (
    "takenAt" timestamptz PRIMARY KEY,
    "cause" text NOT NULL CHECK ("cause" IN ('interval', 'close', 'reset')),
    "equity" numeric NOT NULL CHECK ("equity" > '-Infinity' AND "equity" < 'Infinity'),
    "cash" numeric NOT NULL CHECK ("cash" > '-Infinity' AND "cash" < 'Infinity'),
    "exposure" numeric NOT NULL CHECK ("exposure" >= 0 AND "exposure" < 'Infinity'),
    "peak" numeric NOT NULL CHECK ("peak" < 'Infinity'),
    "drawdown" double precision NOT NULL CHECK ("drawdown" >= 0 AND "drawdown" < 'Infinity'),
    "actor" text,
    "reason" text,
    CONSTRAINT "EquitySnapshot_peak_is_highest" CHECK ("peak" >= "equity"),
    CONSTRAINT "EquitySnapshot_reset_has_actor" CHECK ("cause" <> 'reset' OR "actor" IS NOT NULL)
  );

  CREATE TABLE "RiskRules" (
    "id" text PRIMARY KEY CHECK ("id" = 'current'),
    "limits" jsonb NOT NULL,
    "protections" jsonb NOT NULL,
    "workerId" text NOT NULL,
    "setAt" timestamptz NOT NULL DEFAULT clock_timestamp()
  );

  CREATE TABLE "Rotation" (
    "id" text PRIMARY KEY,
    "tradeId" text NOT NULL,
    "symbol" text NOT NULL,
    "side" text NOT NULL CHECK ("side" IN ('long', 'short')),
    "notional" numeric NOT NULL CHECK ("notional" > 0 AND "notional" < 'Infinity'),
    "confidence" double precision NOT NULL CHECK ("confidence" BETWEEN 0 AND 1),
    "limit" text NOT NULL,
    "weakestTradeId" text NOT NULL,
    "weakestPositionId" text NOT NULL,
    "weakestConfidence" double precision NOT NULL CHECK ("weakestConfidence" BETWEEN 0 AND 1),
    "status" text NOT NULL CHECK ("status" IN ('waiting', 'taken', 'declined', 'expired')),
    "facts" jsonb,
    "createdAt" timestamptz NOT NULL,
    "expiresAt" timestamptz NOT NULL,
    "endedAt" timestamptz,
    CONSTRAINT "Rotation_ends_once" CHECK (("status" = 'waiting') = ("endedAt" IS NULL))
  );
  CREATE UNIQUE INDEX "Rotation_one_per_entry" ON "Rotation" ("tradeId") WHERE "status" = 'waiting';
  CREATE UNIQUE INDEX "Rotation_one_per_position" ON "Rotation" ("weakestTradeId") WHERE "status" = 'waiting';
  CREATE INDEX "Rotation_weakestPositionId" ON "Rotation" ("weakestPositionId");`;

const SIGNALS = `
  CREATE TABLE "Prediction" (
    "id" text PRIMARY KEY,
    "symbol" text NOT NULL,
    "asOf" timestamptz NOT NULL,
    "action" text NOT NULL CHECK ("action" IN ('BUY', 'SELL', 'HOLD')),
    "confidence" double precision NOT NULL CHECK ("confidence" BETWEEN 0 AND 1),
    "ttlMs" integer NOT NULL CHECK ("ttlMs" > 0),
    "source" text NOT NULL
  );
  CREATE INDEX "Prediction_of_symbol" ON "Prediction" ("symbol", "asOf");

  ALTER TABLE "SkippedSignal" ADD COLUMN "limit" text, ADD COLUMN "facts" jsonb;`;
