import type { CallPriority } from '../port.ts';
import { addOrderCost, batchCost, type CallCost } from './call-budget.ts';
import { WaitedTooLong } from './call-queue.ts';
import { isDefiniteRefusal } from './errors.ts';
import { addedOrders } from './parse.ts';
import type { BatchItem, PrivateApi, PrivateParams, PrivateReply } from './private-api.ts';
import type { Sent, Session } from './session.ts';

export interface OrderToSend {
  readonly symbol: string;
  readonly priority: CallPriority;
  /** Epoch ms by our clock; not sent after it. */
  readonly deadlineMs: number;
  /** Kraken's name of the pair, as well as it is known when the order goes. */
  readonly pair: () => string;
  /** A deadline as Kraken wants it. */
  readonly deadline: (deadlineMs: number) => string;
  readonly fields: BatchItem;
}

export interface OrderSender {
  /** Sends once; rejects with `WaitedTooLong` if its turn does not come before the deadline. */
  send(order: OrderToSend): Promise<PrivateReply>;
}

interface Waiter {
  readonly order: OrderToSend;
  readonly resolve: (reply: PrivateReply) => void;
  readonly reject: (error: Error) => void;
}

/** Kraken's limit of orders in one batch. */
const MOST_IN_BATCH = 15;
/** A batch has one deadline: an order that is nearer to its own would take the others with it. */
const LEAST_LEFT_MS = 1_000;

const tooLate = () => new WaitedTooLong('the deadline passed');

/**
 * Orders of one key, one call at a time. Those that get us out and wait for the same pair leave together: a crash of a
 * market then takes one round trip for each 15 positions, and half of the call budget.
 */
export function createOrderSender({
  api,
  session,
  now,
}: {
  readonly api: PrivateApi;
  readonly session: Session;
  readonly now: () => number;
}): OrderSender {
  const lanes = new Map<string, Waiter[]>();

  function alone(order: OrderToSend): Promise<PrivateReply> {
    return session.once({
      cost: addOrderCost(order.symbol),
      priority: order.priority,
      maxWaitMs: order.deadlineMs - now(),
      run: () => {
        if (now() >= order.deadlineMs) throw tooLate();
        return addOrder(order);
      },
    });
  }

  function addOrder({ pair, fields, deadline, deadlineMs }: OrderToSend): Promise<PrivateReply> {
    const values = Object.entries(fields).map(([name, value]) => [name, String(value)]);
    const params = Object.fromEntries(values) as PrivateParams;
    return api.call('AddOrder', { pair: pair(), ...params, deadline: deadline(deadlineMs) });
  }

  function together(order: OrderToSend): Promise<PrivateReply> {
    const lane = lanes.get(order.symbol) ?? [];
    lanes.set(order.symbol, lane);
    return new Promise((resolve, reject) => {
      const waiter: Waiter = { order, resolve, reject };
      lane.push(waiter);
      // Each takes its turn, so that nobody is forgotten; who left with others has nothing to send any more.
      const turn = session.onceLate({
        cost: addOrderCost(order.symbol),
        priority: order.priority,
        maxWaitMs: order.deadlineMs - now(),
        run: (fits) => sendOrReject(take(lane, fits)),
      });
      turn.catch((error: unknown) => {
        const at = lane.indexOf(waiter);
        if (at < 0) return;
        lane.splice(at, 1);
        reject(error instanceof Error ? error : new Error('an order was not sent'));
      });
    });
  }

  /** Those that leave now, in the order in which they came. */
  function take(lane: Waiter[], fits: (cost: CallCost) => boolean): Waiter[] {
    const taken: Waiter[] = [];
    while (taken.length < MOST_IN_BATCH) {
      const [next] = lane;
      if (next === undefined) break;
      const leftMs = next.order.deadlineMs - now();
      if (leftMs <= 0) {
        lane.shift();
        next.reject(tooLate());
        continue;
      }
      const mayJoin = leftMs >= LEAST_LEFT_MS && fits(batchCost(next.order.symbol, taken.length + 1));
      if (taken.length > 0 && !mayJoin) break;
      lane.shift();
      taken.push(next);
      if (leftMs < LEAST_LEFT_MS) break;
    }
    return taken;
  }

  async function sendOrReject(batch: readonly Waiter[]): Promise<Sent | null> {
    try {
      return await sendWaiting(batch);
    } catch (error) {
      const why = error instanceof Error ? error : new Error('an order was not sent');
      for (const { reject } of batch) reject(why);
      throw why;
    }
  }

  async function sendWaiting(batch: readonly Waiter[]): Promise<Sent | null> {
    const [first] = batch;
    if (first === undefined) return null;
    const { symbol } = first.order;
    if (batch.length === 1) {
      const reply = await addOrder(first.order);
      first.resolve(reply);
      return { reply, cost: addOrderCost(symbol) };
    }
    const reply = await addBatch(batch.map(({ order }) => order));
    const replies = repliesOf(reply, batch.length);
    for (const [index, { order, resolve, reject }] of batch.entries()) {
      // One order that fails its checks refuses the others too, of which none was placed.
      if (replies === 'refused') alone(order).then(resolve, reject);
      else resolve(replies[index] ?? UNREADABLE);
    }
    return { reply, cost: batchCost(symbol, batch.length) };
  }

  function addBatch(orders: readonly OrderToSend[]): Promise<PrivateReply> {
    const [first] = orders;
    if (first === undefined) throw new Error('an empty batch can not be sent');
    return api.call('AddOrderBatch', {
      pair: first.pair(),
      orders: orders.map(({ fields }) => fields),
      deadline: first.deadline(Math.min(...orders.map(({ deadlineMs }) => deadlineMs))),
    });
  }

  return { send: (order) => (order.priority === 'exit' ? together(order) : alone(order)) };
}

const UNREADABLE: PrivateReply = {
  kind: 'trouble',
  trouble: 'unreadable',
  why: 'unreadable answer to a batch',
};

/** What each order would have been told if it had been sent alone. */
function repliesOf(reply: PrivateReply, count: number): readonly PrivateReply[] | 'refused' {
  if (reply.kind === 'error' && reply.codes.every(isDefiniteRefusal)) return 'refused';
  if (reply.kind !== 'result') return Array<PrivateReply>(count).fill(reply);
  const { data } = addedOrders.safeParse(reply.result);
  if (data?.orders.length !== count) return Array<PrivateReply>(count).fill(UNREADABLE);
  return data.orders.map((order) =>
    'txid' in order
      ? { kind: 'result', result: { txid: [order.txid] } }
      : { kind: 'error', codes: [order.error] },
  );
}
