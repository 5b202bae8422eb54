import type { Pool } from 'pg';
import type { LearningStep } from '../../src/domain/learning/step.ts';
import { STARTING_THRESHOLDS, thresholdViolations } from '../../src/domain/thresholds.ts';
import { thresholdVersionTable, type ThresholdVersionRow } from '../entities/learning.ts';
import { insertInto, Parameters, selectRows } from '../sql.ts';
import { inStatement, inTransaction, type Queryable } from '../transaction.ts';
import { createStudyStore, type StudyStore } from './studies.ts';

/** There is no such version of the thresholds, or it may not become active. */
export class UnknownVersion extends Error {
  override readonly name = 'UnknownVersion';
}

/** Its velocity is the last step's; null where there is none to go on with. */
export interface ActiveVersion extends ThresholdVersionRow {
  /** Steps from it that were not adopted. */
  readonly refusals: number;
}

/** Studies and the versions of thresholds they led to. */
export interface LearningStore extends StudyStore {
  /** The version that new trades pin, with what the next step starts from. */
  active(): Promise<ActiveVersion>;
  /** Throws {@link UnknownVersion}. */
  version(version: number): Promise<ThresholdVersionRow>;
  /** Newest first; all without a limit. */
  versions(newest?: number): Promise<ThresholdVersionRow[]>;
  knownVersions(): Promise<number[]>;
  /** Writes a step as the next version; active if it was accepted and its parent still is. A step is one version. */
  publish(step: LearningStep): Promise<ThresholdVersionRow>;
  /** Makes an accepted version the active one. Throws {@link UnknownVersion}. */
  rollback(version: number): Promise<ThresholdVersionRow>;
  /** How many trades had been studied when the newest step with a seed `studies-N` was made; 0 without one. */
  lastStepAt(): Promise<number>;
}

/** Serializes all changes of versions. */
const VERSIONS_LOCK = 7_041_955;

export function createLearningStore(pool: Pool): LearningStore {
  return {
    ...createStudyStore(pool),
    async active() {
      const found = await activeVersion(pool);
      return found ?? changeVersions(pool, firstVersion);
    },
    async version(version) {
      return requireVersion(pool, version);
    },
    versions: (newest) =>
      selectRows(pool, thresholdVersionTable, 'ORDER BY "version" DESC LIMIT $1', [newest ?? null]),
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
    async lastStepAt() {
      const { rows } = await inStatement<{ at: number | null }>(
        pool,
        `SELECT max(substring("seed" FROM '^studies-([0-9]{1,9})$')::integer) AS at FROM "ThresholdVersion"`,
        [],
      );
      return rows[0]?.at ?? 0;
    },
  };
}

async function changeVersions<T>(pool: Pool, work: (client: Queryable) => Promise<T>): Promise<T> {
  return inTransaction(pool, async (client) => {
    await client.query('SELECT pg_advisory_xact_lock($1)', [VERSIONS_LOCK]);
    return work(client);
  });
}

/** The active version; its velocity is the newest step's if that step went out from it or led to it. */
async function activeVersion(db: Queryable): Promise<ActiveVersion | null> {
  const [active] = await selectRows(db, thresholdVersionTable, 'WHERE "active"');
  if (!active) return null;
  const [newest] = await selectRows(db, thresholdVersionTable, 'ORDER BY "version" DESC LIMIT 1');
  const follows = newest && [newest.version, newest.parentVersion].includes(active.version);
  const { rows } = await db.query<{ refusals: number }>(
    'SELECT count(*)::integer AS refusals FROM "ThresholdVersion" WHERE "parentVersion" = $1 AND NOT "accepted"',
    [active.version],
  );
  return { ...active, velocity: follows ? newest.velocity : null, refusals: rows[0]?.refusals ?? 0 };
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

async function firstVersion(client: Queryable): Promise<ActiveVersion> {
  const found = await activeVersion(client);
  if (found) return found;
  const nowMs = Date.now();
  const first = await writeVersion(client, {
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
  return { ...first, refusals: 0 };
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
