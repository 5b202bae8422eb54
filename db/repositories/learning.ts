import type { Pool } from 'pg';
import { EXIT_RULES } from '../../src/domain/exit-policy.ts';
import type { LearningStep } from '../../src/domain/learning/step.ts';
import type { Outcome, Study } from '../../src/domain/learning/study.ts';
import { STARTING_THRESHOLDS, thresholdViolations } from '../../src/domain/thresholds.ts';
import { studyTable, thresholdVersionTable, type ThresholdVersionRow } from '../entities/learning.ts';
import { insertInto, Parameters, selectRows } from '../sql.ts';
import { inStatement, inTransaction, type Queryable } from '../transaction.ts';

/** There is no such version of the thresholds, or it may not become active. */
export class UnknownVersion extends Error {
  override readonly name = 'UnknownVersion';
}

/** Studies and the versions of thresholds they led to. */
export interface LearningStore {
  /** The version that new trades pin, with the velocity the next step starts from (null: none). */
  active(): Promise<ThresholdVersionRow>;
  /** Throws {@link UnknownVersion}. */
  version(version: number): Promise<ThresholdVersionRow>;
  /** Newest first. */
  versions(): Promise<ThresholdVersionRow[]>;
  knownVersions(): Promise<number[]>;
  /** Writes a step as the next version; active if it was accepted and its parent still is. A step is one version. */
  publish(step: LearningStep): Promise<ThresholdVersionRow>;
  /** Makes an accepted version the active one. Throws {@link UnknownVersion}. */
  rollback(version: number): Promise<ThresholdVersionRow>;
  /** Closes that a rule of the policy decided and that never became a study, oldest first. */
  unstudied(): Promise<Outcome[]>;
  /** Keeps a study and marks its outcome as learned; false when it is there already. */
  addStudy(study: Study): Promise<boolean>;
  /** Of closed positions. */
  countStudies(): Promise<number>;
  /** In order of entry. */
  studies(): Promise<Study[]>;
}

/** Serializes all changes of versions. */
const VERSIONS_LOCK = 7_041_955;

export function createLearningStore(pool: Pool): LearningStore {
  return {
    async active() {
      const found = await activeVersion(pool);
      return found ?? changeVersions(pool, firstVersion);
    },
    async version(version) {
      return requireVersion(pool, version);
    },
    versions: () => selectRows(pool, thresholdVersionTable, 'ORDER BY "version" DESC'),
    async knownVersions() {
      const { rows } = await inStatement<{ version: number }>(
        pool,
        'SELECT "version" FROM "ThresholdVersion" ORDER BY "version"',
        [],
      );
      return rows.map(({ version }) => version);
    },
    publish: (step) => changeVersions(pool, (client) => publish(client, step)),
    rollback: (version) => changeVersions(pool, (client) => rollback(client, version)),
    async unstudied() {
      const { rows } = await inStatement<{ outcome: Outcome }>(
        pool,
        `SELECT "outcome" FROM "TradeOutcome" WHERE "learnedAt" IS NULL AND "exitRule" = ANY ($1)
         ORDER BY "closedAt", "positionId"`,
        [EXIT_RULES],
      );
      return rows.map(({ outcome }) => outcome);
    },
    addStudy: (study) => addStudy(pool, study),
    async countStudies() {
      const { rows } = await inStatement<{ count: number }>(
        pool,
        'SELECT count(*)::integer AS count FROM "Study" WHERE "isTrade"',
        [],
      );
      return rows[0]?.count ?? 0;
    },
    studies: () => allStudies(pool),
  };
}

async function changeVersions<T>(pool: Pool, work: (client: Queryable) => Promise<T>): Promise<T> {
  return inTransaction(pool, async (client) => {
    await client.query('SELECT pg_advisory_xact_lock($1)', [VERSIONS_LOCK]);
    return work(client);
  });
}

async function addStudy(pool: Pool, study: Study): Promise<boolean> {
  return inTransaction(pool, async (client) => {
    const inserted = await client.query(
      `INSERT INTO "Study" ("id", "isTrade", "thresholdsVersion", "study") VALUES ($1, $2, $3, $4)
       ON CONFLICT ("id") DO NOTHING`,
      [study.id, study.outcome !== null, study.thresholdsVersion, JSON.stringify(study)],
    );
    await client.query(
      `UPDATE "TradeOutcome" SET "learnedAt" = clock_timestamp() WHERE "positionId" = $1 AND "learnedAt" IS NULL`,
      [study.id],
    );
    return inserted.rowCount === 1;
  });
}

/** Studies carry their market paths: page by page, so that no statement grows with their number. */
const STUDIES_PER_PAGE = 200;

async function allStudies(pool: Pool): Promise<Study[]> {
  const all: Study[] = [];
  for (let after = ''; ;) {
    const page = await selectRows(pool, studyTable, 'WHERE "id" > $1 ORDER BY "id" LIMIT $2', [
      after,
      STUDIES_PER_PAGE,
    ]);
    all.push(...page.map(({ study }) => study));
    const last = page.at(-1);
    if (!last || page.length < STUDIES_PER_PAGE) break;
    after = last.id;
  }
  return all.sort((left, right) => left.entryTimeMs - right.entryTimeMs || (left.id < right.id ? -1 : 1));
}

/** The active version; its velocity is the newest step's if that step went out from it or led to it. */
async function activeVersion(db: Queryable): Promise<ThresholdVersionRow | null> {
  const [active] = await selectRows(db, thresholdVersionTable, 'WHERE "active"');
  if (!active) return null;
  const [newest] = await selectRows(db, thresholdVersionTable, 'ORDER BY "version" DESC LIMIT 1');
  const follows = newest && [newest.version, newest.parentVersion].includes(active.version);
  return { ...active, velocity: follows ? newest.velocity : null };
}

async function requireVersion(db: Queryable, version: number): Promise<ThresholdVersionRow> {
  const [row] = await selectRows(db, thresholdVersionTable, 'WHERE "version" = $1', [version]);
  if (row) return row;
  const { rows } = await db.query<{ newest: number | null }>(
    'SELECT max("version") AS newest FROM "ThresholdVersion"',
  );
  throw new UnknownVersion(
    `thresholds version ${version} does not exist; versions are 1..${rows[0]?.newest ?? 1}`,
  );
}

async function firstVersion(client: Queryable): Promise<ThresholdVersionRow> {
  const found = await activeVersion(client);
  if (found) return found;
  const nowMs = Date.now();
  return writeVersion(client, {
    version: 1,
    thresholds: STARTING_THRESHOLDS,
    parentVersion: null,
    trades: 0,
    gradient: {},
    objectiveBefore: null,
    objectiveAfter: null,
    seenBefore: null,
    seenAfter: null,
    unseenBefore: null,
    unseenAfter: null,
    seed: 'start',
    accepted: true,
    why: 'starting values',
    active: true,
    createdAt: nowMs,
    gradientNoise: null,
    velocity: null,
    studies: 0,
    marks: 0,
    refused: null,
    activatedAt: nowMs,
    step: null,
  });
}

async function publish(client: Queryable, step: LearningStep): Promise<ThresholdVersionRow> {
  const [earlier] = await selectRows(
    client,
    thresholdVersionTable,
    'WHERE "parentVersion" = $1 AND "seed" = $2',
    [step.parentVersion, step.seed],
  );
  if (earlier) return earlier;
  const active = await firstVersion(client);
  const broken = step.accepted ? thresholdViolations(step.proposed) : [];
  const isOvertaken = active.version !== step.parentVersion;
  const accepted = step.accepted && broken.length === 0 && !isOvertaken;
  const reasons = [step.why, ...broken];
  if (isOvertaken) reasons.push(`version ${step.parentVersion} is not the active one any more`);
  const { rows } = await client.query<{ next: number }>(
    'SELECT max("version") + 1 AS next FROM "ThresholdVersion"',
  );
  if (accepted) await deactivate(client);
  const nowMs = Date.now();
  return writeVersion(client, {
    version: rows[0]?.next ?? 1,
    thresholds: step.proposed,
    parentVersion: step.parentVersion,
    trades: step.trades,
    gradient: step.gradient,
    objectiveBefore: overAll(step.studies, step.objective.seenBefore, step.objective.unseenBefore),
    objectiveAfter: overAll(step.studies, step.objective.seenAfter, step.objective.unseenAfter),
    ...step.objective,
    seed: step.seed,
    accepted,
    why: reasons.join('; '),
    active: accepted,
    createdAt: nowMs,
    gradientNoise: step.gradientNoise,
    velocity: step.velocity,
    studies: step.studies,
    marks: step.marks,
    refused: step.refused,
    activatedAt: accepted ? nowMs : null,
    step,
  });
}

/** The mean over all studies; the newest third of them is the unseen one. */
function overAll(studies: number, seen: number, unseen: number): number {
  const held = Math.floor(studies / 3);
  return studies === 0 ? 0 : (seen * (studies - held) + unseen * held) / studies;
}

async function rollback(client: Queryable, version: number): Promise<ThresholdVersionRow> {
  const target = await requireVersion(client, version);
  if (!target.accepted)
    throw new UnknownVersion(
      `thresholds version ${version} was refused (${target.why}) and can't become active`,
    );
  if (target.active) return target;
  await deactivate(client);
  await client.query(
    'UPDATE "ThresholdVersion" SET "active" = true, "activatedAt" = clock_timestamp() WHERE "version" = $1',
    [version],
  );
  return requireVersion(client, version);
}

async function deactivate(client: Queryable): Promise<void> {
  await client.query('UPDATE "ThresholdVersion" SET "active" = false WHERE "active"');
}

async function writeVersion(client: Queryable, row: ThresholdVersionRow): Promise<ThresholdVersionRow> {
  const parameters = new Parameters();
  await client.query(insertInto(thresholdVersionTable, row, parameters), parameters.values);
  return row;
}
