import { columnNames, decodeRow, encodeRow, sqlType, type Table } from './table.ts';
import type { Queryable } from './transaction.ts';

/** Collects the parameters of one statement and hands out their places. */
export class Parameters {
  readonly values: unknown[] = [];

  place(value: unknown): string {
    this.values.push(value);
    return `$${this.values.length}`;
  }
}

export function quoted(name: string): string {
  return `"${name}"`;
}

export function columnList<Row>(table: Table<Row>, alias?: string): string {
  const prefix = alias === undefined ? '' : `${quoted(alias)}.`;
  return columnNames(table)
    .map((name) => prefix + quoted(name))
    .join(', ');
}

/** `INSERT INTO … VALUES …` of one row, with its parameters typed; the conflict clause is the caller's. */
export function insertInto<Row>(table: Table<Row>, row: Row, parameters: Parameters): string {
  const names = columnNames(table);
  const places = encodeRow(table, row).map((value, index) => {
    const name = names[index];
    return name === undefined ? '' : `${parameters.place(value)}::${sqlType(table.columns[name])}`;
  });
  return `INSERT INTO ${quoted(table.name)} (${columnList(table)}) VALUES (${places.join(', ')})`;
}

/** `SET` list that takes the row that was to be inserted. */
export function takeExcluded(names: readonly string[]): string {
  return names.map((name) => `${quoted(name)} = EXCLUDED.${quoted(name)}`).join(', ');
}

export async function selectRows<Row>(
  db: Queryable,
  table: Table<Row>,
  rest = '',
  values: unknown[] = [],
): Promise<Row[]> {
  const { rows } = await db.query(`SELECT ${columnList(table)} FROM ${quoted(table.name)} ${rest}`, values);
  return rows.map((row) => decodeRow(table, row));
}
