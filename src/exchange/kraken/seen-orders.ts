import type { OrderRequest, OrderSnapshot } from '../port.ts';

/** What never changes about an order once it is known. */
export interface SeenOrder {
  readonly clientOrderId: string | null;
  readonly symbol: string;
  readonly openedAtMs: number;
}

/** Orders that passed through this process; the oldest are forgotten. Saves questions, decides nothing. */
export interface SeenOrders {
  find(exchangeOrderId: string): SeenOrder | null;
  accepted(exchangeOrderId: string, order: OrderRequest, nowMs: number): void;
  snapshot(order: OrderSnapshot): void;
}

const REMEMBERED = 10_000;

export function createSeenOrders(): SeenOrders {
  const orders = new Map<string, SeenOrder>();

  function remember(id: string, order: SeenOrder): void {
    orders.set(id, order);
    if (orders.size <= REMEMBERED) return;
    const oldest = orders.keys().next();
    if (!oldest.done) orders.delete(oldest.value);
  }

  return {
    find: (id) => orders.get(id) ?? null,
    accepted: (id, { clientOrderId, symbol }, nowMs) =>
      remember(id, { clientOrderId, symbol, openedAtMs: nowMs }),
    snapshot: ({ exchangeOrderId, clientOrderId, symbol, openedAtMs }) =>
      remember(exchangeOrderId, { clientOrderId, symbol, openedAtMs }),
  };
}
