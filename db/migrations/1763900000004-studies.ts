import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What learning made of each signal, and everything a step needs to be repeated. */
export class Studies1763900000004 implements MigrationInterface {
  readonly name = 'Studies1763900000004';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE "Study" (
        "id" text PRIMARY KEY,
        "isTrade" boolean NOT NULL,
        "thresholdsVersion" integer NOT NULL,
        "study" jsonb NOT NULL,
        "createdAt" timestamptz NOT NULL DEFAULT clock_timestamp()
      );
      CREATE INDEX "Study_isTrade" ON "Study" ("isTrade");

      ALTER TABLE "ThresholdVersion"
        ADD COLUMN "gradientNoise" jsonb,
        ADD COLUMN "velocity" jsonb,
        ADD COLUMN "studies" integer CHECK ("studies" >= 0),
        ADD COLUMN "marks" bigint CHECK ("marks" >= 0),
        ADD COLUMN "refused" jsonb,
        ADD COLUMN "activatedAt" timestamptz;
      CREATE UNIQUE INDEX "ThresholdVersion_one_per_step" ON "ThresholdVersion" ("parentVersion", "seed");

      ALTER TABLE "SkippedSignal" ALTER COLUMN "price" DROP NOT NULL;`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DELETE FROM "SkippedSignal" WHERE "price" IS NULL;
      ALTER TABLE "SkippedSignal" ALTER COLUMN "price" SET NOT NULL;
      DROP INDEX "ThresholdVersion_one_per_step";
      ALTER TABLE "ThresholdVersion" DROP COLUMN "gradientNoise", DROP COLUMN "velocity", DROP COLUMN "studies",
        DROP COLUMN "marks", DROP COLUMN "refused", DROP COLUMN "activatedAt";
      DROP TABLE "Study";`);
  }
}
