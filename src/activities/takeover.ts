import type { Disagreement } from '../domain/findings.ts';
import { summarizeFills, type Side } from '../domain/position.ts';
import { positionId } from '../domain/records.ts';
import type { Exchange, Instrument, OrderSnapshot } from '../exchange/port.ts';
import type { SettleInput, TradeSettings, TradeState } from '../workflows/messages.ts';
import type { LearningStore } from '../../db/repositories/learning.ts';
import type { LedgerReader } from '../../db/repositories/reader.ts';
import { orderMinimums } from './reserve.ts';

export interface TakeoverDependencies {
  readonly exchange: Pick<Exchange, 'instruments' | 'order'>;
  readonly reader: Pick<LedgerReader, 'position'>;
  readonly learning: Pick<LearningStore, 'active'>;
  readonly settings: TradeSettings;
  readonly timeScale: number;
  readonly now: () => number;
}

/** Turns a finding into what settles it, or null where only a person can. */
export interface Takeover {
  settlementOf(findingId: string, finding: Disagreement): Promise<SettleInput | null>;
}

export function createTakeover(dependencies: TakeoverDependencies): Takeover {
  const { exchange, reader, learning, settings, timeScale, now } = dependencies;

  /** A trade's state from the exchange's fills alone, as if it had just opened. */
  async function stateFromOrder(order: OrderSnapshot, tradeId: string): Promise<TradeState | null> {
    const entry = summarizeFills(order.fills);
    const firstFill = order.fills[0];
    const instrument = (await exchange.instruments()).find(({ symbol }) => symbol === order.symbol);
    if (!entry || !firstFill || !instrument) return null;
    const side: Side = order.side === 'buy' ? 'long' : 'short';
    const { version, thresholds } = await learning.active();
    return {
      request: {
        tradeId,
        symbol: order.symbol,
        side,
        notional: entry.cost,
        order: { type: 'market' },
        strategy: 'adopted',
        signal: { source: 'reconcile', confidence: 0, asOfMs: now(), ttlMs: 0 },
      },
      stage: 'open',
      plan: {
        quantity: order.quantity,
        quotePrice: entry.averagePrice,
        policy: { version, thresholds, timeScale },
        volatilityScale: 1,
        roundTripFee: 2 * instrument.takerFee,
        tickSize: instrument.tickSize,
        minimums: orderMinimums(instrument),
        leverage: side === 'short' ? shortLeverage(instrument) : null,
        equity: entry.cost,
        settings,
        marketConditions: { adopted: true },
      },
      entryRequestedAtMs: order.openedAtMs,
      entrySubmittedAtMs: order.openedAtMs,
      position: {
        positionId: positionId(order.exchangeOrderId),
        entryOrderId: order.exchangeOrderId,
        firstFillId: firstFill.fillId,
        entry,
      },
      persistence: 'pending',
      guard: null,
      evaluation: null,
      demand: null,
      fired: null,
      legInDoubtSinceMs: now(),
      exits: [],
      nextExitLeg: 1,
      note: 'taken over by reconciliation',
      realizedPnl: null,
    };
  }

  return {
    async settlementOf(findingId, { kind, subject, seen }) {
      switch (kind) {
        case 'orphan-reservation':
          return { kind, findingId, tradeId: subject };
        case 'orphan-order':
        case 'unwatched-position': {
          const orderId = subject.replace(/^kraken-/, '');
          const row = kind === 'unwatched-position' ? await reader.position(subject) : null;
          const order = await exchange.order(orderId, 'reconcile');
          const tradeId =
            row?.tradeId ?? (typeof seen.tradeId === 'string' ? seen.tradeId : `adopted-${orderId}`);
          const resume = order && (await stateFromOrder(order, tradeId));
          return resume && { kind: 'take-over', findingId, resume };
        }
        case 'foreign-order':
          return null;
      }
    },
  };
}

function shortLeverage(instrument: Instrument): number {
  return Math.min(...instrument.shortLeverages);
}
