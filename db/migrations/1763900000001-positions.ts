import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * The four records of a position. Amounts are unconstrained numerics; `< 'Infinity'` also keeps NaN out,
 * which PostgreSQL sorts above everything.
 */
export class Positions1763900000001 implements MigrationInterface {
  readonly name = 'Positions1763900000001';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(MANAGED);
    await runner.query(LIVE);
    await runner.query(CLOSED_IS_FINAL);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DROP TABLE "LiveTrade", "LivePosition";
      ALTER TABLE "ManagedPosition" DROP CONSTRAINT "ManagedPosition_entryTrade", DROP CONSTRAINT "ManagedPosition_exitTrade";
      DROP TABLE "ManagedTrade", "ManagedPosition";
      DROP FUNCTION "closedIsFinal"();`);
  }
}

const MANAGED = `
  CREATE TABLE "ManagedPosition" (
    "id" text PRIMARY KEY,
    "tradeId" text NOT NULL UNIQUE,
    "strategy" text NOT NULL,
    "symbol" text NOT NULL,
    "side" text NOT NULL CHECK ("side" IN ('long', 'short')),
    "quantity" numeric NOT NULL CHECK ("quantity" > 0 AND "quantity" < 'Infinity'),
    "entryPrice" numeric NOT NULL CHECK ("entryPrice" > 0 AND "entryPrice" < 'Infinity'),
    "entryTime" timestamptz NOT NULL,
    "entryTradeId" text NOT NULL,
    "exitPrice" numeric CHECK ("exitPrice" > 0 AND "exitPrice" < 'Infinity'),
    "exitTime" timestamptz,
    "exitTradeId" text,
    "exitReason" text,
    "status" text NOT NULL CHECK ("status" IN ('open', 'closed')),
    "realizedPnL" numeric CHECK ("realizedPnL" > '-Infinity' AND "realizedPnL" < 'Infinity'),
    "unrealizedPnL" numeric CHECK ("unrealizedPnL" > '-Infinity' AND "unrealizedPnL" < 'Infinity'),
    "fees" numeric NOT NULL CHECK ("fees" > '-Infinity' AND "fees" < 'Infinity'),
    "thresholdsVersion" integer NOT NULL,
    "marketConditions" jsonb NOT NULL,
    "createdAt" timestamptz NOT NULL DEFAULT clock_timestamp(),
    "updatedAt" timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT "ManagedPosition_closed_has_exit" CHECK (
      CASE "status"
        WHEN 'closed' THEN num_nulls("exitPrice", "exitTime", "exitTradeId", "exitReason", "realizedPnL") = 0
        ELSE num_nonnulls("exitPrice", "exitTime", "exitTradeId", "exitReason", "realizedPnL") = 0
      END)
  );
  CREATE INDEX "ManagedPosition_open" ON "ManagedPosition" ("symbol") WHERE "status" = 'open';
  CREATE INDEX "ManagedPosition_createdAt" ON "ManagedPosition" ("createdAt");
  CREATE INDEX "ManagedPosition_exitTime" ON "ManagedPosition" ("exitTime") WHERE "status" = 'closed';

  CREATE TABLE "ManagedTrade" (
    "id" text PRIMARY KEY,
    "positionId" text NOT NULL REFERENCES "ManagedPosition" DEFERRABLE INITIALLY DEFERRED,
    "side" text NOT NULL CHECK ("side" IN ('buy', 'sell')),
    "symbol" text NOT NULL,
    "quantity" numeric NOT NULL CHECK ("quantity" > 0 AND "quantity" < 'Infinity'),
    "price" numeric NOT NULL CHECK ("price" > 0 AND "price" < 'Infinity'),
    "value" numeric NOT NULL CHECK ("value" > 0 AND "value" < 'Infinity'),
    "fee" numeric NOT NULL CHECK ("fee" > '-Infinity' AND "fee" < 'Infinity'),
    "strategy" text NOT NULL,
    "executedAt" timestamptz NOT NULL,
    "pnl" numeric CHECK ("pnl" > '-Infinity' AND "pnl" < 'Infinity'),
    "isEntry" boolean NOT NULL,
    "krakenOrderId" text NOT NULL UNIQUE,
    UNIQUE ("id", "positionId")
  );
  CREATE UNIQUE INDEX "ManagedTrade_one_entry" ON "ManagedTrade" ("positionId") WHERE "isEntry";
  CREATE INDEX "ManagedTrade_positionId" ON "ManagedTrade" ("positionId");

  ALTER TABLE "ManagedPosition"
    ADD CONSTRAINT "ManagedPosition_entryTrade" FOREIGN KEY ("entryTradeId", "id")
      REFERENCES "ManagedTrade" ("id", "positionId") DEFERRABLE INITIALLY DEFERRED,
    ADD CONSTRAINT "ManagedPosition_exitTrade" FOREIGN KEY ("exitTradeId", "id")
      REFERENCES "ManagedTrade" ("id", "positionId") DEFERRABLE INITIALLY DEFERRED;`;

const LIVE = `
  CREATE TABLE "LivePosition" (
    "id" text PRIMARY KEY,
    "positionId" text NOT NULL UNIQUE REFERENCES "ManagedPosition" DEFERRABLE INITIALLY DEFERRED,
    "symbol" text NOT NULL,
    "side" text NOT NULL CHECK ("side" IN ('long', 'short')),
    "quantity" numeric NOT NULL CHECK ("quantity" > 0 AND "quantity" < 'Infinity'),
    "entryPrice" numeric NOT NULL CHECK ("entryPrice" > 0 AND "entryPrice" < 'Infinity'),
    "currentPrice" numeric NOT NULL CHECK ("currentPrice" > 0 AND "currentPrice" < 'Infinity'),
    "unrealizedPnL" numeric NOT NULL CHECK ("unrealizedPnL" > '-Infinity' AND "unrealizedPnL" < 'Infinity'),
    "exitsBelow" numeric,
    "exitsAbove" numeric,
    "netPnL" numeric CHECK ("netPnL" > '-Infinity' AND "netPnL" < 'Infinity'),
    "totalFees" numeric NOT NULL CHECK ("totalFees" > '-Infinity' AND "totalFees" < 'Infinity'),
    "status" text NOT NULL CHECK ("status" IN ('open', 'closed')),
    "openedAt" timestamptz NOT NULL,
    "closedAt" timestamptz,
    "bestPrice" numeric CHECK ("bestPrice" > 0 AND "bestPrice" < 'Infinity'),
    "markAgeMs" integer CHECK ("markAgeMs" >= 0),
    "stage" text,
    "updatedAt" timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT "LivePosition_closed_has_end" CHECK (
      CASE "status"
        WHEN 'closed' THEN num_nulls("closedAt", "netPnL") = 0
        ELSE num_nonnulls("closedAt", "netPnL") = 0
      END)
  ) WITH (fillfactor = 70);

  CREATE TABLE "LiveTrade" (
    "id" text PRIMARY KEY,
    "positionId" text NOT NULL REFERENCES "ManagedPosition" DEFERRABLE INITIALLY DEFERRED,
    "symbol" text NOT NULL,
    "side" text NOT NULL CHECK ("side" IN ('buy', 'sell')),
    "quantity" numeric NOT NULL CHECK ("quantity" > 0 AND "quantity" < 'Infinity'),
    "price" numeric NOT NULL CHECK ("price" > 0 AND "price" < 'Infinity'),
    "fee" numeric NOT NULL CHECK ("fee" > '-Infinity' AND "fee" < 'Infinity'),
    "exchangeOrderId" text NOT NULL UNIQUE,
    "exchangeTradeId" text NOT NULL,
    "signalConfidence" numeric NOT NULL CHECK ("signalConfidence" BETWEEN 0 AND 1),
    "requestedAt" timestamptz NOT NULL,
    "submittedAt" timestamptz NOT NULL,
    "executedAt" timestamptz NOT NULL,
    "slippage" numeric NOT NULL CHECK ("slippage" > '-Infinity' AND "slippage" < 'Infinity'),
    "purpose" text NOT NULL CHECK ("purpose" IN ('open', 'close'))
  );
  CREATE INDEX "LiveTrade_positionId" ON "LiveTrade" ("positionId");`;

/** A late writer must not bring a closed position back, whatever it believes. */
const CLOSED_IS_FINAL = `
  CREATE FUNCTION "closedIsFinal"() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    RAISE EXCEPTION 'position % is closed and can not be opened again', OLD."id" USING ERRCODE = 'check_violation';
  END $$;
  CREATE TRIGGER "ManagedPosition_closedIsFinal" BEFORE UPDATE ON "ManagedPosition" FOR EACH ROW
    WHEN (OLD."status" = 'closed' AND NEW."status" <> 'closed') EXECUTE FUNCTION "closedIsFinal"();
  CREATE TRIGGER "LivePosition_closedIsFinal" BEFORE UPDATE ON "LivePosition" FOR EACH ROW
    WHEN (OLD."status" = 'closed' AND NEW."status" <> 'closed') EXECUTE FUNCTION "closedIsFinal"();`;
