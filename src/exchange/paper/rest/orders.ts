import { KrakenError, invalidArguments } from '../kraken-error.ts';
import { list } from '../params.ts';
import type { PrivateCall, PrivateEndpoint } from './private.ts';
import { describe } from './views.ts';

export const ORDERS: Readonly<Record<string, PrivateEndpoint>> = {
  AddOrder: { needs: ['modify-trades'], handle: addOrder },
  CancelOrder: { needs: ['modify-trades'], handle: cancelOrder },
  CancelAll: {
    needs: ['modify-trades'],
    handle: async ({ context, accountId }) => {
      const count = context.desk.cancelAll(accountId);
      await context.store.persist();
      return { count };
    },
  },
};

async function addOrder({ context, accountId, params, receivedAtMs, name }: PrivateCall): Promise<unknown> {
  const arrival = context.desk.arrive(accountId, params.values, 'rest', receivedAtMs);
  const { order, spec } = await context.desk.add(arrival, params.values, name);
  const descr = describe(order ?? spec.terms);
  return order ? { descr, txid: [order.txid] } : { descr };
}

async function cancelOrder({ context, accountId, params }: PrivateCall): Promise<unknown> {
  const { desk, store } = context;
  const { txid, cl_ord_id: clOrdId } = params.values;
  const ids = list(params, 'txid');
  if (!txid && !clOrdId) throw invalidArguments('txid');
  const byUserref = txid !== undefined && /^-?\d+$/.test(txid);
  const orders = byUserref
    ? store.openOrders(accountId).filter((order) => String(order.userref) === txid)
    : txid
      ? ids.map((id) => desk.openOrder(accountId, { txid: id }))
      : [desk.openOrder(accountId, { clOrdId })];
  if (orders.length === 0) throw new KrakenError('EOrder:Unknown order');
  for (const order of orders) desk.cancel(order);
  await store.persist();
  return { count: orders.length };
}
