import type { CallPriority, CancelOutcome, OrderRequest, SubmitOutcome } from '../port.ts';
import { addOrderCost, cancelCost } from './call-budget.ts';
import { WaitedTooLong } from './call-queue.ts';
import type { ExchangeClock } from './clock.ts';
import { failedSubmit } from './errors.ts';
import type { AdapterLog } from './log.ts';
import { guessAltname } from './names.ts';
import type { PairBook } from './pair-book.ts';
import { addedOrder, cancelled } from './parse.ts';
import type { PrivateApi, PrivateParams, PrivateReply } from './private-api.ts';
import type { SeenOrders } from './seen-orders.ts';
import type { Session } from './session.ts';

/** Kraken takes deadlines up to 60 s ahead; a second less allows for the clocks. */
const MAX_DEADLINE_AHEAD_MS = 59_000;

const MAX_CANCEL_WAIT_MS = 30_000;

export interface OrderParts {
  readonly api: PrivateApi;
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
  const { api, session, clock, pairs, seen, now, log } = parts;
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
    reply = await session.once({
      cost: addOrderCost(order.symbol),
      priority,
      maxWaitMs: order.deadlineMs - now(),
      run: () => {
        const nowMs = now();
        if (nowMs >= order.deadlineMs) throw new WaitedTooLong('the deadline passed');
        return api.call('AddOrder', addOrderParams(order, pairs, nowMs, offsetMs));
      },
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

function addOrderParams(
  order: OrderRequest,
  pairs: PairBook,
  nowMs: number,
  offsetMs: number,
): PrivateParams {
  const deadlineMs = Math.min(order.deadlineMs, nowMs + MAX_DEADLINE_AHEAD_MS) + offsetMs;
  const price = order.type === 'limit' ? order.limitPrice : order.triggerPrice;
  if (order.type !== 'market' && price === undefined) {
    throw new Error(`a ${order.type} order needs ${order.type === 'limit' ? 'limitPrice' : 'triggerPrice'}`);
  }
  return {
    pair: pairs.lastNames().pairId(order.symbol) ?? guessAltname(order.symbol),
    type: order.side,
    ordertype: order.type,
    volume: order.quantity,
    ...(order.type !== 'market' && price !== undefined && { price }),
    ...(order.leverage !== undefined && { leverage: String(order.leverage) }),
    ...(order.reduceOnly === true && { reduce_only: 'true' }),
    // All P&L is in quote currency, so the fee must be.
    oflags: 'fciq',
    cl_ord_id: order.clientOrderId,
    deadline: new Date(deadlineMs).toISOString(),
  };
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
  const { api, session, seen, now } = parts;
  const known = seen.find(exchangeOrderId);
  const cost =
    known === null ? { counter: 'none' as const } : cancelCost(known.symbol, now() - known.openedAtMs);
  try {
    const reply = await session.once({
      cost,
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
