import { KrakenError, invalidArguments } from '../kraken-error.ts';
import { findPair } from '../pairs.ts';
import type { Params } from '../params.ts';
import type { RawOrder } from '../parse-order.ts';
import type { PrivateCall, PrivateEndpoint } from './private.ts';
import { describe } from './views.ts';

const FEWEST_IN_BATCH = 2;
const MOST_IN_BATCH = 15;

/** Endpoints that take new orders. */
export const ORDERS: Readonly<Record<string, PrivateEndpoint>> = {
  AddOrder: { needs: ['modify-trades'], handle: addOrder },
  AddOrderBatch: { needs: ['modify-trades', 'close-trades'], handle: addOrderBatch },
};

async function addOrder({ context, accountId, params, receivedAtMs, name }: PrivateCall): Promise<unknown> {
  const arrival = context.desk.arrive(accountId, params.values, 'rest', receivedAtMs);
  const { order, spec } = await context.desk.add(arrival, params.values, name);
  const descr = describe(order ?? spec.terms);
  return order ? { descr, txid: [order.txid] } : { descr };
}

/** Those that a call asks for: its own parameters, or each of a batch. */
export function ordersOf({ values, items }: Params): readonly RawOrder[] {
  const { pair, deadline, validate } = values;
  return items.orders?.map((item) => ({ ...item.values, pair, deadline, validate })) ?? [values];
}

/** One order that fails its checks refuses the batch; after that each stands for itself. */
async function addOrderBatch({
  context,
  accountId,
  params,
  receivedAtMs,
  name,
}: PrivateCall): Promise<unknown> {
  const { desk, limits, store } = context;
  const items = params.items.orders ?? [];
  if (items.length < FEWEST_IN_BATCH || items.length > MOST_IN_BATCH) throw invalidArguments('orders');
  const pair = findPair(params.values.pair ?? '');
  if (!pair) throw new KrakenError('EQuery:Unknown asset pair');
  const raws = ordersOf(params);
  const arrivals = raws.map((raw) => desk.arrive(accountId, raw, 'rest', receivedAtMs));
  try {
    limits.chargeTrading(accountId, pair.id, store.account(accountId).tier, items.length / 2, Date.now());
    for (const raw of raws) desk.parse(raw, receivedAtMs);
  } catch (error) {
    if (error instanceof KrakenError) for (const arrival of arrivals) desk.refuse(arrival, error.message);
    store.commit();
    throw error;
  }
  const orders = await Promise.all(
    raws.map(async (raw, index) => {
      const arrival = arrivals[index];
      if (!arrival) throw new Error(`order ${index} of a batch did not arrive`);
      try {
        const { order, spec } = await desk.add(arrival, raw, name);
        return { descr: describe(order ?? spec.terms), ...(order ? { txid: order.txid } : {}) };
      } catch (error) {
        if (!(error instanceof KrakenError)) throw error;
        return { error: error.message };
      }
    }),
  );
  return { orders };
}
