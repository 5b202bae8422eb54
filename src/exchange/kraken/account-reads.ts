import type {
  AccountFill,
  Balance,
  CallPriority,
  KeyInfo,
  LookUp,
  MarginPosition,
  OrderSnapshot,
} from '../port.ts';
import type { Fill } from '../../domain/position.ts';
import { ExchangeRefusal, ExchangeUnavailable } from '../port.ts';
import type { ExchangeClock } from './clock.ts';
import { isUnknownId } from './errors.ts';
import type { AdapterLog } from './log.ts';
import { assetName } from './names.ts';
import type { PairBook } from './pair-book.ts';
import {
  apiKeyInfo,
  balances,
  closedOrders,
  openOrders,
  orders,
  positions,
  trades,
  tradesHistory,
  type KrakenOrder,
  type KrakenTrade,
} from './parse.ts';
import type { SeenOrders } from './seen-orders.ts';
import type { Session } from './session.ts';
import { assertComplete, toAccountFill, toFill, toSnapshot, type Translation } from './snapshots.ts';

const PAGE = 50;
/** Beyond this a list is too long to be read at one go. */
const MAX_PAGES = 40;
const IDS_PER_QUERY_ORDERS = 50;
const IDS_PER_QUERY_TRADES = 20;
/** Lists start this much earlier than asked for, since the clocks agree only roughly. */
const START_MARGIN_MS = 5_000;

export interface ReadParts {
  readonly session: Session;
  readonly clock: ExchangeClock;
  readonly pairs: PairBook;
  readonly seen: SeenOrders;
  readonly now: () => number;
  readonly log: AdapterLog;
}

/** The private questions: none of them changes anything. */
export function createAccountReads({ session, clock, pairs, seen, now, log }: ReadParts) {
  async function translation(): Promise<Translation> {
    // Private answers stay readable when the public side is down: names then follow a rule of thumb.
    await Promise.allSettled([pairs.names(), clock.offsetMs()]);
    return { names: pairs.lastNames(), offsetMs: clock.lastOffsetMs() };
  }

  function startParam(sinceMs: number, by: Translation): string {
    return String(Math.max(0, Math.floor((sinceMs + by.offsetMs - START_MARGIN_MS) / 1000)));
  }

  function remembered(id: string, order: KrakenOrder, by: Translation): OrderSnapshot {
    const snapshot = toSnapshot(id, order, [], by);
    seen.snapshot(snapshot);
    return snapshot;
  }

  async function order(id: string, priority: CallPriority): Promise<OrderSnapshot | null> {
    const by = await translation();
    let found: Record<string, KrakenOrder>;
    try {
      found = await session.ask('QueryOrders', { txid: id, trades: 'true' }, priority, orders);
    } catch (error) {
      if (error instanceof ExchangeRefusal && isUnknownId(error.code)) return null;
      throw error;
    }
    const krakenOrder = found[id];
    // Known ids may be left out in times of trouble, so that silence is no "unknown".
    if (krakenOrder === undefined) throw new ExchangeUnavailable(`QueryOrders left out order ${id}`);
    const fills = await fillsOf(krakenOrder.trades ?? [], priority, by);
    assertComplete(id, krakenOrder, fills);
    remembered(id, krakenOrder, by);
    return toSnapshot(id, krakenOrder, fills, by);
  }

  async function fillsOf(ids: readonly string[], priority: CallPriority, by: Translation): Promise<Fill[]> {
    const fills: Fill[] = [];
    for (const some of chunks(ids, IDS_PER_QUERY_TRADES)) {
      const found = await session.ask('QueryTrades', { txid: some.join(',') }, priority, trades);
      for (const [id, trade] of Object.entries(found)) fills.push(toFill(id, trade, by));
    }
    return fills.sort((left, right) => left.timeMs - right.timeMs);
  }

  async function pages<Item>(
    readPage: (offset: string) => Promise<{ items: Record<string, Item>; count: number | undefined }>,
  ): Promise<Map<string, Item>> {
    const all = new Map<string, Item>();
    for (let page = 0; page < MAX_PAGES; page += 1) {
      // New items come first and only push older ones back, so that none is skipped.
      const { items, count } = await readPage(String(page * PAGE));
      const entries = Object.entries(items);
      for (const [id, item] of entries) all.set(id, item);
      const read = page * PAGE + entries.length;
      if (entries.length === 0 || (count === undefined ? entries.length < PAGE : read >= count)) return all;
    }
    throw new ExchangeUnavailable(`more than ${MAX_PAGES * PAGE} entries since the start asked for`);
  }

  function closedSince(sinceMs: number, priority: CallPriority, by: Translation, filter = {}) {
    return pages(async (ofs) => {
      const params = { start: startParam(sinceMs, by), ofs, ...filter };
      const { closed, count } = await session.ask('ClosedOrders', params, priority, closedOrders);
      return { items: closed, count };
    });
  }

  function tradesSince(sinceMs: number, priority: CallPriority, by: Translation) {
    return pages<KrakenTrade>(async (ofs) => {
      const params = { start: startParam(sinceMs, by), ofs };
      const answer = await session.ask('TradesHistory', params, priority, tradesHistory);
      return { items: answer.trades, count: answer.count };
    });
  }

  /** Ids among `candidates` whose order carries our id; asks only about those not seen before. */
  async function carrying(
    clientOrderId: string,
    candidates: readonly string[],
    priority: CallPriority,
    by: Translation,
  ): Promise<string[]> {
    const unseen = candidates.filter((id) => seen.find(id) === null);
    const owners = new Map(candidates.map((id) => [id, seen.find(id)?.clientOrderId ?? null]));
    for (const some of chunks(unseen, IDS_PER_QUERY_ORDERS)) {
      const found = await session.ask('QueryOrders', { txid: some.join(',') }, priority, orders);
      for (const id of some) {
        const krakenOrder = found[id];
        if (krakenOrder === undefined) throw new ExchangeUnavailable(`QueryOrders left out order ${id}`);
        owners.set(id, remembered(id, krakenOrder, by).clientOrderId);
      }
    }
    return candidates.filter((id) => owners.get(id) === clientOrderId);
  }

  async function findId(
    clientOrderId: string,
    sinceMs: number,
    priority: CallPriority,
  ): Promise<string | null> {
    const by = await translation();
    const filter = { cl_ord_id: clientOrderId };
    const own = (found: Iterable<[string, KrakenOrder]>): string[] =>
      [...found]
        .filter(([, each]) => each.cl_ord_id === clientOrderId)
        .sort(([, left], [, right]) => left.opentm - right.opentm)
        .map(([id]) => id);

    // An order only moves from open to closed, so asked in this order it can't slip through between.
    const { open } = await session.ask('OpenOrders', filter, priority, openOrders);
    const closed = await closedSince(sinceMs, priority, by, filter);
    const listed = [...own(closed), ...own(Object.entries(open))];
    if (listed.length > 0) return single(clientOrderId, [...new Set(listed)]);

    const executed = await tradesSince(sinceMs, priority, by);
    const orderIds = [...new Set([...executed.values()].map((trade) => trade.ordertxid))];
    return single(clientOrderId, await carrying(clientOrderId, orderIds, priority, by));
  }

  function single(clientOrderId: string, ids: readonly string[]): string | null {
    if (ids.length > 1) log.error({ clientOrderId, orders: ids }, 'several orders carry one client order id');
    return ids[0] ?? null;
  }

  return {
    order,

    async lookUp(clientOrderId: string, sinceMs: number, priority: CallPriority): Promise<LookUp> {
      const askedAtMs = now();
      const id = await findId(clientOrderId, sinceMs, priority);
      if (id === null) return { order: null, askedAtMs };
      const found = await order(id, priority);
      if (found === null)
        throw new ExchangeUnavailable(`order ${id} is listed, but not known when asked for`);
      return { order: found, askedAtMs };
    },

    async balances(): Promise<readonly Balance[]> {
      const answer = await session.ask('BalanceEx', {}, 'reconcile', balances);
      return Object.entries(answer).map(([asset, { balance, hold_trade }]) => ({
        asset: assetName(asset),
        total: balance,
        held: hold_trade,
      }));
    },

    /** Without fills; ask {@link order} for them. */
    async openOrders(): Promise<readonly OrderSnapshot[]> {
      const by = await translation();
      const { open } = await session.ask('OpenOrders', {}, 'reconcile', openOrders);
      return Object.entries(open).map(([id, each]) => remembered(id, each, by));
    },

    /** Without fills; ask {@link order} for them. */
    async closedOrders(sinceMs: number): Promise<readonly OrderSnapshot[]> {
      const by = await translation();
      const closed = await closedSince(sinceMs, 'reconcile', by, { closetime: 'close' });
      return [...closed].map(([id, each]) => remembered(id, each, by));
    },

    async fills(sinceMs: number): Promise<readonly AccountFill[]> {
      const by = await translation();
      const executed = await tradesSince(sinceMs, 'reconcile', by);
      return [...executed]
        .map(([id, trade]) => toAccountFill(id, trade, by))
        .sort((left, right) => left.timeMs - right.timeMs);
    },

    async marginPositions(): Promise<readonly MarginPosition[]> {
      const by = await translation();
      const found = await session.ask('OpenPositions', {}, 'reconcile', positions);
      return Object.values(found).map((position) => ({
        exchangeOrderId: position.ordertxid,
        symbol: by.names.symbolOf(position.pair),
        side: position.type,
        quantity: position.vol,
        closedQuantity: position.vol_closed,
      }));
    },

    async keyInfo(): Promise<KeyInfo> {
      const { permissions, nonce_window } = await session.ask('GetApiKeyInfo', {}, 'reconcile', apiKeyInfo);
      const canWithdraw = permissions.some((permission) => permission.toLowerCase().includes('withdraw'));
      return { permissions, canWithdraw, nonceWindow: nonce_window };
    },
  };
}

function chunks<T>(items: readonly T[], size: number): T[][] {
  const result: T[][] = [];
  for (let index = 0; index < items.length; index += size) result.push(items.slice(index, index + size));
  return result;
}
