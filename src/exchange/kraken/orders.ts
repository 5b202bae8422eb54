import type {
  AmendOutcome,
  CallPriority,
  CancelOutcome,
  OrderChange,
  OrderRequest,
  SubmitOutcome,
} from '../port.ts';
import { amendCost, cancelCost, type CallCost } from './call-budget.ts';
import { WaitedTooLong } from './call-queue.ts';
import type { ExchangeClock } from './clock.ts';
import { failedSubmit, isDefiniteRefusal } from './errors.ts';
import type { AdapterLog } from './log.ts';
import { guessAltname } from './names.ts';
import type { OrderSender } from './order-sender.ts';
import type { PairBook } from './pair-book.ts';
import { addedOrder, amended, cancelled } from './parse.ts';
import type { BatchItem, PrivateApi, PrivateReply } from './private-api.ts';
import type { SeenOrders } from './seen-orders.ts';
import type { Session } from './session.ts';

/** Kraken takes deadlines up to 60 s ahead; a second less allows for the clocks. */
const MAX_DEADLINE_AHEAD_MS = 59_000;

const MAX_CANCEL_WAIT_MS = 30_000;

export interface OrderParts {
  readonly api: PrivateApi;
  readonly sender: OrderSender;
  readonly session: Session;
  readonly clock: ExchangeClock;
  readonly pairs: PairBook;
  readonly seen: SeenOrders;
  readonly now: () => number;
  readonly log: AdapterLog;
}

const DEADLINE_PASSED: SubmitOutcome = {
  kind: 'refused',
  code: 'deadline-passed',
  message: 'nothing was sent: the deadline had passed before its turn came',
};

/** Sends once. The deadline is checked again at the very moment of sending. */
export async function submitOrder(
  parts: OrderParts,
  order: OrderRequest,
  priority: CallPriority,
): Promise<SubmitOutcome> {
  const { sender, clock, pairs, seen, now, log } = parts;
  let offsetMs: number;
  try {
    offsetMs = await clock.offsetMs();
  } catch {
    const message = 'nothing was sent: the exchange did not tell its time, so no deadline could be set';
    return { kind: 'refused', code: 'clock-unknown', message };
  }
  pairs.names().catch(() => undefined);

  let reply: PrivateReply;
  try {
    const { symbol, deadlineMs } = order;
    reply = await sender.send({
      symbol,
      priority,
      deadlineMs,
      pair: () => pairs.lastNames().pairId(symbol) ?? guessAltname(symbol),
      deadline: (ofMs) => deadlineParam(ofMs, now(), offsetMs),
      fields: orderFields(order),
    });
  } catch (error) {
    // A call that was sent always comes back with a reply, so this one was not.
    if (error instanceof WaitedTooLong) return DEADLINE_PASSED;
    const message = error instanceof Error ? error.message : 'unexpected failure';
    return { kind: 'refused', code: 'not-sent', message: `nothing was sent: ${message}` };
  }
  const outcome = readSubmit(reply);
  if (outcome.kind === 'accepted') seen.accepted(outcome.exchangeOrderId, order, now());
  const { clientOrderId, symbol, side } = order;
  log.info({ clientOrderId, symbol, side, ...outcome }, 'order sent');
  return outcome;
}

function orderFields(order: OrderRequest): BatchItem {
  const price = order.type === 'limit' ? order.limitPrice : order.triggerPrice;
  if (order.type !== 'market' && price === undefined) {
    throw new Error(`a ${order.type} order needs ${order.type === 'limit' ? 'limitPrice' : 'triggerPrice'}`);
  }
  return {
    type: order.side,
    ordertype: order.type,
    volume: order.quantity,
    ...(order.type !== 'market' && price !== undefined && { price }),
    ...(order.leverage !== undefined && { leverage: String(order.leverage) }),
    ...(order.reduceOnly === true && { reduce_only: true }),
    // All P&L is in quote currency, so the fee must be.
    oflags: 'fciq',
    cl_ord_id: order.clientOrderId,
  };
}

function deadlineParam(deadlineMs: number, nowMs: number, offsetMs: number): string {
  return new Date(Math.min(deadlineMs, nowMs + MAX_DEADLINE_AHEAD_MS) + offsetMs).toISOString();
}

function readSubmit(reply: PrivateReply): SubmitOutcome {
  if (reply.kind !== 'result') return failedSubmit(reply);
  const added = addedOrder.safeParse(reply.result);
  const exchangeOrderId = added.data?.txid[0];
  if (exchangeOrderId === undefined) return { kind: 'unknown', why: 'answer without an order id' };
  return { kind: 'accepted', exchangeOrderId };
}

export async function cancelOrder(
  parts: OrderParts,
  exchangeOrderId: string,
  priority: CallPriority,
): Promise<CancelOutcome> {
  const { api, session } = parts;
  try {
    const reply = await session.once({
      cost: costByAge(parts, exchangeOrderId, cancelCost),
      priority,
      maxWaitMs: MAX_CANCEL_WAIT_MS,
      run: () => api.call('CancelOrder', { txid: exchangeOrderId }),
    });
    return readCancel(reply);
  } catch (error) {
    return { kind: 'unknown', why: error instanceof Error ? error.message : 'unexpected failure' };
  }
}

function readCancel(reply: PrivateReply): CancelOutcome {
  if (reply.kind === 'trouble') return { kind: 'unknown', why: reply.why };
  if (reply.kind === 'error') {
    const gone = reply.codes.every((code) => code === 'EOrder:Unknown order');
    return gone ? { kind: 'not-open' } : { kind: 'unknown', why: reply.codes.join(', ') };
  }
  const { data } = cancelled.safeParse(reply.result);
  if (data === undefined) return { kind: 'unknown', why: 'unreadable answer to a cancel' };
  if (data.pending === true || Number(data.pending) > 0) return { kind: 'unknown', why: 'cancel pending' };
  return data.count > 0 ? { kind: 'cancelled' } : { kind: 'unknown', why: 'nothing was cancelled' };
}

/** Sends once. Idempotent, so that whoever gets no answer may simply ask for it again. */
export async function amendOrder(
  parts: OrderParts,
  exchangeOrderId: string,
  change: OrderChange,
  priority: CallPriority,
): Promise<AmendOutcome> {
  const { api, session, clock, now } = parts;
  const { quantity, triggerPrice, deadlineMs } = change;
  try {
    const offsetMs = await clock.offsetMs();
    const reply = await session.once({
      cost: costByAge(parts, exchangeOrderId, amendCost),
      priority,
      maxWaitMs: deadlineMs - now(),
      run: () => {
        const deadline = deadlineParam(deadlineMs, now(), offsetMs);
        const wanted = { order_qty: quantity, trigger_price: triggerPrice };
        return api.call('AmendOrder', { txid: exchangeOrderId, ...wanted, deadline });
      },
    });
    return readAmend(reply);
  } catch (error) {
    return { kind: 'unknown', why: error instanceof Error ? error.message : 'unexpected failure' };
  }
}

function readAmend(reply: PrivateReply): AmendOutcome {
  if (reply.kind === 'trouble') return { kind: 'unknown', why: reply.why };
  if (reply.kind === 'result') {
    const isAmended = amended.safeParse(reply.result).success;
    return isAmended ? { kind: 'amended' } : { kind: 'unknown', why: 'unreadable answer to an amendment' };
  }
  const [code] = reply.codes;
  if (reply.codes.every((each) => each === 'EOrder:Unknown order')) return { kind: 'not-open' };
  if (code !== undefined && reply.codes.every(isDefiniteRefusal)) return { kind: 'refused', code };
  return { kind: 'unknown', why: reply.codes.join(', ') };
}

/** Of an order whose pair is not known nothing can be booked. */
function costByAge(
  { seen, now }: OrderParts,
  exchangeOrderId: string,
  cost: (symbol: string, ageMs: number) => CallCost,
): CallCost {
  const known = seen.find(exchangeOrderId);
  return known === null ? { counter: 'none' } : cost(known.symbol, now() - known.openedAtMs);
}
