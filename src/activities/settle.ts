import { ApplicationFailure } from '@temporalio/common';
import { exitRecords, openRecords } from '../domain/records.ts';
import type { Evidence, FindingKind } from '../domain/audit/views.ts';
import { tradeFacts } from '../domain/trade-facts.ts';
import type { Exchange, OrderSnapshot } from '../exchange/port.ts';
import type { HoldfastClient } from '../client.ts';
import { tradeWorkflowId } from '../workflows/trade-id.ts';
import type { FindingStore } from '../../db/repositories/findings.ts';
import type { Ledger } from '../../db/repositories/ledger.ts';
import type { LedgerReader } from '../../db/repositories/reader.ts';
import type { Logger } from '../logging.ts';
import type { FindingToSettle, TradeState } from '../workflows/messages.ts';
import { finishedExits, Unexplained, type Takeover } from './takeover.ts';

export type Adoption = 'adopt' | 'flatten';

/** What settles a finding: done already, or a trade that takes over. */
export type Settlement =
  | { readonly kind: 'done'; readonly action: string; readonly proof: Readonly<Record<string, unknown>> }
  | { readonly kind: 'start-trade'; readonly action: string; readonly resume: TradeState }
  | { readonly kind: 'human'; readonly why: string };

export interface SettleDependencies {
  readonly exchange: Pick<Exchange, 'order' | 'cancel'>;
  readonly ledger: Pick<
    Ledger,
    'repairOpen' | 'verifyOpen' | 'recordExits' | 'recordIntent' | 'markIntent' | 'releaseReservation'
  >;
  readonly reader: Pick<LedgerReader, 'position'>;
  readonly findings: Pick<FindingStore, 'act' | 'needPerson'>;
  readonly client: Pick<HoldfastClient, 'isRunning' | 'state' | 'tellSoldOutside'>;
  readonly takeover: Takeover;
  readonly adoption: Adoption;
  readonly now: () => number;
  readonly log: Logger;
}

const TOLD: Partial<Record<FindingKind, string>> = {
  'stop-fired': 'counted what the protective stop sold',
  'stop-gone': 'told the trade, which looks at its stop',
};

/** Every settlement looks again before it acts: between the second look and now the world has moved on. */
export function createSettleActivities(dependencies: SettleDependencies) {
  const { exchange, ledger, reader, findings, client, takeover, adoption, now } = dependencies;

  async function planTakeover({ kind, evidence }: FindingToSettle): Promise<Settlement> {
    const { tradeId, entryOrderId = '' } = evidence;
    const workflowId = tradeWorkflowId(tradeId);
    if (await client.isRunning(tradeId)) return done('watched by its trade again', { workflowId });
    const row = await reader.position(`kraken-${entryOrderId}`);
    if (row?.status === 'closed') return done('closed by now', { positionId: row.id });
    const entry = await endedEntry(entryOrderId);
    if (!entry) {
      return { kind: 'human', why: `the exchange does not know the entry order ${entryOrderId}` };
    }
    if (entry.fills.length === 0) {
      if (entry.clientOrderId !== null)
        await ledger.markIntent(entry.clientOrderId, { status: 'cancelled', krakenOrderId: entryOrderId });
      return done('cancelled, nothing had filled', { krakenOrderId: entryOrderId, status: entry.status });
    }
    const known = await takeover.stateOf(entry, await withoutStray(evidence));
    const facts = tradeFacts(known, known.plan, known.position);
    // Rows that somebody changed would fail the trade's own verification, and with it the position.
    if (row) await ledger.repairOpen(openRecords(facts));
    await recordEntryIntent(entry, tradeId);
    const isOver = known.demand?.rule === 'reconciliation' && known.exits.length > 0;
    const isFlattened = kind === 'orphan-order' && adoption === 'flatten' && !known.demand;
    const resume = isFlattened
      ? { ...known, demand: { rule: 'forced' as const, reason: 'HOLDFAST_ADOPT is flatten', atMs: now() } }
      : known;
    const taken = kind === 'orphan-order' ? 'adopted' : 'restarted';
    const action = isFlattened ? 'flattened' : isOver ? `${taken}, its exit is brought to an end` : taken;
    return { kind: 'start-trade', action, resume };
  }

  /** An entry that still rests would fill with nobody watching: it is ours, so it is cancelled. */
  async function endedEntry(entryOrderId: string): Promise<OrderSnapshot | null> {
    const order = await exchange.order(entryOrderId, 'look-up');
    if (!order || (order.status !== 'open' && order.status !== 'pending')) return order;
    await exchange.cancel(entryOrderId, 'look-up');
    throw ApplicationFailure.retryable(`entry order ${entryOrderId} is being cancelled`, 'EntryRests');
  }

  /**
   * A resting stop of a trade that nobody knows holds what the adopted one has to sell, and is in nobody's state. It
   * is ours, so it is cancelled; what it sold before counts like any sale.
   */
  async function withoutStray(evidence: Evidence): Promise<Evidence> {
    const { stop, exits = [] } = evidence;
    if (stop?.leg !== null) return evidence;
    const { exchangeOrderId } = stop;
    const order = await exchange.order(exchangeOrderId, 'look-up');
    if (order?.status === 'open' || order?.status === 'pending') {
      await exchange.cancel(exchangeOrderId, 'look-up');
      throw ApplicationFailure.retryable(`stop order ${exchangeOrderId} is being cancelled`, 'StopRests');
    }
    return { ...evidence, exits: [...exits, { exchangeOrderId, leg: 'outside' }] };
  }

  async function recordEntryIntent(entry: OrderSnapshot, tradeId: string): Promise<void> {
    if (entry.clientOrderId === null) return;
    await ledger.recordIntent({
      tradeId,
      workflowId: tradeWorkflowId(tradeId),
      leg: 'entry',
      clOrdId: entry.clientOrderId,
      symbol: entry.symbol,
      side: entry.side,
      orderType: entry.type,
      quantity: entry.quantity,
      limitPrice: null,
      status: 'filled',
      krakenOrderId: entry.exchangeOrderId,
    });
  }

  async function repairRows({ tradeId }: Evidence): Promise<Settlement> {
    const state = await client.state(tradeId);
    const { plan, position, persistence, stage } = state;
    if (!plan || !position || stage !== 'open' || persistence !== 'confirmed') {
      return done(`left to the trade, which is ${stage} with its records ${persistence}`, {});
    }
    const facts = tradeFacts(state, plan, position);
    const records = openRecords(facts);
    await ledger.repairOpen(records);
    await ledger.verifyOpen(records);
    await ledger.recordExits(position.positionId, exitRecords(facts, state.exits));
    return done('rows repaired from the workflow', { verified: records.managedPosition.id });
  }

  async function tellTrade({ kind, evidence }: FindingToSettle): Promise<Settlement> {
    const { tradeId } = evidence;
    const { request } = await client.state(tradeId);
    const exits = await finishedExits(exchange, evidence, request.symbol);
    const answer = await client.tellSoldOutside(tradeId, { exits });
    if (answer === null) return done('the trade has ended meanwhile', { tradeId });
    await recordPartialExits(tradeId);
    return done(TOLD[kind] ?? 'counted the fills that others made', {
      orders: exits.map(({ exchangeOrderId }) => exchangeOrderId),
      openQuantity: answer.openQuantity,
    });
  }

  /** A trade that goes on with what is left writes its exits only when it closes. */
  async function recordPartialExits(tradeId: string): Promise<void> {
    const { stage, plan, position, exits, ...state } = await client.state(tradeId);
    if (!plan || !position || stage !== 'open') return;
    const facts = tradeFacts(state, plan, position);
    await ledger.recordExits(position.positionId, exitRecords(facts, exits));
  }

  async function release({ tradeId }: Evidence): Promise<Settlement> {
    if (await client.isRunning(tradeId)) return done('its trade is running', { tradeId });
    await ledger.releaseReservation(tradeId, 'reconciliation: no trade holds it');
    return done('released', { tradeId });
  }

  async function plan(finding: FindingToSettle): Promise<Settlement> {
    switch (finding.kind) {
      case 'orphan-order':
      case 'unwatched-position':
        return planTakeover(finding);
      case 'row-missing':
      case 'row-differs':
        return repairRows(finding.evidence);
      case 'stop-fired':
      case 'stop-gone':
      case 'flat-on-exchange':
      case 'quantity-differs':
        return tellTrade(finding);
      case 'orphan-reservation':
        return release(finding.evidence);
      default:
        return { kind: 'human', why: `nothing settles a finding ${finding.kind}` };
    }
  }

  return {
    /** Does what can be done at once, or says in which state a trade has to take over. */
    async planSettlement(finding: FindingToSettle): Promise<Settlement> {
      await findings.act(finding.id, 'being settled');
      try {
        return await plan(finding);
      } catch (error) {
        if (!(error instanceof Unexplained)) throw error;
        return { kind: 'human', why: error.message };
      }
    },

    /** Throws until the trade has its records, or has gone beyond them. */
    async proveTakenOver({ tradeId }: { tradeId: string }): Promise<Record<string, unknown>> {
      const { stage, persistence, position, guard } = await client.state(tradeId);
      if (stage === 'open' && persistence !== 'confirmed') {
        throw ApplicationFailure.retryable(`the records of ${tradeId} are ${persistence}`, 'NotPersisted');
      }
      const workflowId = tradeWorkflowId(tradeId);
      return { workflowId, stage, positionId: position?.positionId, guard: guard?.leaseId ?? null };
    },

    async markForHuman({ finding, why }: { finding: FindingToSettle; why: string }): Promise<void> {
      const { id, kind, subject } = finding;
      await findings.needPerson(id, why);
      dependencies.log.error(
        { event: 'finding-for-human', kind, subject, why },
        `${kind} ${subject}: ${why}`,
      );
    },
  };
}

function done(action: string, proof: Readonly<Record<string, unknown>>): Settlement {
  return { kind: 'done', action, proof };
}
