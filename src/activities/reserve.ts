import type { ShrinkRules } from '../domain/entry-size.ts';
import { compare } from '../domain/money.ts';
import type { Protections } from '../domain/protections.ts';
import type { RiskLimits } from '../domain/risk.ts';
import type { GivingWay } from '../domain/rotation.ts';
import type { SignalFacts } from '../domain/signal-facts.ts';
import { clientOrderId } from '../exchange/client-order-id.ts';
import { entryOrderSide } from '../domain/position.ts';
import type { EntryPlan, GiveWay, TradeRequest } from '../workflows/messages.ts';
import type { Ledger, Reservation as LedgerReservation } from '../../db/repositories/ledger.ts';
import type { LearningStore } from '../../db/repositories/learning.ts';
import type { SignalStore } from '../../db/repositories/signals.ts';
import type { HoldfastClient } from '../client.ts';
import type { Logger } from '../logging.ts';
import { workflowExecution } from './orders.ts';
import { planEntry, type ImpossibleEntry, type PlanDependencies, type PlannedEntry } from './plan-entry.ts';

export type Reservation =
  | { readonly kind: 'reserved'; readonly plan: EntryPlan }
  /** The weakest position has to be asked to make room; then it is reserved anew. */
  | { readonly kind: 'waiting'; readonly weakest: GivingWay; readonly message: string }
  | { readonly kind: 'rejected'; readonly message: string };

export interface ReserveDependencies extends PlanDependencies {
  readonly ledger: Pick<Ledger, 'reserve' | 'releaseReservation' | 'declineRotation'>;
  readonly learning: Pick<LearningStore, 'active'>;
  readonly signals: Pick<SignalStore, 'skip'>;
  readonly client: Pick<HoldfastClient, 'giveWay'>;
  readonly limits: RiskLimits;
  readonly protections: Protections;
  readonly now: () => number;
  readonly log: Logger;
}

type Refused = Extract<LedgerReservation, { kind: 'rejected' }> | ImpossibleEntry;

export function createReserveActivities(dependencies: ReserveDependencies) {
  const { ledger, learning, signals, client, limits, protections, timeScale, log, now } = dependencies;

  async function reject(
    request: TradeRequest,
    { limit, message }: Pick<Refused, 'limit' | 'message'>,
    thresholdsVersion: number,
    facts: SignalFacts | null,
  ): Promise<Reservation> {
    const { tradeId, symbol, side, signal } = request;
    log.warn({ tradeId, event: 'rejected', symbol, limit }, `rejected: ${message}`);
    if (request.scan) {
      const prediction = { ...signal, action: side === 'long' ? 'BUY' : 'SELL' } as const;
      const skipped = { id: tradeId, symbol, prediction, limit, reason: message, thresholdsVersion };
      await signals.skip({ ...skipped, ...(facts ? { facts } : {}) });
    }
    return { kind: 'rejected', message };
  }

  return {
    /**
     * One transaction under a lock: limits and protections checked, capital reserved, entry intent written. A signal
     * of the scan takes what the limits leave; one that is refused is kept for learning.
     */
    async reserve(request: TradeRequest): Promise<Reservation> {
      const { workflowId } = workflowExecution();
      const active = await learning.active();
      const planned = await planEntry(dependencies, request, active);
      if (planned.kind === 'impossible') return reject(request, planned, active.version, null);
      const { plan, notional, accountEquity, freeCash } = planned;
      const expiresAtMs = request.signal.asOfMs + request.signal.ttlMs;
      const facts = signalFacts(request, planned, timeScale);
      const { confidence } = request.signal;
      const answer = await ledger.reserve({
        tradeId: request.tradeId,
        symbol: request.symbol,
        side: request.side,
        notional,
        equity: plan.equity,
        accountEquity,
        freeCash,
        limits,
        protections,
        signalExpiresAtMs: expiresAtMs,
        ...(request.scan ? { shrink: shrinkRules(request, plan) } : {}),
        ...(facts ? { rotation: { confidence, expiresAtMs, timeScale, facts } } : {}),
        intent: {
          tradeId: request.tradeId,
          workflowId,
          leg: 'entry',
          clOrdId: clientOrderId(workflowId, 'entry'),
          symbol: request.symbol,
          side: entryOrderSide(request.side),
          orderType: request.order.type,
          quantity: plan.quantity,
          limitPrice: request.order.type === 'limit' ? request.order.price : null,
        },
        nowMs: now(),
      });
      const { tradeId, symbol, side } = request;
      switch (answer.kind) {
        case 'rejected':
          return reject(request, answer, active.version, facts);
        case 'waiting':
          log.info({ event: 'rotation', tradeId, symbol, weakest: answer.weakest }, answer.message);
          return answer;
        case 'reserved': {
          const { quantity } = answer;
          const isCut = request.scan !== undefined && compare(answer.notional, notional) < 0;
          const marketConditions = {
            ...plan.marketConditions,
            ...(isCut ? { wantedNotional: notional } : {}),
          };
          log.info(
            { tradeId, event: 'reserved', symbol, side, quantity },
            `reserved ${answer.notional} for ${side} ${symbol}${isCut ? `, ${notional} was wanted` : ''}`,
          );
          return { kind: 'reserved', plan: { ...plan, quantity, marketConditions } };
        }
      }
    },

    /** Asks the weakest position to exit; what does not give way is not asked for the same entry again. */
    async askToGiveWay(question: {
      weakestTradeId: string;
      better: GiveWay;
    }): Promise<{ accepted: boolean }> {
      const { weakestTradeId, better } = question;
      const answer = await client.giveWay(weakestTradeId, better);
      if (answer?.accepted) return { accepted: true };
      await ledger.declineRotation(better.tradeId, now());
      log.info(
        { event: 'rotation-declined', tradeId: better.tradeId, weakestTradeId, stage: answer?.stage },
        `trade ${weakestTradeId} does not give way`,
      );
      return { accepted: false };
    },

    async releaseReservation(release: { tradeId: string; reason: string }): Promise<void> {
      await ledger.releaseReservation(release.tradeId, release.reason);
    },
  };
}

function shrinkRules({ order }: TradeRequest, plan: EntryPlan): ShrinkRules {
  const price = order.type === 'limit' ? order.price : plan.quotePrice;
  return { price, minimums: plan.minimums, costReserve: plan.roundTripFee };
}

/** Of a signal that the scan found. */
function signalFacts(
  { scan }: TradeRequest,
  { plan, notional, sigma, takerFee }: PlannedEntry,
  timeScale: number,
): SignalFacts | null {
  if (!scan) return null;
  const { quotePrice: price, equity } = plan;
  return { price, sigma, takerFee, equity, baseNotional: scan.baseNotional, notional, timeScale };
}
