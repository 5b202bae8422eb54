import type { AlertKind } from '../../src/domain/alerts.ts';
import { entityOf, type Table } from '../table.ts';

/** Something that people are told, written in the transaction of what it tells of. */
export interface AlertRow {
  /** Stable: the same event has the same id, whoever notices it. */
  readonly id: string;
  readonly kind: AlertKind;
  /** Position, finding or halt it is about. */
  readonly subject: string;
  readonly facts: Readonly<Record<string, unknown>>;
  readonly occurredAt: number;
  /** When Temporal took over its delivery; null before that. */
  readonly handedOverAt: number | null;
}

export const alertTable: Table<AlertRow> = {
  name: 'Alert',
  key: 'id',
  columns: {
    id: 'text',
    kind: 'text',
    subject: 'text',
    facts: 'json',
    occurredAt: 'time',
    handedOverAt: 'time?',
  },
};

export const AlertEntity = entityOf(alertTable);
