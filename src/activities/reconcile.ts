import { judgeFindings, type Disagreement } from '../domain/findings.ts';
import type { Exchange, OrderSnapshot } from '../exchange/port.ts';
import { ownDirection } from '../exchange/client-order-id.ts';
import type { FindingStore } from '../../db/repositories/findings.ts';
import type { LedgerReader } from '../../db/repositories/reader.ts';
import type { HoldfastClient } from '../client.ts';
import type { SettleInput } from '../workflows/messages.ts';
import type { Logger } from '../logging.ts';
import type { Takeover } from './takeover.ts';

/** How far back the exchange's closed orders are compared. */
const AUDIT_WINDOW_MS = 7 * 24 * 3_600_000;
/** What is younger than this may simply be under way. */
const SETTLING_TIME_MS = 30_000;

export interface AuditedFinding {
  readonly id: string;
  readonly kind: string;
  readonly subject: string;
  readonly looks: number;
  readonly action: 'seen' | 'settling' | 'report';
}

export interface AuditReport {
  readonly findings: readonly AuditedFinding[];
  readonly toSettle: readonly { readonly findingId: string; readonly settlement: SettleInput }[];
}

export interface ReconcileDependencies {
  readonly exchange: Pick<Exchange, 'closedOrders' | 'openOrders'>;
  readonly reader: Pick<LedgerReader, 'intents' | 'positions' | 'heldReservations'>;
  readonly findings: FindingStore;
  readonly client: Pick<HoldfastClient, 'runningTradeIds'>;
  readonly takeover: Takeover;
  readonly now: () => number;
  readonly log: Logger;
}

export function createReconcileActivities(dependencies: ReconcileDependencies) {
  const { exchange, reader, findings, client, takeover, now, log } = dependencies;

  async function compare(): Promise<Disagreement[]> {
    const nowMs = now();
    // Workflows are listed last: a trade that starts meanwhile has its rows before its order.
    const closed = await exchange.closedOrders(nowMs - AUDIT_WINDOW_MS);
    const open = await exchange.openOrders();
    const intents = await reader.intents(nowMs - AUDIT_WINDOW_MS);
    const positions = await reader.positions({ status: 'open' });
    const reservations = await reader.heldReservations();
    const running = await client.runningTradeIds();
    return judgeFindings({
      orders: [...closed, ...open]
        .filter((order) => order.openedAtMs < nowMs - SETTLING_TIME_MS)
        .map(auditedOrder),
      intents,
      positions: positions.map(({ id, tradeId }) => ({ id, tradeId })),
      reservations: reservations.filter(({ createdAtMs }) => createdAtMs < nowMs - SETTLING_TIME_MS),
      runningTradeIds: running,
    });
  }

  return {
    /** One comparison of exchange, database and workflows; only what was seen before is settled. */
    async audit(): Promise<AuditReport> {
      const disagreements = await compare();
      const audited: AuditedFinding[] = [];
      const toSettle: { findingId: string; settlement: SettleInput }[] = [];
      for (const { kind, subject, seen } of disagreements) {
        const id = `${kind}:${subject}`;
        const { looks, status } = await findings.raise({
          id,
          kind,
          subject,
          seen,
          status: 'seen',
          nowMs: now(),
        });
        const settlement =
          looks >= 2 && status !== 'settled'
            ? await takeover.settlementOf(id, { kind, subject, seen })
            : null;
        if (settlement) toSettle.push({ findingId: id, settlement });
        const action = settlement ? 'settling' : kind === 'foreign-order' ? 'report' : 'seen';
        audited.push({ id, kind, subject, looks, action });
        log.warn({ event: 'finding', kind, subject, looks, action, ...seen }, `finding ${kind}: ${subject}`);
      }
      await findings.clearUnseen(
        audited.map(({ id }) => id),
        now(),
      );
      return { findings: audited, toSettle };
    },

    async markSettled(settled: {
      findingId: string;
      action: string;
      proof: Record<string, unknown>;
    }): Promise<void> {
      await findings.settle(settled.findingId, settled.action, settled.proof, now());
      log.info({ event: 'finding-settled', ...settled }, `settled ${settled.findingId}: ${settled.action}`);
    },
  };
}

function auditedOrder(order: OrderSnapshot) {
  return {
    exchangeOrderId: order.exchangeOrderId,
    clientOrderId: order.clientOrderId,
    direction: ownDirection(order.clientOrderId),
    symbol: order.symbol,
    filledQuantity: order.filledQuantity,
    isOpen: order.status === 'open' || order.status === 'pending',
  };
}
