import type { PaperContext } from '../context.ts';
import { KrakenError, invalidArguments } from '../kraken-error.ts';
import { fromJson, type Params } from '../params.ts';
import type { RawOrder } from '../parse-order.ts';
import type { Order } from '../state.ts';
import type { Replies } from './replies.ts';
import { tokenOf } from './subscriptions.ts';

type WireParams = Readonly<Record<string, unknown>>;

interface TradingRequest {
  readonly accountId: string;
  readonly params: WireParams;
  readonly replies: Replies;
  readonly context: PaperContext;
  readonly receivedAtMs: number;
}

const DEFAULT_DEADLINE_MS = 5_000;
const MOST_IN_BATCH = 15;

const METHODS: Readonly<Record<string, (request: TradingRequest) => Promise<void>>> = {
  add_order: addOrder,
  batch_add: batchAdd,
  amend_order: amendOrder,
  edit_order: editOrder,
  cancel_order: cancelOrders,
  batch_cancel: batchCancel,
  cancel_all: async ({ context, accountId, replies }) => {
    const count = context.changes.cancelAll(accountId);
    await context.store.persist();
    replies.done({ count });
  },
  cancel_all_orders_after: async ({ context, accountId, params, replies, receivedAtMs }) => {
    const timeout = params.timeout;
    if (typeof timeout !== 'number') throw invalidArguments('timeout');
    const result = context.changes.cancelAllAfter(accountId, timeout, receivedAtMs);
    await context.store.persist();
    replies.done(result);
  },
};

export function isTradingMethod(method: string): boolean {
  return method in METHODS;
}

/** Carries out a trading request. Throws KrakenError. */
export async function trade(
  method: string,
  params: WireParams,
  replies: Replies,
  context: PaperContext,
): Promise<void> {
  const receivedAtMs = Date.now();
  const accountId = context.tokens.account(tokenOf(params), receivedAtMs);
  await METHODS[method]?.({ accountId, params, replies, context, receivedAtMs });
}

async function addOrder({
  context,
  accountId,
  params,
  replies,
  receivedAtMs,
}: TradingRequest): Promise<void> {
  const raw = rawOrder(fromJson(params), receivedAtMs);
  const arrival = context.desk.arrive(accountId, raw, 'websocket', receivedAtMs);
  const { order } = await context.desk.add(arrival, raw, 'add_order');
  replies.done(order ? identity(order) : {});
}

async function batchAdd({
  context,
  accountId,
  params,
  replies,
  receivedAtMs,
}: TradingRequest): Promise<void> {
  const { items, values } = fromJson(params);
  const orders = items.orders ?? [];
  if (orders.length < 2 || orders.length > MOST_IN_BATCH) throw invalidArguments('orders');
  const { symbol, deadline, validate } = values;
  const raws = orders.map((item) =>
    rawOrder({ values: { ...item.values, symbol, deadline, validate }, items: {} }, receivedAtMs),
  );
  for (const raw of raws) context.desk.parse(raw, receivedAtMs, 'websocket');
  const results: unknown[] = [];
  for (const raw of raws) {
    const arrival = context.desk.arrive(accountId, raw, 'websocket', receivedAtMs);
    try {
      const { order } = await context.desk.add(arrival, raw, 'batch_add');
      results.push(order ? identity(order) : {});
    } catch (error) {
      if (!(error instanceof KrakenError)) throw error;
      results.push({ error: error.message });
    }
  }
  replies.bare({ result: results, success: true });
}

async function amendOrder({
  context,
  accountId,
  params,
  replies,
  receivedAtMs,
}: TradingRequest): Promise<void> {
  const { values } = fromJson(params);
  const { order_id: txid, cl_ord_id: clOrdId } = values;
  const order = context.changes.openOrder(accountId, { txid, clOrdId });
  const amendId = context.changes.amend(order, values, receivedAtMs, 'websocket');
  await context.store.persist();
  replies.done({ amend_id: amendId, ...identity(order) });
}

async function editOrder({
  context,
  accountId,
  params,
  replies,
  receivedAtMs,
}: TradingRequest): Promise<void> {
  const fields = fromJson(params);
  const order = context.changes.openOrder(accountId, { txid: fields.values.order_id });
  const { volume, price, oflags, deadline, userref } = rawOrder(fields, receivedAtMs);
  const edited = context.changes.edit(
    order,
    { volume, price, oflags, deadline, userref },
    receivedAtMs,
    'websocket',
  );
  await context.store.persist();
  replies.done({ order_id: edited.txid, original_order_id: order.txid });
}

/** One answer for each order that was named. */
async function cancelOrders({ context, accountId, params, replies }: TradingRequest): Promise<void> {
  const byUserref = (userref: unknown) => {
    const orders = context.store.openOrders(accountId).filter((order) => order.userref === userref);
    if (orders.length === 0) throw new KrakenError('EOrder:Unknown order');
    return orders;
  };
  const searches = [
    ...names(params.order_id).map((txid) => () => [
      context.changes.openOrder(accountId, { txid: String(txid) }),
    ]),
    ...names(params.cl_ord_id).map((clOrdId) => () => [
      context.changes.openOrder(accountId, { clOrdId: String(clOrdId) }),
    ]),
    ...names(params.order_userref).map((userref) => () => byUserref(userref)),
  ];
  if (searches.length === 0) throw invalidArguments('order_id');
  for (const search of searches) {
    try {
      for (const order of search()) {
        context.changes.cancel(order);
        await context.store.persist();
        replies.done(identity(order));
      }
    } catch (error) {
      if (!(error instanceof KrakenError)) throw error;
      replies.failed(error.message);
    }
  }
}

async function batchCancel({ context, accountId, params, replies }: TradingRequest): Promise<void> {
  const ids = [...names(params.orders), ...names(params.cl_ord_id)].map(String);
  const wanted = context.store
    .openOrders(accountId)
    .filter((order) => ids.includes(order.txid) || ids.includes(order.clOrdId ?? ''));
  for (const order of wanted) context.changes.cancel(order, true);
  await context.store.persist();
  replies.bare({ result: { count: wanted.length }, success: true });
}

function names(value: unknown): readonly unknown[] {
  if (value === undefined) return [];
  return Array.isArray(value) ? value : [value];
}

function identity(order: Order): Record<string, unknown> {
  return {
    order_id: order.txid,
    ...(order.clOrdId === null ? {} : { cl_ord_id: order.clOrdId }),
    ...(order.userref === null ? {} : { order_userref: order.userref }),
  };
}

/** A WebSocket order in the words of AddOrder. */
function rawOrder({ values }: Params, receivedAtMs: number): RawOrder {
  const type = values.order_type ?? '';
  const limit = relative(values.limit_price, values.limit_price_type);
  const trigger = relative(values['triggers[price]'], values['triggers[price_type]']);
  const triggered = trigger !== undefined;
  const flags = [
    ...(values.post_only === 'true' ? ['post'] : []),
    ...(values.fee_preference === 'base' ? ['fcib'] : []),
    ...(values.cash_order_qty === undefined ? [] : ['viqc']),
  ];
  const closeTrigger = values['conditional[trigger_price]'];
  const closeLimit = values['conditional[limit_price]'];
  return {
    pair: values.symbol,
    type: values.side,
    ordertype: type,
    volume: values.cash_order_qty ?? values.order_qty,
    price: triggered ? trigger : limit,
    price2: triggered ? limit : undefined,
    trigger: values['triggers[reference]'],
    leverage: values.margin === 'true' ? (values.leverage ?? '2') : undefined,
    reduce_only: values.reduce_only,
    oflags: flags.length > 0 ? flags.join(',') : undefined,
    timeinforce: type === 'market' ? undefined : values.time_in_force,
    starttm: unixSeconds(values.effective_time),
    expiretm: unixSeconds(values.expire_time),
    displayvol: values.display_qty,
    'close[ordertype]': values['conditional[order_type]'],
    'close[price]': closeTrigger ?? closeLimit,
    'close[price2]': closeTrigger === undefined ? undefined : closeLimit,
    deadline: values.deadline ?? new Date(receivedAtMs + DEFAULT_DEADLINE_MS).toISOString(),
    validate: values.validate,
    userref: values.order_userref,
    cl_ord_id: values.cl_ord_id,
  };
}

/** `5` of type `pct` is `+5%` in AddOrder's notation, of type `quote` `+5`. */
function relative(price: string | undefined, type: string | undefined): string | undefined {
  if (price === undefined || type === undefined || type === 'static') return price;
  const signed = price.startsWith('-') ? price : `+${price}`;
  return type === 'pct' ? `${signed}%` : signed;
}

function unixSeconds(time: string | undefined): string | undefined {
  if (time === undefined) return undefined;
  const timeMs = Date.parse(time);
  if (Number.isNaN(timeMs)) throw invalidArguments('expire_time');
  return String(timeMs / 1000);
}
