import type { Pool } from 'pg';
import { EXIT_RULES } from '../../src/domain/exit-policy.ts';
import type { RivalSignal } from '../../src/domain/learning/study-of-rival.ts';
import type { Study } from '../../src/domain/learning/study.ts';
import { skippedSignalTable, studyTable, type SkippedSignalRow } from '../entities/learning.ts';
import { selectRows } from '../sql.ts';
import { inStatement, inTransaction } from '../transaction.ts';
import { rivalsOf } from './rivals.ts';

/** An outcome as the ledger keeps it; it was written by the close, but is checked before anything is learned. */
export interface RecordedOutcome {
  readonly positionId: string;
  readonly outcome: unknown;
}

/** Outcomes of the ledger and what learning made of them. */
export interface StudyStore {
  /** The oldest closes that a rule of the policy decided and that learning has not dealt with. */
  unstudied(limit: number): Promise<RecordedOutcome[]>;
  countUnstudied(): Promise<number>;
  /** Notes who hands the outcome over if nobody did before; gives who was first. */
  handOver(positionId: string, by: string): Promise<string>;
  /** Of those positions that the ledger has closed. */
  outcomesOf(positionIds: readonly string[]): Promise<RecordedOutcome[]>;
  /** The signals, strongest first, that came while the closed position was open and found no free capital but its. */
  rivalsOf(positionId: string, most: number): Promise<RivalSignal[]>;
  /** Keeps a study and marks its outcome as learned; false when it is there already. */
  addStudy(study: Study): Promise<boolean>;
  /** Marks an outcome as dealt with though nothing is learned from it. */
  passOver(positionId: string): Promise<void>;
  /** Of closed positions. */
  countStudies(): Promise<number>;
  /** In order of entry; with a limit those kept last. */
  studies(newest?: number): Promise<Study[]>;
  /** The study of a closed position that was kept last. */
  newestTrade(): Promise<Study | null>;
  /** Signals skipped for want of confidence between these times that are no study yet and were not refused as one. */
  unstudiedSignals(fromMs: number, untilMs: number, limit: number): Promise<SkippedSignalRow[]>;
}

/** Studies carry their market paths: page by page, so that no statement grows with their number. */
const STUDIES_PER_PAGE = 100;
const WAITING = `"learnedAt" IS NULL AND "exitRule" = ANY ($1)`;
const RECORDED = `"positionId", "outcome"`;

export function createStudyStore(pool: Pool): StudyStore {
  return {
    async unstudied(limit) {
      const { rows } = await inStatement<RecordedOutcome & Record<string, unknown>>(
        pool,
        `SELECT ${RECORDED} FROM "TradeOutcome" WHERE ${WAITING} ORDER BY "closedAt", "positionId" LIMIT $2`,
        [EXIT_RULES, limit],
      );
      return rows;
    },
    countUnstudied: () =>
      count(pool, `SELECT count(*)::integer AS count FROM "TradeOutcome" WHERE ${WAITING}`, [EXIT_RULES]),
    async outcomesOf(positionIds) {
      const { rows } = await inStatement<RecordedOutcome & Record<string, unknown>>(
        pool,
        `SELECT ${RECORDED} FROM "TradeOutcome" WHERE "positionId" = ANY ($1)`,
        [positionIds],
      );
      return rows;
    },
    async handOver(positionId, by) {
      const { rows } = await inStatement<{ first: string | null }>(
        pool,
        `UPDATE "TradeOutcome" SET "handedOverBy" = coalesce("handedOverBy", $2) WHERE "positionId" = $1
         RETURNING "handedOverBy" AS first`,
        [positionId, by],
      );
      return rows[0]?.first ?? by;
    },
    rivalsOf: (positionId, most) => rivalsOf(pool, positionId, most),
    addStudy: (study) => addStudy(pool, study),
    async passOver(positionId) {
      await inStatement(pool, MARK_LEARNED, [positionId]);
    },
    countStudies: () => count(pool, 'SELECT count(*)::integer AS count FROM "Study" WHERE "isTrade"', []),
    studies: (newest) => readStudies(pool, newest ?? null),
    async newestTrade() {
      const [row] = await selectRows(
        pool,
        studyTable,
        'WHERE "isTrade" ORDER BY "createdAt" DESC, "id" LIMIT 1',
      );
      return row?.study ?? null;
    },
    unstudiedSignals: (fromMs, untilMs, limit) =>
      selectRows(
        pool,
        skippedSignalTable,
        `WHERE "asOf" >= $1 AND "asOf" <= $2 AND "reason" LIKE 'confidence%' AND "action" <> 'HOLD'
           AND NOT EXISTS (SELECT FROM "Study" WHERE "Study"."id" = "SkippedSignal"."id")
           AND NOT EXISTS (SELECT FROM "Finding" WHERE "Finding"."id" = 'refused-study:' || "SkippedSignal"."id")
         ORDER BY "asOf" DESC, "id" LIMIT $3`,
        [new Date(fromMs), new Date(untilMs), limit],
      ),
  };
}

const MARK_LEARNED = `UPDATE "TradeOutcome" SET "learnedAt" = clock_timestamp()
  WHERE "positionId" = $1 AND "learnedAt" IS NULL`;

async function addStudy(pool: Pool, study: Study): Promise<boolean> {
  return inTransaction(pool, async (client) => {
    const inserted = await client.query(
      `INSERT INTO "Study" ("id", "isTrade", "thresholdsVersion", "study") VALUES ($1, $2, $3, $4)
       ON CONFLICT ("id") DO NOTHING`,
      [study.id, study.outcome !== null, study.thresholdsVersion, JSON.stringify(study)],
    );
    await client.query(MARK_LEARNED, [study.id]);
    return inserted.rowCount === 1;
  });
}

async function readStudies(pool: Pool, newest: number | null): Promise<Study[]> {
  const { rows } = await inStatement<{ id: string }>(
    pool,
    'SELECT "id" FROM "Study" ORDER BY "createdAt" DESC, "id" LIMIT $1',
    [newest],
  );
  const all: Study[] = [];
  for (let from = 0; from < rows.length; from += STUDIES_PER_PAGE) {
    const ids = rows.slice(from, from + STUDIES_PER_PAGE).map(({ id }) => id);
    const page = await selectRows(pool, studyTable, 'WHERE "id" = ANY ($1)', [ids]);
    all.push(...page.map(({ study }) => study));
  }
  return all.sort((left, right) => left.entryTimeMs - right.entryTimeMs || (left.id < right.id ? -1 : 1));
}

async function count(pool: Pool, text: string, values: unknown[]): Promise<number> {
  const { rows } = await inStatement<{ count: number }>(pool, text, values);
  return rows[0]?.count ?? 0;
}
