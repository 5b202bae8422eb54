import { activityInfo } from '@temporalio/activity';
import type { AlertDesk } from '../alerts/desk.ts';
import type { AlertFacts } from '../domain/alerts.ts';
import type { Outcome } from '../domain/learning/study.ts';
import type { CloseRecords, ExitRecords, OpenRecords } from '../domain/records.ts';
import type { KnownIntent, Ledger } from '../../db/repositories/ledger.ts';
import type { Decimal } from '../domain/money.ts';
import { entryOrderSide, exitOrderSide } from '../domain/position.ts';
import { clientOrderId, type Leg } from '../exchange/client-order-id.ts';
import type { FindingStore } from '../../db/repositories/findings.ts';
import type { HoldfastClient } from '../client.ts';
import type { UntaughtRule } from '../workflows/messages.ts';
import type { Logger } from '../logging.ts';

export type TradeOutcome = Outcome;

/** One of our orders that filled. */
export interface FilledLeg {
  readonly leg: Leg;
  readonly krakenOrderId: string;
  readonly quantity: Decimal;
  /** Where it is not the one that this workflow would give the leg. */
  readonly clOrdId?: string;
}

export interface PersistRequest {
  readonly records: OpenRecords;
  readonly tradeId: string;
}

/** Exits that have sold a part of a position which is still open. */
export interface PartialExits {
  readonly positionId: string;
  readonly records: ExitRecords;
}

export interface CloseRequest {
  /** The trade's, from which its client order ids are made. */
  readonly workflowId: string;
  readonly legs: readonly FilledLeg[];
  readonly open: OpenRecords;
  readonly records: CloseRecords;
  /** A close that no rule decided teaches nothing, but is recorded. */
  readonly outcome: Omit<TradeOutcome, 'exitRule'> & {
    readonly exitRule: TradeOutcome['exitRule'] | UntaughtRule;
  };
}

export interface FindingReport {
  readonly kind: string;
  readonly subject: string;
  readonly detail: Readonly<Record<string, unknown>>;
}

export interface LedgerActivityDependencies {
  readonly ledger: Pick<Ledger, 'persistOpen' | 'verifyOpen' | 'recordExits' | 'recordClose'>;
  readonly findings: Pick<FindingStore, 'raise'>;
  readonly client: Pick<HoldfastClient, 'positionClosed'>;
  readonly alertDesk: Pick<AlertDesk, 'raise'>;
  readonly now: () => number;
  readonly log: Logger;
}

/** A database that was only restarted wakes nobody. */
const PATIENCE_MS = 10_000;

export function createLedgerActivities(dependencies: LedgerActivityDependencies) {
  const { ledger, findings, client, alertDesk, now, log } = dependencies;
  return {
    /** Four records, one transaction, read back on another connection and compared field by field. */
    async persistPosition({ records, tradeId }: PersistRequest): Promise<void> {
      const { id: positionId, symbol, side, quantity, entryPrice } = records.managedPosition;
      const { krakenOrderId } = records.managedTrade;
      const ids = { tradeId, positionId, krakenOrderId };
      try {
        log.info({ ...ids, event: 'persisting' }, `Persisting position ${positionId}`);
        await ledger.persistOpen(records);
        log.info({ ...ids, event: 'persisted' }, `Successfully persisted position ${positionId}`);
        await ledger.verifyOpen(records);
        log.info(
          { ...ids, event: 'opened', symbol, side, quantity, entryPrice },
          `VERIFICATION: position ${positionId} confirmed in database`,
        );
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        log.error({ ...ids, event: 'persistence-failed' }, `DATABASE PERSISTENCE FAILED: ${why}`);
        const atMs = now();
        if (atMs - activityInfo().scheduledTimestampMs >= PATIENCE_MS) {
          alertDesk.raise({
            id: `persistence-failing:${positionId}`,
            kind: 'persistence-failed',
            atMs,
            facts: { tradeId, positionId, symbol, side, quantity, entryPrice, why },
          });
        }
        throw error;
      }
    },

    async recordExits({ positionId, records }: PartialExits): Promise<void> {
      await ledger.recordExits(positionId, records);
    },

    /** Exit rows, realized P&L net of fees, reservation released, outcome: one transaction; then equity is read anew. */
    async recordClose(request: CloseRequest): Promise<void> {
      const { open, records, outcome } = request;
      // The database that has to record this is the one that failed: people hear of it without it.
      if (outcome.exitRule === 'compensation') alertDesk.raise(flattenedAlert(outcome, now()));
      await ledger.recordClose(records, open, outcome, filledIntents(request));
      await client.positionClosed();
      const { id: positionId, symbol, side, exitPrice, realizedPnL, exitReason } = records.managedPosition;
      log.info(
        {
          tradeId: outcome.tradeId,
          positionId,
          krakenOrderId: records.exitTrades.at(-1)?.krakenOrderId,
          event: 'closed',
          symbol,
          side,
          exitPrice,
          realizedPnL,
          exitRule: exitReason,
        },
        `closed ${positionId}: ${exitReason}, P&L ${realizedPnL}`,
      );
    },

    async raiseFinding({ kind, subject, detail }: FindingReport): Promise<void> {
      await findings.raise({
        id: `${kind}:${subject}`,
        kind,
        subject,
        seen: detail,
        status: 'human',
        nowMs: now(),
      });
      log.error({ event: 'finding', kind, subject, ...detail }, `finding ${kind}: ${subject}`);
    },
  };
}

/** Its id is that of the row which tells the same once the database is back. */
function flattenedAlert(outcome: CloseRequest['outcome'], atMs: number): AlertFacts {
  const { positionId, tradeId, symbol, side, quantity, netPnl } = outcome;
  return {
    id: `persistence-failed:${positionId}`,
    kind: 'persistence-failed',
    atMs,
    facts: { tradeId, positionId, symbol, side, quantity, netPnl, flattened: true },
  };
}

function filledIntents({ workflowId, legs, records, outcome }: CloseRequest): KnownIntent[] {
  return legs.map(({ leg, krakenOrderId, quantity, clOrdId }) => ({
    tradeId: outcome.tradeId,
    workflowId,
    leg,
    clOrdId: clOrdId ?? clientOrderId(workflowId, leg),
    symbol: records.managedPosition.symbol,
    side: leg === 'entry' ? entryOrderSide(outcome.side) : exitOrderSide(outcome.side),
    orderType: leg.startsWith('stop') ? 'stop-loss' : 'market',
    quantity,
    limitPrice: null,
    status: 'filled',
    krakenOrderId,
  }));
}
