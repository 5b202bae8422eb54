import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Intents and reserved capital. Neither refers to a position: both come before it, and a position that
 * is adopted into an empty database has neither.
 */
export class Orders1763900000002 implements MigrationInterface {
  readonly name = 'Orders1763900000002';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE "OrderIntent" (
        "id" text PRIMARY KEY,
        "tradeId" text NOT NULL,
        "workflowId" text NOT NULL,
        "leg" text NOT NULL,
        "clOrdId" text NOT NULL CHECK (length("clOrdId") BETWEEN 1 AND 18),
        "symbol" text NOT NULL,
        "side" text NOT NULL CHECK ("side" IN ('buy', 'sell')),
        "orderType" text NOT NULL,
        "quantity" numeric NOT NULL CHECK ("quantity" > 0 AND "quantity" < 'Infinity'),
        "limitPrice" numeric CHECK ("limitPrice" > 0 AND "limitPrice" < 'Infinity'),
        "status" text NOT NULL CHECK ("status" IN
          ('planned', 'sent', 'accepted', 'refused', 'unknown', 'filled', 'cancelled', 'absent')),
        "krakenOrderId" text,
        "why" text,
        "createdAt" timestamptz NOT NULL DEFAULT clock_timestamp(),
        "updatedAt" timestamptz NOT NULL DEFAULT clock_timestamp()
      );
      CREATE UNIQUE INDEX "OrderIntent_one_open_per_clOrdId" ON "OrderIntent" ("clOrdId")
        WHERE "status" IN ('planned', 'sent', 'accepted', 'unknown');
      CREATE INDEX "OrderIntent_clOrdId" ON "OrderIntent" ("clOrdId");
      CREATE INDEX "OrderIntent_tradeId" ON "OrderIntent" ("tradeId");
      CREATE UNIQUE INDEX "OrderIntent_krakenOrderId" ON "OrderIntent" ("krakenOrderId");

      CREATE TABLE "CapitalReservation" (
        "tradeId" text PRIMARY KEY,
        "symbol" text NOT NULL,
        "side" text NOT NULL CHECK ("side" IN ('long', 'short')),
        "notional" numeric NOT NULL CHECK ("notional" > 0 AND "notional" < 'Infinity'),
        "status" text NOT NULL CHECK ("status" IN ('held', 'released')),
        "reason" text,
        "createdAt" timestamptz NOT NULL DEFAULT clock_timestamp(),
        "releasedAt" timestamptz,
        CONSTRAINT "CapitalReservation_released_has_time" CHECK (("status" = 'released') = ("releasedAt" IS NOT NULL))
      );
      CREATE INDEX "CapitalReservation_held" ON "CapitalReservation" ("symbol") WHERE "status" = 'held';`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE "CapitalReservation", "OrderIntent"');
  }
}
