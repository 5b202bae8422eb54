import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The step of learning behind a version as it was computed, so that it can be repeated and compared. */
export class WholeStep1763900000005 implements MigrationInterface {
  readonly name = 'WholeStep1763900000005';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE "ThresholdVersion" ADD COLUMN "step" jsonb');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE "ThresholdVersion" DROP COLUMN "step"');
  }
}
