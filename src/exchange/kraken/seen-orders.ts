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
  /** The order that carries the client order id. */
  idOf(clientOrderId: string): string | null;
  /** The private stream told whose an order is. */
  named(exchangeOrderId: string, clientOrderId: string): void;
  accepted(exchangeOrderId: string, order: OrderRequest, nowMs: number): void;
  snapshot(order: OrderSnapshot): void;
}

const REMEMBERED = 10_000;

export function createSeenOrders(): SeenOrders {
  const orders = new Map<string, SeenOrder>();
  const ids = new Map<string, string>();

  function named(exchangeOrderId: string, clientOrderId: string): void {
    // Two orders under one id are for the lists to find: the first one stays.
    if (!ids.has(clientOrderId)) ids.set(clientOrderId, exchangeOrderId);
    forgetOldest(ids);
  }

  function remember(id: string, order: SeenOrder): void {
    orders.set(id, order);
    if (order.clientOrderId !== null) named(id, order.clientOrderId);
    forgetOldest(orders);
  }

  return {
    find: (id) => orders.get(id) ?? null,
    idOf: (clientOrderId) => ids.get(clientOrderId) ?? null,
    named,
    accepted: (id, { clientOrderId, symbol }, nowMs) =>
      remember(id, { clientOrderId, symbol, openedAtMs: nowMs }),
    snapshot: ({ exchangeOrderId, clientOrderId, symbol, openedAtMs }) =>
      remember(exchangeOrderId, { clientOrderId, symbol, openedAtMs }),
  };
}

function forgetOldest(remembered: Map<string, unknown>): void {
  if (remembered.size <= REMEMBERED) return;
  const oldest = remembered.keys().next();
  if (!oldest.done) remembered.delete(oldest.value);
}
