import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Who handed an outcome to learning first, so that a copy from elsewhere is told from one that was sent again. */
export class HandedOver1763900000009 implements MigrationInterface {
  readonly name = 'HandedOver1763900000009';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE "TradeOutcome" ADD COLUMN "handedOverBy" text');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE "TradeOutcome" DROP COLUMN "handedOverBy"');
  }
}
