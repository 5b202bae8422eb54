import type { Fill } from '../../domain/position.ts';
import {
  ExchangeUnavailable,
  type AccountFill,
  type Balance,
  type CallPriority,
  type KeyInfo,
  type LookUp,
  type MarginPosition,
  type OrderSnapshot,
} from '../port.ts';
import { createBatchedQuery } from './batched-query.ts';
import type { ExchangeClock } from './clock.ts';
import { createAccountLists } from './lists.ts';
import type { AdapterLog } from './log.ts';
import { assetName } from './names.ts';
import { createOrderSearch } from './order-search.ts';
import type { PairBook } from './pair-book.ts';
import { apiKeyInfo, balances, orders, positions, trades, type KrakenOrder } from './parse.ts';
import type { SeenOrders } from './seen-orders.ts';
import type { Session } from './session.ts';
import { createSharedQuestion } from './shared-question.ts';
import { assertComplete, toAccountFill, toFill, toSnapshot, type Translation } from './snapshots.ts';

const IDS_PER_QUERY_ORDERS = 50;
const IDS_PER_QUERY_TRADES = 20;

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
  const lists = createAccountLists(session);
  const orderQuery = createBatchedQuery({
    session,
    method: 'QueryOrders',
    params: { trades: 'true' },
    maxIds: IDS_PER_QUERY_ORDERS,
    schema: orders,
  });
  const tradeQuery = createBatchedQuery({
    session,
    method: 'QueryTrades',
    maxIds: IDS_PER_QUERY_TRADES,
    schema: trades,
  });
  const search = createOrderSearch({
    lists,
    orders: orderQuery,
    knownOwner: (orderId) => seen.find(orderId)?.clientOrderId,
    now,
  });

  const askBalances = createSharedQuestion(session, 'BalanceEx', balances);
  const askPositions = createSharedQuestion(session, 'OpenPositions', positions);

  async function translation(): Promise<Translation> {
    // Private answers stay readable when the public side is down: names then follow a rule of thumb.
    await Promise.allSettled([pairs.names(), clock.offsetMs()]);
    return { names: pairs.lastNames(), offsetMs: clock.lastOffsetMs() };
  }

  function snapshot(id: string, order: KrakenOrder, fills: readonly Fill[], by: Translation): OrderSnapshot {
    const result = toSnapshot(id, order, fills, by);
    seen.snapshot(result);
    return result;
  }

  async function order(id: string, priority: CallPriority): Promise<OrderSnapshot | null> {
    const by = await translation();
    const found = await orderQuery.get(id, priority);
    if (found === null) return null;
    const tradeIds = [...new Set(found.trades)];
    const fills = await Promise.all(
      tradeIds.map(async (tradeId) => {
        const trade = await tradeQuery.get(tradeId, priority);
        if (trade === null)
          throw new ExchangeUnavailable(`order ${id} names trade ${tradeId}, which is unknown`);
        return toFill(tradeId, trade, by);
      }),
    );
    assertComplete(id, found, fills);
    return snapshot(id, found, byTime(fills), by);
  }

  async function lookUp(clientOrderId: string, sinceMs: number, priority: CallPriority): Promise<LookUp> {
    const { offsetMs } = await translation();
    const known = seen.idOf(clientOrderId);
    if (known !== null) {
      const askedAtMs = now();
      const found = await order(known, priority);
      if (found !== null) return { order: found, askedAtMs };
    }
    const { orderIds, askedAtMs } = await search.find(clientOrderId, sinceMs + offsetMs, priority);
    if (orderIds.length > 1) {
      log.error({ clientOrderId, orders: orderIds }, 'several orders carry one client order id');
    }
    const [id] = orderIds;
    if (id === undefined) return { order: null, askedAtMs };
    const found = await order(id, priority);
    if (found === null) throw new ExchangeUnavailable(`order ${id} is listed, but unknown when asked for`);
    return { order: found, askedAtMs };
  }

  /**
   * Where the call budget is spent a look-up outlasts the patience of whoever asked; who asks it again joins it,
   * instead of spending the budget on the same questions for ever.
   */
  const lookUps = new Map<string, Promise<LookUp>>();

  return {
    order,

    lookUp(clientOrderId: string, sinceMs: number, priority: CallPriority): Promise<LookUp> {
      const key = `${clientOrderId} ${sinceMs} ${priority}`;
      const underWay = lookUps.get(key);
      if (underWay) return underWay;
      const asked = lookUp(clientOrderId, sinceMs, priority).finally(() => lookUps.delete(key));
      lookUps.set(key, asked);
      return asked;
    },

    async balances(priority: CallPriority = 'reconcile'): Promise<readonly Balance[]> {
      const answer = await askBalances(priority);
      return Object.entries(answer).map(([asset, { balance, hold_trade }]) => ({
        asset: assetName(asset),
        total: balance,
        held: hold_trade,
      }));
    },

    /** Without fills; ask `order` for them. */
    async openOrders(): Promise<readonly OrderSnapshot[]> {
      const by = await translation();
      return [...(await lists.open('reconcile'))].map(([id, each]) => snapshot(id, each, [], by));
    },

    /** Closed since then. Without fills; ask `order` for them. */
    async closedOrders(sinceMs: number): Promise<readonly OrderSnapshot[]> {
      const by = await translation();
      const closed = await lists.closed(sinceMs + by.offsetMs, 'reconcile', { closetime: 'close' });
      return [...closed].map(([id, each]) => snapshot(id, each, [], by));
    },

    async fills(sinceMs: number): Promise<readonly AccountFill[]> {
      const by = await translation();
      const executed = await lists.trades(sinceMs + by.offsetMs, 'reconcile');
      return byTime([...executed].map(([id, trade]) => toAccountFill(id, trade, by)));
    },

    async marginPositions(priority: CallPriority = 'reconcile'): Promise<readonly MarginPosition[]> {
      const by = await translation();
      const found = await askPositions(priority);
      return Object.values(found).map((position) => ({
        exchangeOrderId: position.ordertxid,
        symbol: by.names.symbolOf(position.pair),
        side: position.type,
        quantity: position.vol,
        closedQuantity: position.vol_closed,
        cost: position.cost,
      }));
    },

    async keyInfo(): Promise<KeyInfo> {
      const { permissions, nonce_window } = await session.ask('GetApiKeyInfo', {}, 'reconcile', apiKeyInfo);
      const canWithdraw = permissions.some((permission) => permission.toLowerCase().includes('withdraw'));
      return { permissions, canWithdraw, nonceWindow: nonce_window };
    },
  };
}

function byTime<T extends Fill>(fills: readonly T[]): T[] {
  return [...fills].sort((left, right) => left.timeMs - right.timeMs);
}
