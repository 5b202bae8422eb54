import { EntitySchema, type EntitySchemaOptions } from 'typeorm';
import { big, compare, text } from '../src/domain/money.ts';

/**
 * What a column holds on our side; `?` marks a nullable one.
 * `count` is a whole number beyond 32 bits, `numeric` a decimal string, `time` epoch ms (timestamptz in the
 * database), `ratio` a float64 fraction, `exact-ratio` the same in a numeric column.
 */
export type Kind =
  'text' | 'numeric' | 'time' | 'json' | 'integer' | 'count' | 'boolean' | 'ratio' | 'exact-ratio';
export type Column = Kind | `${Kind}?`;

/** A table with the type of its rows: the one source of entity, SQL and comparison. */
export interface Table<Row> {
  readonly name: string;
  readonly key: keyof Row & string;
  readonly columns: Readonly<Record<keyof Row & string, Column>>;
}

const SQL_TYPE = {
  text: 'text',
  numeric: 'numeric',
  time: 'timestamptz',
  json: 'jsonb',
  integer: 'integer',
  count: 'bigint',
  boolean: 'boolean',
  ratio: 'double precision',
  'exact-ratio': 'numeric',
} as const satisfies Record<Kind, string>;

function kindOf(column: Column): Kind {
  return (column.endsWith('?') ? column.slice(0, -1) : column) as Kind;
}

export function columnNames<Row>(table: Table<Row>): (keyof Row & string)[] {
  return Object.keys(table.columns) as (keyof Row & string)[];
}

/** The type of the column in PostgreSQL. */
export function sqlType(column: Column): string {
  return SQL_TYPE[kindOf(column)];
}

export function entityOf<Row extends object>(table: Table<Row>): EntitySchema<Row> {
  const columns = columnNames(table).map((name) => {
    const column = table.columns[name];
    const kind = kindOf(column);
    return [
      name,
      {
        type: SQL_TYPE[kind],
        primary: name === table.key,
        nullable: column.endsWith('?'),
        ...(kind === 'json'
          ? {}
          : {
              transformer: {
                to: (value: unknown) => encode(column, value),
                from: (value: unknown) => decode(column, value),
              },
            }),
      },
    ];
  });
  const options: Partial<EntitySchemaOptions<Row>> = {
    name: table.name,
    tableName: table.name,
    columns: Object.fromEntries(columns) as never,
  };
  return new EntitySchema(options as EntitySchemaOptions<Row>);
}

/** Our value as a query parameter. Times are whole milliseconds. */
export function encode(column: Column, value: unknown): unknown {
  if (value === null || value === undefined) return null;
  switch (kindOf(column)) {
    case 'time':
      return new Date(Math.floor(value as number));
    case 'json':
      return JSON.stringify(value);
    default:
      return value;
  }
}

/** A value as pg hands it out, in our terms. */
export function decode(column: Column, value: unknown): unknown {
  if (value === null || value === undefined) return null;
  switch (kindOf(column)) {
    case 'time':
      return (value as Date).getTime();
    case 'numeric':
      return text(big(value as string));
    case 'count':
    case 'exact-ratio':
      return Number(value);
    default:
      return value;
  }
}

export function encodeRow<Row>(table: Table<Row>, row: Row): unknown[] {
  return columnNames(table).map((name) => encode(table.columns[name], row[name]));
}

/** Reads a row whose columns carry an optional prefix. */
export function decodeRow<Row>(table: Table<Row>, raw: Record<string, unknown>, prefix = ''): Row {
  const entries = columnNames(table).map((name) => [name, decode(table.columns[name], raw[prefix + name])]);
  return Object.fromEntries(entries) as Row;
}

/** Decimals by value (`1.50` is `1.5`), JSON whatever the order of its keys, times in whole milliseconds. */
export function isSame(column: Column, left: unknown, right: unknown): boolean {
  if (left === null || right === null || left === undefined || right === undefined)
    return (left ?? null) === (right ?? null);
  switch (kindOf(column)) {
    case 'numeric':
      return compare(left as string, right as string) === 0;
    case 'time':
      return Math.floor(left as number) === Math.floor(right as number);
    case 'json':
      return canonicalJson(left) === canonicalJson(right);
    default:
      return left === right;
  }
}

function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) =>
    part !== null && typeof part === 'object' && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([left], [right]) => (left < right ? -1 : 1)))
      : part,
  );
}
