import { entityOf, type Table } from '../table.ts';

export const FINDING_STATUSES = ['seen', 'acting', 'settled', 'human'] as const;
export type FindingStatus = (typeof FINDING_STATUSES)[number];

/** One disagreement between exchange, workflows and database. */
export interface FindingRow {
  /** Stable: the same disagreement has the same id in every run. */
  readonly id: string;
  readonly kind: string;
  /** Order, position or trade it is about. */
  readonly subject: string;
  readonly firstSeenAt: number;
  readonly lastSeenAt: number;
  /** Runs in a row that saw it. */
  readonly looks: number;
  readonly status: FindingStatus;
  readonly seen: Readonly<Record<string, unknown>>;
  /** What was done. */
  readonly action: string | null;
  readonly proof: Readonly<Record<string, unknown>> | null;
}

/** Blocks entries, never exits, from `startedAt` until `endedAt`. */
export interface HaltRow {
  readonly id: string;
  readonly reason: string;
  readonly actor: string;
  /** Whether every position was told to exit as well. */
  readonly flatten: boolean;
  readonly startedAt: number;
  readonly endedAt: number | null;
  /** Who resumed; null while the halt is in force. */
  readonly endedBy: string | null;
  readonly endReason: string | null;
}

export const findingTable: Table<FindingRow> = {
  name: 'Finding',
  key: 'id',
  columns: {
    id: 'text',
    kind: 'text',
    subject: 'text',
    firstSeenAt: 'time',
    lastSeenAt: 'time',
    looks: 'integer',
    status: 'text',
    seen: 'json',
    action: 'text?',
    proof: 'json?',
  },
};

export const haltTable: Table<HaltRow> = {
  name: 'Halt',
  key: 'id',
  columns: {
    id: 'text',
    reason: 'text',
    actor: 'text',
    flatten: 'boolean',
    startedAt: 'time',
    endedAt: 'time?',
    endedBy: 'text?',
    endReason: 'text?',
  },
};

export const Finding = entityOf(findingTable);
export const Halt = entityOf(haltTable);
