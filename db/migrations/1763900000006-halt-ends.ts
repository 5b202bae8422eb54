import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Who let entries in again, and why: as much of a decision as the halt itself. */
export class HaltEnds1763900000006 implements MigrationInterface {
  readonly name = 'HaltEnds1763900000006';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE "Halt" ADD COLUMN "endedBy" text, ADD COLUMN "endReason" text');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE "Halt" DROP COLUMN "endedBy", DROP COLUMN "endReason"');
  }
}
