import { setImmediate } from 'node:timers/promises';
import { compare, subtract, type Decimal } from '../domain/money.ts';
import { quantityLeft } from '../domain/position.ts';
import { openRecords } from '../domain/records.ts';
import { adoptedTradeId } from '../domain/audit/orphans.ts';
import { tradesInQuestion } from '../domain/audit/judge.ts';
import type { AuditedOrder, RunningTradeView, ThreeViews } from '../domain/audit/views.ts';
import { baseAsset } from '../domain/symbols.ts';
import { tradeFacts } from '../domain/trade-facts.ts';
import { clientOrderId, ownDirection, type Leg } from '../exchange/client-order-id.ts';
import { ListTooLong, type Exchange, type Instrument, type OrderSnapshot } from '../exchange/port.ts';
import type { Ledger } from '../../db/repositories/ledger.ts';
import type { LedgerReader } from '../../db/repositories/reader.ts';
import type { HoldfastClient } from '../client.ts';
import { inParallel } from '../in-parallel.ts';
import { tradeWorkflowId } from '../workflows/trade-id.ts';
import type { Logger } from '../logging.ts';
import type { TradeState } from '../workflows/messages.ts';

/** Exit legs that an order is recognised by; a position that took more of them is a person's to look at. */
const KNOWN_EXIT_LEGS = 12;
/** Trades whose client order ids are computed in one go, in a few milliseconds. */
const HASHED_AT_ONCE = 50;
/** Rows may be older than their orders by this, and clocks may differ. */
const ROW_MARGIN_MS = 3_600_000;
/** Looking back less than this would find nothing that the running trades don't know. */
const LEAST_LOOK_BACK_MS = 600_000;
/** Running trades whose rows are compared field by field in one run. */
const COMPARED_PER_RUN = 50;
/** A workflow that doesn't answer takes its whole deadline; many of them must not use up the run's. */
const ASKED_AT_ONCE = 50;

export interface AuditViewDependencies {
  readonly exchange: Pick<
    Exchange,
    'closedOrders' | 'openOrders' | 'balances' | 'marginPositions' | 'instruments'
  >;
  readonly reader: Pick<LedgerReader, 'intents' | 'auditedPositions' | 'heldReservations'>;
  readonly ledger: Pick<Ledger, 'verifyOpen'>;
  readonly client: Pick<HoldfastClient, 'runningTrades' | 'rememberedTradeIds' | 'stateIfKnown'>;
  readonly now: () => number;
  readonly log: Logger;
}

/**
 * Asks all three. The order of the questions keeps what is simply under way from looking like a disagreement:
 * balances before orders (a fill that is in the balances is among the orders), orders before workflows (who sent
 * an order is still running or has written its rows), workflows before rows (who ended in between has written
 * them). What remains, a trade that begins meanwhile or a list that lags, is young, or gone at the second look.
 */
export async function readThreeViews(
  dependencies: AuditViewDependencies,
  lookBackMs: number,
): Promise<ThreeViews> {
  const { exchange, reader, client, now } = dependencies;
  const nowMs = now();
  const instruments = await exchange.instruments();
  const balances = await exchange.balances('reconcile');
  const margin = await exchange.marginPositions('reconcile');
  const open = await exchange.openOrders();
  const { closed, sinceMs } = await closedOrders(exchange, nowMs, lookBackMs);
  const trades = await client.runningTrades();
  const positions = await reader.auditedPositions(sinceMs - ROW_MARGIN_MS);
  const intents = await reader.intents(sinceMs - ROW_MARGIN_MS);
  const reservations = await reader.heldReservations();

  const snapshots = [
    ...new Map([...open, ...closed].map((order) => [order.exchangeOrderId, order])).values(),
  ].filter((order) => order.filledQuantity !== '0' || isOpen(order));
  const owners = new Owners();
  for (const { clOrdId, tradeId, leg } of intents) owners.note(clOrdId, tradeId, leg);
  const tradeIds = [...trades, ...positions, ...reservations].map(({ tradeId }) => tradeId);
  await owners.findOthers(snapshots, tradeIds, () => client.rememberedTradeIds(sinceMs - ROW_MARGIN_MS));
  const views: ThreeViews = {
    nowMs,
    orders: snapshots.map((order) => auditedOrder(order, owners)),
    balances,
    margin: margin.map(({ symbol, side, quantity, closedQuantity }) => ({
      symbol,
      side,
      quantity: subtract(quantity, closedQuantity),
    })),
    dust: dustOf(instruments),
    running: trades,
    positions: positions.map((row) => ({ ...row, openedAtMs: row.entryTime, createdAtMs: row.createdAt })),
    reservations,
    stops: intents.flatMap(({ leg, status, tradeId, krakenOrderId, updatedAt }) =>
      leg.startsWith('stop-') && status === 'accepted' && krakenOrderId !== null
        ? [{ tradeId, exchangeOrderId: krakenOrderId, sinceMs: updatedAt }]
        : [],
    ),
  };
  return { ...views, running: await withOwnAccounts(dependencies, views) };
}

/** A busy account closes more orders than can be listed: then the newest of them. */
export async function closedOrders(
  exchange: Pick<Exchange, 'closedOrders'>,
  nowMs: number,
  lookBackMs: number,
): Promise<{ closed: readonly OrderSnapshot[]; sinceMs: number }> {
  const sinceMs = nowMs - lookBackMs;
  try {
    return { closed: await exchange.closedOrders(sinceMs), sinceMs };
  } catch (error) {
    if (!(error instanceof ListTooLong) || lookBackMs < LEAST_LOOK_BACK_MS) throw error;
    return closedOrders(exchange, nowMs, lookBackMs / 4);
  }
}

/** Whose leg carries a client order id, as far as the trades that are known tell. */
class Owners {
  readonly #legs = new Map<string, { tradeId: string; leg: string }>();
  readonly #trades = new Set<string>();

  note(clOrdId: string, tradeId: string, leg: string): void {
    this.#legs.set(clOrdId, { tradeId, leg });
  }

  /**
   * Of orders whose intents were lost: by the client order ids that trades would have sent. A guard lives in the same
   * process, so what takes long is done only where it is needed.
   */
  async findOthers(
    orders: readonly OrderSnapshot[],
    tradeIds: readonly string[],
    rememberedTradeIds: () => Promise<readonly string[]>,
  ): Promise<void> {
    const isOneUnknown = () =>
      orders.some(({ clientOrderId: id }) => ownDirection(id) !== null && !this.find(id));
    if (isOneUnknown()) await this.#addTrades(tradeIds);
    const entries = orders.filter(({ clientOrderId: id }) => ownDirection(id) === 'entry');
    if (isOneUnknown())
      await this.#addTrades(entries.map(({ exchangeOrderId }) => adoptedTradeId(exchangeOrderId)));
    // Of a trade without rows, perhaps, that Temporal still remembers.
    if (isOneUnknown()) await this.#addTrades(await rememberedTradeIds());
  }

  /** Its exits don't wait until all are hashed. */
  async #addTrades(tradeIds: readonly string[]): Promise<void> {
    for (let from = 0; from < tradeIds.length; from += HASHED_AT_ONCE) {
      for (const tradeId of tradeIds.slice(from, from + HASHED_AT_ONCE)) this.#addTrade(tradeId);
      await setImmediate();
    }
  }

  #addTrade(tradeId: string): void {
    if (this.#trades.has(tradeId)) return;
    this.#trades.add(tradeId);
    const numbers = Array.from({ length: KNOWN_EXIT_LEGS }, (_, index) => index + 1);
    const legs = numbers.flatMap((number): Leg[] => [`exit-${number}`, `stop-${number}`]);
    for (const leg of ['entry', ...legs] as const) {
      this.note(clientOrderId(tradeWorkflowId(tradeId), leg), tradeId, leg);
    }
  }

  find(clOrdId: string | null): { tradeId: string; leg: string } | null {
    return this.#legs.get(clOrdId ?? '') ?? null;
  }
}

function auditedOrder(order: OrderSnapshot, owners: Owners): AuditedOrder {
  const { exchangeOrderId, clientOrderId: id, symbol, side, quantity, filledQuantity, openedAtMs } = order;
  return {
    exchangeOrderId,
    clientOrderId: id,
    direction: ownDirection(id),
    owner: owners.find(id),
    symbol,
    side,
    quantity,
    filledQuantity,
    isOpen: isOpen(order),
    openedAtMs,
  };
}

function isOpen({ status }: OrderSnapshot): boolean {
  return status === 'open' || status === 'pending';
}

function dustOf(instruments: readonly Instrument[]): ReadonlyMap<string, Decimal> {
  const least = new Map<string, Decimal>();
  for (const { symbol, minQuantity } of instruments) {
    const asset = baseAsset(symbol);
    const known = least.get(asset);
    if (known === undefined || compare(minQuantity, known) < 0) least.set(asset, minQuantity);
  }
  return least;
}

/** Asks the workflows whose own account matters; the rows of some are compared field by field, others each run. */
async function withOwnAccounts(
  dependencies: AuditViewDependencies,
  views: ThreeViews,
): Promise<RunningTradeView[]> {
  const inQuestion = new Set(tradesInQuestion(views));
  const watched = views.running.filter(({ stage, positionId }) => stage === 'open' && positionId !== null);
  const pages = Math.max(1, Math.ceil(watched.length / COMPARED_PER_RUN));
  const first = (Math.floor(views.nowMs / 60_000) % pages) * COMPARED_PER_RUN;
  const compared = new Set(watched.slice(first, first + COMPARED_PER_RUN).map(({ tradeId }) => tradeId));
  const asked = views.running.filter(({ tradeId }) => inQuestion.has(tradeId) || compared.has(tradeId));
  const told = new Map<string, OwnAccount>();
  await inParallel(asked, ASKED_AT_ONCE, async ({ tradeId }) => {
    told.set(tradeId, await tellOwn(dependencies, tradeId));
  });
  return views.running.map((trade) => ({ ...trade, ...told.get(trade.tradeId) }));
}

type OwnAccount = Partial<RunningTradeView>;

/** One trade that can't be asked or compared must not keep the others from it. */
async function tellOwn({ client, ledger, log }: AuditViewDependencies, tradeId: string): Promise<OwnAccount> {
  const state = await client.stateIfKnown(tradeId);
  if (!state) return {};
  const own = ownAccount(state);
  try {
    return { ...own, ...(await difference(ledger, state)) };
  } catch (err) {
    log.error({ event: 'trade-not-compared', tradeId, err }, `the rows of ${tradeId} could not be compared`);
    return own;
  }
}

function ownAccount({
  position,
  exits,
  stage,
  shortage,
}: TradeState): Pick<RunningTradeView, 'openQuantity' | 'countedExits' | 'isHeldUp'> {
  if (!position) return {};
  return {
    openQuantity: quantityLeft(position.entry, exits),
    isHeldUp: stage === 'exiting' && shortage !== null,
    countedExits: exits.map(({ exchangeOrderId }) => exchangeOrderId),
  };
}

/** The first field in which the rows differ; a row that is missing is told by the list of rows. */
async function difference(
  ledger: Pick<Ledger, 'verifyOpen'>,
  state: TradeState,
): Promise<Pick<RunningTradeView, 'difference'>> {
  const { plan, position, persistence, stage } = state;
  if (!plan || !position || persistence !== 'confirmed' || stage !== 'open') return {};
  try {
    await ledger.verifyOpen(openRecords(tradeFacts(state, plan, position)));
    return {};
  } catch (error) {
    if (!(error instanceof Error) || error.name !== 'VerificationFailed') throw error;
    const { field, expected, actual } = error as Error & {
      field: string;
      expected: string;
      actual: string;
    };
    return { difference: { field, expected, actual } };
  }
}
