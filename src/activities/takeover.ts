import { add, subtract } from '../domain/money.ts';
import { entryOrderSide, quantityLeft, summarizeFills, type Side } from '../domain/position.ts';
import { positionId } from '../domain/records.ts';
import { LEASE_TIMEOUT_MS } from '../domain/safety-times.ts';
import { stopTrigger } from '../domain/protective-stop.ts';
import { isDust } from '../domain/sizing.ts';
import type { Evidence } from '../domain/audit/views.ts';
import type { Thresholds } from '../domain/thresholds.ts';
import type { Exchange, Instrument, OrderSnapshot } from '../exchange/port.ts';
import type {
  EntryPlan,
  ExitLeg,
  ExitRecord,
  OpenPosition,
  StopLeg,
  TradeSettings,
  TradeState,
} from '../workflows/messages.ts';
import type { LearningStore } from '../../db/repositories/learning.ts';
import type { LedgerReader, TradeHistory } from '../../db/repositories/reader.ts';
import type { HoldfastClient } from '../client.ts';
import { orderMinimums } from './plan-entry.ts';

export interface TakeoverDependencies {
  readonly exchange: Pick<Exchange, 'instruments' | 'order'>;
  readonly reader: Pick<LedgerReader, 'trade'>;
  readonly learning: Pick<LearningStore, 'active' | 'version'>;
  readonly client: Pick<HoldfastClient, 'stateIfKnown'>;
  readonly settings: TradeSettings;
  readonly timeScale: number;
  readonly now: () => number;
}

/** Only a person can say what this is. */
export class Unexplained extends Error {
  override readonly name = 'Unexplained';
}

type Known = TradeState & { readonly plan: EntryPlan; readonly position: OpenPosition };

export interface Takeover {
  /**
   * The state in which a trade goes on with what the exchange's fills say: from its own last state where
   * Temporal still has it, else from its rows, else from the entry order alone. Throws {@link Unexplained}.
   */
  stateOf(entry: OrderSnapshot, evidence: Evidence): Promise<Known>;
}

export function createTakeover(dependencies: TakeoverDependencies): Takeover {
  const { exchange, reader, learning, client, settings, timeScale, now } = dependencies;

  return {
    async stateOf(entry, evidence) {
      const position = openPosition(entry);
      const remembered = await client.stateIfKnown(evidence.tradeId);
      const state =
        remembered?.plan && remembered.position?.positionId === position.positionId
          ? revived({ ...remembered, plan: remembered.plan, position: remembered.position }, position)
          : await rebuilt(entry, position, evidence.tradeId);
      const exited = withExits(state, await finishedExits(exchange, evidence, entry.symbol), now());
      return withStop(exited, evidence.stop);
    },
  };

  /** A stop that still rests is the trade's to keep or to withdraw. */
  async function withStop(state: Known, resting: Evidence['stop']): Promise<Known> {
    const leg = resting?.leg ?? null;
    if (!resting || leg === null || !isStopLeg(leg)) return state;
    const { exchangeOrderId } = resting;
    const order = await exchange.order(exchangeOrderId, 'look-up');
    if (!order) throw new Unexplained(`stop order ${exchangeOrderId} is unknown to the exchange`);
    const { request, plan, position } = state;
    const entry = { side: request.side, entryPrice: position.entry.averagePrice, tickSize: plan.tickSize };
    const stop = {
      leg,
      exchangeOrderId,
      quantity: order.quantity,
      triggerPrice: stopTrigger(entry, plan.policy),
      submittedAtMs: order.openedAtMs,
      deadlineMs: order.openedAtMs,
    };
    return { ...state, stop, nextStopLeg: legNumber(leg) };
  }

  /** Its guard, if it has one, is asked first: nobody else may sell while that one's lease lasts. */
  function revived(state: Known, position: OpenPosition): Known {
    const legInDoubtSinceMs = Math.max(state.legInDoubtSinceMs ?? 0, now());
    return {
      ...state,
      stage: 'open',
      position: { ...state.position, entry: position.entry },
      persistence: 'pending',
      legInDoubtSinceMs,
      note: 'taken up again by reconciliation',
    };
  }

  async function rebuilt(entry: OrderSnapshot, position: OpenPosition, tradeId: string): Promise<Known> {
    const instrument = (await exchange.instruments()).find(({ symbol }) => symbol === entry.symbol);
    if (!instrument) throw new Unexplained(`symbol ${entry.symbol} is not listed on the exchange any more`);
    const side: Side = entry.side === 'buy' ? 'long' : 'short';
    const rows = rowsOf(await reader.trade(tradeId), position.positionId);
    const { version, thresholds } = await pinned(learning, rows?.position.thresholdsVersion ?? null);
    const { averagePrice, cost, firstFillMs } = position.entry;
    const live = rows?.entry;
    return {
      request: {
        tradeId,
        symbol: entry.symbol,
        side,
        notional: cost,
        order: { type: 'market' },
        strategy: rows?.position.strategy ?? 'adopted',
        signal: {
          source: 'reconcile',
          confidence: live?.signalConfidence ?? 0,
          asOfMs: firstFillMs,
          ttlMs: 0,
        },
      },
      stage: 'open',
      plan: {
        quantity: entry.quantity,
        quotePrice: live ? quoteOf(live.price, live.slippage, side) : averagePrice,
        policy: { version, thresholds, timeScale },
        volatilityScale: volatilityScaleOf(rows?.position.marketConditions),
        roundTripFee: 2 * instrument.takerFee,
        tickSize: instrument.tickSize,
        minimums: orderMinimums(instrument),
        leverage: side === 'short' ? shortLeverage(instrument) : null,
        equity: cost,
        settings,
        marketConditions: rows?.position.marketConditions ?? { adopted: true },
      },
      entryRequestedAtMs: live?.requestedAt ?? entry.openedAtMs,
      entrySubmittedAtMs: live?.submittedAt ?? entry.openedAtMs,
      position,
      persistence: 'pending',
      guard: null,
      evaluation: null,
      noMarkSinceMs: null,
      movedOrderId: null,
      shortage: null,
      demand: null,
      fired: null,
      // A worker that nobody knows of may still hold it in memory until its lease has run out.
      legInDoubtSinceMs: now() + LEASE_TIMEOUT_MS,
      exits: [],
      nextExitLeg: 1,
      stop: null,
      nextStopLeg: rows ? rows.nextStopLeg : 1,
      note: rows ? 'restarted by reconciliation from its rows' : 'adopted by reconciliation',
      realizedPnl: null,
    };
  }
}

function openPosition(entry: OrderSnapshot): OpenPosition {
  const summary = summarizeFills(entry.fills);
  const [first] = entry.fills;
  if (!summary || !first) throw new Unexplained(`order ${entry.exchangeOrderId} has not filled`);
  return {
    positionId: positionId(entry.exchangeOrderId),
    entryOrderId: entry.exchangeOrderId,
    firstFillId: first.fillId,
    entry: summary,
    ...(entry.clientOrderId === null ? {} : { entryClientOrderId: entry.clientOrderId }),
  };
}

/** Finished exit orders that filled, as the trade counts them; an unfinished one is left to its leg's proof. */
export async function finishedExits(
  exchange: Pick<Exchange, 'order'>,
  { exits = [] }: Evidence,
  symbol: string,
): Promise<ExitRecord[]> {
  const records = await Promise.all(
    exits.map(async ({ exchangeOrderId, leg }): Promise<ExitRecord[]> => {
      const order = await exchange.order(exchangeOrderId, 'look-up');
      if (!order) throw new Unexplained(`exit order ${exchangeOrderId} is unknown to the exchange`);
      if (order.symbol !== symbol)
        throw new Unexplained(`exit order ${exchangeOrderId} is in ${order.symbol}`);
      const summary = summarizeFills(order.fills);
      const isFinished = order.status !== 'open' && order.status !== 'pending';
      if (!summary || (!isFinished && leg !== 'outside')) return [];
      return [
        {
          leg: isExitLeg(leg) || isStopLeg(leg) ? leg : 'outside',
          exchangeOrderId,
          exchangeTradeId: order.fills[0]?.fillId ?? '',
          summary,
          requestedAtMs: order.openedAtMs,
          submittedAtMs: order.openedAtMs,
          quotePrice: summary.averagePrice,
        },
      ];
    }),
  );
  return records.flat().sort((left, right) => left.summary.firstFillMs - right.summary.firstFillMs);
}

/** An exit that had begun is brought to its end; with nothing left to sell the trade only records it. */
function withExits(state: Known, found: readonly ExitRecord[], nowMs: number): Known {
  const counted = new Set(state.exits.map(({ exchangeOrderId }) => exchangeOrderId));
  const exits = [...state.exits, ...found.filter(({ exchangeOrderId }) => !counted.has(exchangeOrderId))];
  if (exits.length === 0) return state;
  const next = (isOfKind: (leg: string) => boolean) =>
    Math.max(0, ...exits.map(({ leg }) => (isOfKind(leg) ? legNumber(leg) : 0))) + 1;
  const nextExitLeg = Math.max(state.nextExitLeg, next(isExitLeg));
  const nextStopLeg = Math.max(state.nextStopLeg ?? 1, next(isStopLeg));
  // What is counted here is not looked for a second time.
  const stop = exits.some(({ leg }) => leg === state.stop?.leg) ? null : (state.stop ?? null);
  const left = quantityLeft(state.position.entry, exits);
  const isOver = isDust(state.plan.minimums, left);
  const hadBegun = exits.some(({ leg }) => leg !== 'outside');
  const reason = isOver ? 'its fills were found: nothing is left' : 'its exit had begun';
  const rule = exits.every(({ leg }) => isStopLeg(leg))
    ? ('emergency-loss' as const)
    : ('reconciliation' as const);
  const demand = state.demand ?? (isOver || hadBegun ? { rule, reason, atMs: nowMs } : null);
  const doubt = isOver ? { legInDoubtSinceMs: null } : {};
  return { ...state, exits, nextExitLeg, stop, nextStopLeg, demand, ...doubt };
}

function isExitLeg(leg: string): leg is ExitLeg {
  return /^exit-\d+$/.test(leg);
}

function isStopLeg(leg: string): leg is StopLeg {
  return /^stop-\d+$/.test(leg);
}

function legNumber(leg: string): number {
  return Number(leg.replace(/^\D+/, ''));
}

function rowsOf(history: TradeHistory | null, id: string) {
  const position = history?.position;
  if (!history || position?.id !== id) return null;
  const { liveTrades, intents } = history;
  // The exchange forgets a client order id with its order: one that was used is never used again.
  const stops = intents.flatMap(({ leg }) => (isStopLeg(leg) ? [legNumber(leg)] : []));
  return {
    position,
    entry: liveTrades.find(({ purpose }) => purpose === 'open'),
    nextStopLeg: Math.max(0, ...stops) + 1,
  };
}

async function pinned(
  learning: Pick<LearningStore, 'active' | 'version'>,
  version: number | null,
): Promise<{ version: number; thresholds: Thresholds }> {
  if (version === null) return learning.active();
  try {
    return await learning.version(version);
  } catch (error) {
    if (!(error instanceof Error) || error.name !== 'UnknownVersion') throw error;
    const active = await learning.active();
    return { version, thresholds: active.thresholds };
  }
}

/** The quote that the row's slippage was measured against. */
function quoteOf(price: string, slippage: string, side: Side): string {
  return entryOrderSide(side) === 'buy' ? subtract(price, slippage) : add(price, slippage);
}

function volatilityScaleOf(conditions: Readonly<Record<string, unknown>> | undefined): number {
  const scale = conditions?.volatilityScale;
  return typeof scale === 'number' && scale > 0 ? scale : 1;
}

function shortLeverage(instrument: Instrument): number {
  return Math.min(...instrument.shortLeverages);
}
