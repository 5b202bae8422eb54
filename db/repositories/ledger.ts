import type { CloseRecords, ExitRecords, OpenRecords } from '../../src/domain/records.ts';
import type { DataSource } from 'typeorm';
import { poolOf, witnessOf } from '../data-source.ts';
import type { ClosedOutcome } from '../entities/learning.ts';
import type { OrderIntentRow } from '../entities/orders.ts';
import type { StoredLivePosition } from '../entities/positions.ts';
import { recordClose, recordExits, releaseReservation } from './close-position.ts';
import { intentsOfTrade, markIntent, recordIntent, type IntentPatch, type KnownIntent } from './intents.ts';
import { livePosition, tradesWithQuietPositions, updateLive, type LiveUpdate } from './live.ts';
import { persistOpen, repairOpen, verifyOpen, type Verified } from './open-position.ts';
import { declineRotation, reserve, type Reservation, type ReserveRequest } from './reserve.ts';

export { VerificationFailed } from './open-position.ts';
export type { IntentPatch, KnownIntent, LiveUpdate, ClosedOutcome, Reservation, ReserveRequest, Verified };
export type { NewIntent } from './intents.ts';

/**
 * All that trading writes. Every call may be made any number of times, by two workers at once, and after an
 * answer that got lost. Errors of the database itself pass through as pg's.
 */
export interface Ledger {
  /** Limits, capital and the entry intent in one transaction under a lock. */
  reserve(request: ReserveRequest): Promise<Reservation>;
  /** Notes that the position that the entry waits for did not make room. */
  declineRotation(tradeId: string, nowMs: number): Promise<void>;
  /** Gives capital back that no position came to use. True when it was held until now. */
  releaseReservation(tradeId: string, reason: string): Promise<boolean>;
  /** Adds knowledge to an intent; older knowledge changes nothing. False when there is no such intent. */
  markIntent(clOrdId: string, patch: IntentPatch): Promise<boolean>;
  /** The same with the whole intent, which is written if it is missing. */
  recordIntent(intent: KnownIntent): Promise<void>;
  intentsOfTrade(tradeId: string): Promise<OrderIntentRow[]>;
  /** The four records in one transaction. A closed position stays closed. */
  persistOpen(records: OpenRecords): Promise<void>;
  /** Reads back on another connection; throws {@link VerificationFailed} naming field, expected and actual. */
  verifyOpen(records: OpenRecords): Promise<Verified>;
  /** Overwrites the rows of an open position that differ from the records. */
  repairOpen(records: OpenRecords): Promise<void>;
  /** The rows of exits that have sold a part of a position which stays open; each once. */
  recordExits(positionId: string, exits: ExitRecords): Promise<void>;
  /** Exit rows, P&L, released capital, outcome and intents in one transaction; opens first if need be. */
  recordClose(
    close: CloseRecords,
    open: OpenRecords,
    outcome: ClosedOutcome,
    intents: readonly KnownIntent[],
  ): Promise<void>;
  /** One statement for any number of positions; returns how many open ones were updated. */
  updateLive(updates: readonly LiveUpdate[]): Promise<number>;
  livePosition(positionId: string): Promise<StoredLivePosition | null>;
  /** Trades of open positions whose live row nobody has written for so long. */
  tradesWithQuietPositions(quietForMs: number): Promise<string[]>;
}

export function createLedger(database: DataSource): Ledger {
  const pool = poolOf(database);
  const witness = witnessOf(database);
  return {
    reserve: (request) => reserve(pool, request),
    declineRotation: (tradeId, nowMs) => declineRotation(pool, tradeId, nowMs),
    releaseReservation: (tradeId, reason) => releaseReservation(pool, tradeId, reason),
    markIntent: (clOrdId, patch) => markIntent(pool, clOrdId, patch),
    recordIntent: (intent) => recordIntent(pool, intent),
    intentsOfTrade: (tradeId) => intentsOfTrade(pool, tradeId),
    persistOpen: (records) => persistOpen(pool, records),
    verifyOpen: (records) => verifyOpen(witness, records),
    repairOpen: (records) => repairOpen(pool, records),
    recordExits: (positionId, exits) => recordExits(pool, positionId, exits),
    recordClose: (close, open, outcome, intents) => recordClose(pool, close, open, outcome, intents),
    updateLive: (updates) => updateLive(pool, updates),
    livePosition: (positionId) => livePosition(pool, positionId),
    tradesWithQuietPositions: (quietForMs) => tradesWithQuietPositions(pool, quietForMs),
  };
}
