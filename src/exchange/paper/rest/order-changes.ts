import { KrakenError, invalidArguments } from '../kraken-error.ts';
import { integer, list, type Params } from '../params.ts';
import type { RawOrder } from '../parse-order.ts';
import type { Order } from '../state.ts';
import type { PrivateCall, PrivateEndpoint } from './private.ts';
import { describe } from './views.ts';

const MOST_CANCELS = 50;
const LONGEST_SWITCH_S = 86_400;

/** Endpoints that change or end orders. */
export const ORDER_CHANGES: Readonly<Record<string, PrivateEndpoint>> = {
  CancelOrder: { needs: ['modify-trades'], handle: cancelOrder },
  CancelOrderBatch: { needs: ['modify-trades'], handle: cancelOrderBatch },
  CancelAll: {
    needs: ['modify-trades'],
    handle: async ({ context, accountId }) => {
      const count = context.changes.cancelAll(accountId);
      await context.store.persist();
      return { count };
    },
  },
  CancelAllOrdersAfter: {
    needs: ['modify-trades'],
    handle: async ({ context, accountId, params, nowMs }) => {
      const timeout = integer(params, 'timeout', -1, 0, LONGEST_SWITCH_S);
      if (timeout < 0) throw invalidArguments('timeout');
      const answer = context.changes.cancelAllAfter(accountId, timeout, nowMs);
      await context.store.persist();
      return answer;
    },
  },
  AmendOrder: { needs: ['modify-trades'], handle: amendOrder },
  EditOrder: { needs: ['modify-trades', 'close-trades'], handle: editOrder },
};

/** Open orders meant by a txid or by an integer userref. Throws {@link KrakenError} when there are none. */
function ordersMeant({ context, accountId }: PrivateCall, id: string): readonly Order[] {
  if (!/^-?\d+$/.test(id)) return [context.changes.openOrder(accountId, { txid: id })];
  const orders = context.store.openOrders(accountId).filter((order) => String(order.userref) === id);
  if (orders.length === 0) throw new KrakenError('EOrder:Unknown order');
  return orders;
}

async function cancelOrder(call: PrivateCall): Promise<unknown> {
  const { context, accountId, params } = call;
  const { cl_ord_id: clOrdId } = params.values;
  const ids = list(params, 'txid');
  if (ids.length === 0 && !clOrdId) throw invalidArguments('txid');
  const orders =
    ids.length > 0
      ? ids.flatMap((id) => ordersMeant(call, id))
      : [context.changes.openOrder(accountId, { clOrdId })];
  for (const order of orders) context.changes.cancel(order);
  await context.store.persist();
  return { count: orders.length };
}

async function cancelOrderBatch(call: PrivateCall): Promise<unknown> {
  const { context, accountId, params } = call;
  const ids = [
    ...list(params, 'orders'),
    ...(params.items.orders ?? []).flatMap((item) => list(item, 'txid')),
  ];
  const clOrdIds = list(params, 'cl_ord_ids');
  const total = ids.length + clOrdIds.length;
  if (total === 0 || total > MOST_CANCELS) throw invalidArguments('orders');
  let count = 0;
  for (const find of [
    ...ids.map((id) => () => ordersMeant(call, id)),
    ...clOrdIds.map((clOrdId) => () => [context.changes.openOrder(accountId, { clOrdId })]),
  ]) {
    try {
      for (const order of find()) {
        context.changes.cancel(order, true);
        count += 1;
      }
    } catch (error) {
      // Orders that are gone do not keep the others from being cancelled.
      if (!(error instanceof KrakenError)) throw error;
    }
  }
  await context.store.persist();
  return { count };
}

async function amendOrder({ context, accountId, params, receivedAtMs }: PrivateCall): Promise<unknown> {
  const { txid, cl_ord_id: clOrdId } = params.values;
  if (!txid && !clOrdId) throw invalidArguments('txid');
  const order = context.changes.openOrder(accountId, { txid, clOrdId });
  const amendId = context.changes.amend(order, params.values, receivedAtMs, 'rest');
  await context.store.persist();
  return { amend_id: amendId };
}

async function editOrder(call: PrivateCall): Promise<unknown> {
  const { context, params, receivedAtMs } = call;
  const { txid } = params.values;
  if (!txid) throw invalidArguments('txid');
  const [order, second] = ordersMeant(call, txid);
  if (!order || second) throw invalidArguments('txid');
  const edited = context.changes.edit(order, editable(params), receivedAtMs, 'rest');
  await context.store.persist();
  return {
    status: 'ok',
    txid: edited.txid,
    originaltxid: order.txid,
    volume: edited.volume,
    price: edited.price,
    ...(edited.price2 === null ? {} : { price2: edited.price2 }),
    orders_cancelled: 1,
    descr: describe(edited),
  };
}

function editable({ values }: Params): RawOrder {
  const { volume, price, price2, oflags, deadline, userref, displayvol, validate } = values;
  // A txid given as a userref is no new userref.
  return { volume, price, price2, oflags, deadline, userref, displayvol, validate };
}
