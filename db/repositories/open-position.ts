import type { Pool } from 'pg';
import { compare } from '../../src/domain/money.ts';
import type { OpenRecords } from '../../src/domain/records.ts';
import {
  livePositionTable,
  liveTradeTable,
  managedPositionTable,
  managedTradeTable,
} from '../entities/positions.ts';
import { insertInto, Parameters, quoted, takeExcluded } from '../sql.ts';
import { columnNames, decodeRow, isSame, type Table } from '../table.ts';
import { inStatement } from '../transaction.ts';

/** A row read back is not the row that was written. */
export class VerificationFailed extends Error {
  override readonly name = 'VerificationFailed';
  /** `"Table".column`; the table alone when the row is missing. */
  readonly field: string;
  readonly expected: string;
  readonly actual: string;
  constructor(id: string, field: string, expected: unknown, actual: unknown) {
    const [wanted, found] = [show(expected), show(actual)];
    super(`position ${id} is not in the database as written: ${field} should be ${wanted} but is ${found}`);
    this.field = field;
    this.expected = wanted;
    this.actual = found;
  }
}

/** `superseded`: a later record of the same entry order, with more fills, is there already. */
export type Verified = 'confirmed' | 'superseded';

/** `grow` takes over more fills of the same entry order; `repair` overwrites whatever an open row says. */
type OnConflict = 'grow' | 'repair';

const POSITION_CHANGES = [
  'quantity',
  'entryPrice',
  'entryTime',
  'fees',
  'strategy',
  'thresholdsVersion',
  'marketConditions',
];
const LIVE_CHANGES = ['quantity', 'entryPrice', 'totalFees', 'openedAt'];
const TRADE_CHANGES = ['quantity', 'price', 'value', 'fee', 'executedAt', 'strategy'];
const LIVE_TRADE_CHANGES = [
  'quantity',
  'price',
  'fee',
  'exchangeTradeId',
  'signalConfidence',
  'requestedAt',
  'submittedAt',
  'executedAt',
  'slippage',
];

/** The four rows, in one statement: one round trip, one transaction. */
export function openStatement(records: OpenRecords, onConflict: OnConflict): Parameters & { text: string } {
  const parameters = new Parameters();
  const upsert = <Row>(table: Table<Row>, row: Row, changes: readonly string[], more = ''): string => {
    const stored = quoted(table.name);
    const conditions = onConflict === 'grow' ? [`EXCLUDED."quantity" > ${stored}."quantity"`] : [];
    if ('status' in table.columns) conditions.push(`${stored}."status" = 'open'`);
    const where = conditions.length > 0 ? `WHERE ${conditions.join(' AND ')}` : '';
    return `${insertInto(table, row, parameters)}
      ON CONFLICT (${quoted(table.key)}) DO UPDATE SET ${takeExcluded(changes)}${more} ${where}`;
  };
  const touched = ', "updatedAt" = clock_timestamp()';
  const text = `WITH
    position AS (${upsert(managedPositionTable, records.managedPosition, POSITION_CHANGES, touched)}),
    trade AS (${upsert(managedTradeTable, records.managedTrade, TRADE_CHANGES)}),
    live AS (${upsert(livePositionTable, records.livePosition, LIVE_CHANGES, touched)}),
    live_trade AS (${upsert(liveTradeTable, records.liveTrade, LIVE_TRADE_CHANGES)})
    SELECT`;
  return Object.assign(parameters, { text });
}

/**
 * Writes the four records of an opened position. Any number of times, by any number of workers: rows that
 * are there stay, unless these records know of more fills; a closed position stays closed.
 */
export async function persistOpen(pool: Pool, records: OpenRecords): Promise<void> {
  const { text, values } = openStatement(records, 'grow');
  await inStatement(pool, text, values, 'open-position');
}

/** Makes the rows of an open position say what the records say, whatever they said before. */
export async function repairOpen(pool: Pool, records: OpenRecords): Promise<void> {
  const { text, values } = openStatement(records, 'repair');
  await inStatement(pool, text, values);
}

/** What the market, the guard or the close may have moved on since the rows were written. */
const MOVES_WHILE_OPEN = new Set(['unrealizedPnL', 'currentPrice', 'exitsBelow', 'exitsAbove']);
/** Of a live position the quantity is what is still open. */
const MOVES_IN_LIVE = 'quantity';
const MOVES_AT_CLOSE = new Set([
  ...['status', 'exitPrice', 'exitTime', 'exitTradeId', 'exitReason', 'realizedPnL', 'fees'],
  ...['closedAt', 'netPnL', 'totalFees'],
]);

const TABLES = [
  ['managedPosition', managedPositionTable],
  ['managedTrade', managedTradeTable],
  ['livePosition', livePositionTable],
  ['liveTrade', liveTradeTable],
] as const;

const READ_BACK = `SELECT ${TABLES.map(([part, table]) =>
  columnNames(table as Table<Record<string, unknown>>)
    .map((name) => `${quoted(part)}.${quoted(name)} AS ${quoted(`${part}.${name}`)}`)
    .join(', '),
).join(', ')}
  FROM (SELECT 1) AS always
  ${TABLES.map(
    ([part, table], index) =>
      `LEFT JOIN ${quoted(table.name)} AS ${quoted(part)} ON ${quoted(part)}."id" = $${index + 1}`,
  ).join('\n  ')}`;

/**
 * Reads the four rows back, on whatever connection comes next, and compares every field that opening decides.
 * Throws {@link VerificationFailed} at the first difference.
 */
export async function verifyOpen(pool: Pool, records: OpenRecords): Promise<Verified> {
  const ids = TABLES.map(([part]) => records[part].id);
  const { rows } = await inStatement(pool, READ_BACK, ids, 'verify-open-position');
  const row = rows[0] ?? {};
  const storedQuantity = row['managedTrade.quantity'] as string | null;
  if (storedQuantity !== null && compare(storedQuantity, records.managedTrade.quantity) > 0)
    return 'superseded';
  const isClosed = row['managedPosition.status'] === 'closed';
  for (const [part, table] of TABLES) {
    compareRow(
      records.managedPosition.id,
      table,
      records[part] as unknown as Record<string, unknown>,
      row[`${part}.id`] === null ? null : decodeRow(table as Table<unknown>, row, `${part}.`),
      isClosed,
    );
  }
  return 'confirmed';
}

function compareRow(
  id: string,
  table: Table<Record<string, unknown>>,
  expected: Record<string, unknown>,
  actual: unknown,
  isClosed: boolean,
): void {
  if (actual === null)
    throw new VerificationFailed(id, quoted(table.name), `row ${String(expected.id)}`, 'missing');
  const stored = actual as Record<string, unknown>;
  for (const name of columnNames(table)) {
    if (MOVES_WHILE_OPEN.has(name) || (isClosed && MOVES_AT_CLOSE.has(name))) continue;
    if (table.name === livePositionTable.name && name === MOVES_IN_LIVE) continue;
    const column = table.columns[name];
    if (column === undefined || isSame(column, expected[name], stored[name])) continue;
    throw new VerificationFailed(id, `${quoted(table.name)}.${name}`, expected[name], stored[name]);
  }
}

function show(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
