import type { Pool } from 'pg';
import type { CloseRecords, ExitRecords, OpenRecords } from '../../src/domain/records.ts';
import { tradeOutcomeTable, type ClosedOutcome, type TradeOutcomeRow } from '../entities/learning.ts';
import {
  livePositionTable,
  liveTradeTable,
  managedPositionTable,
  managedTradeTable,
} from '../entities/positions.ts';
import { insertInto, Parameters, takeExcluded } from '../sql.ts';
import { columnNames, encode, type Table } from '../table.ts';
import { inTransaction, type Queryable } from '../transaction.ts';
import { writeIntent, type KnownIntent } from './intents.ts';
import { openStatement } from './open-position.ts';

/**
 * Everything a close changes, in one transaction: the opening rows if they are missing, the exit rows,
 * realized P&L, the released reservation, the outcome, what is known of the orders. Any number of times;
 * the first close of a position is the one that stays.
 */
export async function recordClose(
  pool: Pool,
  close: CloseRecords,
  open: OpenRecords,
  outcome: ClosedOutcome,
  intents: readonly KnownIntent[],
): Promise<void> {
  await inTransaction(pool, async (client) => {
    const opening = openStatement(open, 'grow');
    await client.query(opening.text, opening.values);
    if (await isOpen(client, close.managedPosition.id)) await writeClose(client, close);
    await insertOnce(client, tradeOutcomeTable, outcomeRow(outcome));
    await client.query(
      `UPDATE "CapitalReservation" SET "status" = 'released', "releasedAt" = clock_timestamp(), "reason" = $2
       WHERE "tradeId" = $1 AND "status" = 'held'`,
      [close.managedPosition.tradeId, `closed: ${close.managedPosition.exitReason ?? 'unknown'}`],
    );
    for (const intent of intents) await writeIntent(client, intent);
  });
}

function outcomeRow(outcome: ClosedOutcome): TradeOutcomeRow {
  const { positionId, tradeId, symbol, side, netPnl, returnFraction, exitRule, thresholdsVersion } = outcome;
  return {
    positionId,
    tradeId,
    symbol,
    side,
    netPnl,
    returnFraction,
    exitRule,
    closedAt: outcome.exitTimeMs,
    thresholdsVersion,
    outcome,
    learnedAt: null,
    handedOverBy: null,
  };
}

async function isOpen(client: Queryable, positionId: string): Promise<boolean> {
  const { rows } = await client.query<{ status: string }>(
    'SELECT "status" FROM "ManagedPosition" WHERE "id" = $1 FOR UPDATE',
    [positionId],
  );
  return rows[0]?.status === 'open';
}

/**
 * Exits that have sold a part of a position which stays open, by rows of their own; of its live position the rest
 * is left. Any number of times; nothing where the position has no open row, since its close writes them too.
 */
export async function recordExits(pool: Pool, positionId: string, exits: ExitRecords): Promise<void> {
  await inTransaction(pool, async (client) => {
    if (!(await isOpen(client, positionId))) return;
    for (const trade of exits.exitTrades) await insertOnce(client, managedTradeTable, trade);
    for (const trade of exits.exitLiveTrades) await insertOnce(client, liveTradeTable, trade);
    await client.query(
      `UPDATE "LivePosition" AS live SET "quantity" = entry."quantity" - sold."quantity"
       FROM "ManagedPosition" AS entry,
         (SELECT sum("quantity") AS "quantity" FROM "ManagedTrade" WHERE "positionId" = $1 AND NOT "isEntry") AS sold
       WHERE live."positionId" = $1 AND entry."id" = $1 AND entry."quantity" > sold."quantity"`,
      [positionId],
    );
  });
}

async function writeClose(client: Queryable, close: CloseRecords): Promise<void> {
  for (const trade of close.exitTrades) {
    const parameters = new Parameters();
    const insert = insertInto(managedTradeTable, trade, parameters);
    // One that sold a part before is there already, without the P&L of the whole.
    await client.query(
      `${insert} ON CONFLICT ("id") DO UPDATE SET ${takeExcluded(['pnl'])}`,
      parameters.values,
    );
  }
  for (const trade of close.exitLiveTrades) await insertOnce(client, liveTradeTable, trade);
  await overwrite(client, managedPositionTable, close.managedPosition);
  await overwrite(client, livePositionTable, close.livePosition);
}

async function insertOnce<Row>(client: Queryable, table: Table<Row>, row: Row): Promise<void> {
  const parameters = new Parameters();
  const insert = insertInto(table, row, parameters);
  await client.query(`${insert} ON CONFLICT ("${table.key}") DO NOTHING`, parameters.values);
}

/** The row as recorded; an earlier version of it is replaced. */
async function overwrite<Row>(client: Queryable, table: Table<Row>, row: Row): Promise<void> {
  const parameters = new Parameters();
  const others = columnNames(table).filter((name) => name !== table.key);
  await client.query(
    `${insertInto(table, row, parameters)} ON CONFLICT ("${table.key}") DO UPDATE
     SET ${takeExcluded(others)}, "updatedAt" = clock_timestamp()`,
    parameters.values,
  );
}

/** Gives capital back that no position came to use; idempotent. True when it was held until now. */
export async function releaseReservation(pool: Pool, tradeId: string, reason: string): Promise<boolean> {
  return inTransaction(pool, async (client) => {
    const { rowCount } = await client.query(
      `UPDATE "CapitalReservation" SET "status" = 'released', "releasedAt" = clock_timestamp(), "reason" = $2
       WHERE "tradeId" = $1 AND "status" = 'held'`,
      [tradeId, encode('text', reason)],
    );
    return rowCount === 1;
  });
}
