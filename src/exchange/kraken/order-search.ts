import { ExchangeUnavailable, type CallPriority } from '../port.ts';
import type { BatchedQuery } from './batched-query.ts';
import type { AccountLists } from './lists.ts';
import type { KrakenOrder, KrakenTrade } from './parse.ts';

/** What one pass found, and when its first question was asked. */
export interface SearchResult {
  /** Ids of the orders that carry the client order id, oldest first. */
  readonly orderIds: readonly string[];
  readonly askedAtMs: number;
}

/** Finds orders by our own id: open ones, then closed ones, then those that only trades tell of. */
export interface OrderSearch {
  /** `sinceMs` on Kraken's clock. Rejects unless every question of the pass was answered. */
  find(clientOrderId: string, sinceMs: number, priority: CallPriority): Promise<SearchResult>;
}

export interface OrderSearchParts {
  readonly lists: AccountLists;
  readonly orders: BatchedQuery<KrakenOrder>;
  /** The client order id of an order seen before; `undefined` when it never was. */
  readonly knownOwner: (orderId: string) => string | null | undefined;
  readonly now: () => number;
}

interface Wanted {
  readonly clientOrderId: string;
  readonly sinceMs: number;
  readonly resolve: (result: SearchResult) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Searches asked for while a pass is under way share the next one: after a failure many orders
 * must be looked for at once, and the call budget is small.
 */
export function createOrderSearch(parts: OrderSearchParts): OrderSearch {
  const { lists, orders, knownOwner, now } = parts;
  const waiting = new Map<CallPriority, Wanted[]>();
  const running = new Set<CallPriority>();

  async function run(priority: CallPriority): Promise<void> {
    if (running.has(priority)) return;
    running.add(priority);
    for (;;) {
      const wanted = waiting.get(priority) ?? [];
      if (wanted.length === 0) break;
      waiting.set(priority, []);
      const askedAtMs = now();
      try {
        const found = await pass(wanted, priority);
        for (const { clientOrderId, resolve } of wanted) {
          resolve({ orderIds: found.get(clientOrderId) ?? [], askedAtMs });
        }
      } catch (error) {
        for (const { reject } of wanted) reject(error);
      }
    }
    running.delete(priority);
  }

  async function pass(wanted: readonly Wanted[], priority: CallPriority): Promise<Map<string, string[]>> {
    const ids = new Set(wanted.map(({ clientOrderId }) => clientOrderId));
    const sinceMs = Math.min(...wanted.map((each) => each.sinceMs));
    const [only, ...others] = ids;
    const filter = only !== undefined && others.length === 0 ? { cl_ord_id: only } : {};
    const found = new Map<string, string[]>();
    const note = (clientOrderId: string | null | undefined, orderId: string): void => {
      if (clientOrderId === null || clientOrderId === undefined || !ids.has(clientOrderId)) return;
      const noted = found.get(clientOrderId) ?? [];
      if (!noted.includes(orderId)) found.set(clientOrderId, [...noted, orderId]);
    };

    // An order only moves from open to closed, so asked in this order it can't slip through between.
    const open = await lists.open(priority, filter);
    const closed = await lists.closed(sinceMs, priority, filter);
    const listed = [...closed, ...open].sort(([, left], [, right]) => left.opentm - right.opentm);
    for (const [orderId, order] of listed) note(order.cl_ord_id, orderId);
    if ([...ids].every((id) => found.has(id))) return found;

    const known = new Set(listed.map(([orderId]) => orderId));
    const executed = await lists.trades(sinceMs, priority);
    for (const [orderId, owner] of await owners(executed, known, priority)) note(owner, orderId);
    return found;
  }

  /** Whose the orders behind the trades are; asks only about those not seen yet. */
  async function owners(
    executed: ReadonlyMap<string, KrakenTrade>,
    known: ReadonlySet<string>,
    priority: CallPriority,
  ): Promise<(readonly [orderId: string, owner: string | null | undefined])[]> {
    const orderIds = [...new Set([...executed.values()].map((trade) => trade.ordertxid))];
    return Promise.all(
      orderIds
        .filter((orderId) => !known.has(orderId))
        .map(async (orderId) => {
          const owner = knownOwner(orderId);
          if (owner !== undefined) return [orderId, owner] as const;
          const order = await orders.get(orderId, priority);
          if (order === null)
            throw new ExchangeUnavailable(`a trade names order ${orderId}, which is unknown`);
          return [orderId, order.cl_ord_id] as const;
        }),
    );
  }

  return {
    find: (clientOrderId, sinceMs, priority) =>
      new Promise((resolve, reject) => {
        waiting.set(priority, [
          ...(waiting.get(priority) ?? []),
          { clientOrderId, sinceMs, resolve, reject },
        ]);
        void run(priority);
      }),
  };
}
