import { activityInfo } from '@temporalio/activity';
import type { Decimal } from '../domain/money.ts';
import type { Fill, OrderSide } from '../domain/position.ts';
import { SEND_WINDOW_MS } from '../domain/safety-times.ts';
import { answerWithin, heartbeatWhile } from './patience.ts';
import { tradeIdOf } from '../workflows/trade-id.ts';
import { clientOrderId, type Leg } from '../exchange/client-order-id.ts';
import type { Exchange, OrderRequest, OrderSnapshot, SubmitOutcome } from '../exchange/port.ts';
import type { IntentJournal } from './intent-journal.ts';
import type { Logger } from '../logging.ts';
import type { OrderWatch } from '../market/order-watch.ts';

export type { SubmitOutcome };

export type OrderPurpose = 'entry' | 'exit';

export interface SendRequest {
  readonly leg: Leg;
  readonly purpose: OrderPurpose;
  readonly symbol: string;
  readonly side: OrderSide;
  readonly type: 'market' | 'limit' | 'stop-loss';
  readonly quantity: Decimal;
  readonly limitPrice: Decimal | null;
  /** Of a stop-loss order. */
  readonly triggerPrice?: Decimal;
  readonly leverage: number | null;
  readonly reduceOnly: boolean;
  readonly deadlineMs: number;
}

/** An order with its fills; `isFinished` when it can't fill any more. */
export interface OrderOnExchange {
  readonly exchangeOrderId: string;
  readonly isFinished: boolean;
  readonly fills: readonly Fill[];
}

export type SendResult =
  | { readonly kind: 'accepted'; readonly order: OrderOnExchange }
  | Extract<SubmitOutcome, { kind: 'refused' }>
  | { readonly kind: 'unknown'; readonly why: string };

/** That the order was accepted must not be lost while its fills wait for their turn in the call budget. */
const FIRST_LOOK_MS = 1_000;

export interface OrderActivityDependencies {
  readonly exchange: Exchange;
  readonly intents: IntentJournal;
  readonly orderWatch: Pick<OrderWatch, 'read'>;
  readonly now: () => number;
  readonly log: Logger;
}

export function createOrderActivities(dependencies: OrderActivityDependencies) {
  const { exchange, intents, orderWatch, now, log } = dependencies;
  return {
    /** Sends once. The answer `unknown` leaves the proof to `lookUpOrder`. */
    async sendOrder(request: SendRequest): Promise<SendResult> {
      const { workflowId } = workflowExecution();
      const clOrdId = clientOrderId(workflowId, request.leg);
      // The deadline is by Temporal's clock: to one that is behind it, it would seem further away than it ever was.
      const deadlineMs = Math.min(request.deadlineMs, now() + SEND_WINDOW_MS);
      const trade = { tradeId: tradeIdOf(workflowId), clOrdId, leg: request.leg };
      await intents.sending(workflowId, clOrdId, request);
      log.info(
        { ...trade, event: 'order-sent', side: request.side, quantity: request.quantity },
        'order sent',
      );
      const outcome = await exchange.submit(
        orderRequest(clOrdId, { ...request, deadlineMs }),
        request.purpose,
      );
      await intents.answered(clOrdId, outcome);
      if (outcome.kind !== 'accepted') {
        log.warn({ ...trade, event: `order-${outcome.kind}`, outcome }, `order ${outcome.kind}`);
        return outcome;
      }
      const { exchangeOrderId } = outcome;
      log.info({ ...trade, event: 'order-accepted', krakenOrderId: exchangeOrderId }, 'order accepted');
      const order = await orderWatch.read(exchangeOrderId, trade.tradeId, () =>
        // A stop rests: a look at it would only cost calls that exits may need.
        request.type === 'stop-loss'
          ? Promise.resolve(notSeenYet(exchangeOrderId))
          : firstLook(exchange, exchangeOrderId, request.purpose),
      );
      return { kind: 'accepted', order };
    },

    /** Answers when it was asked, by the clock of the question: a worker's may be ahead, and absence be believed early. */
    async lookUpOrder(question: {
      leg: Leg;
      sinceMs: number;
      /** Epoch ms, by Temporal's clock. */
      askedAtMs: number;
    }): Promise<{ order: OrderOnExchange | null; askedAtMs: number }> {
      const { workflowId } = workflowExecution();
      const clOrdId = clientOrderId(workflowId, question.leg);
      const begunAtMs = now();
      const { order, askedAtMs } = await heartbeatWhile(
        // As urgent for an entry: it may have filled, and nobody guards what it bought.
        exchange.lookUp(clOrdId, question.sinceMs, 'exit'),
      );
      // It may have joined one that was under way.
      const earlierMs = Math.max(0, begunAtMs - askedAtMs);
      log.info(
        { tradeId: tradeIdOf(workflowId), clOrdId, event: 'order-looked-up', found: order !== null },
        order ? 'order found on the exchange' : 'order not found yet',
      );
      return { order: order && onExchange(order), askedAtMs: question.askedAtMs - earlierMs };
    },

    async readOrder(question: { exchangeOrderId: string; purpose: OrderPurpose }): Promise<OrderOnExchange> {
      const { exchangeOrderId, purpose } = question;
      const tradeId = tradeIdOf(workflowExecution().workflowId);
      return heartbeatWhile(
        orderWatch.read(exchangeOrderId, tradeId, () => readOrder(exchange, exchangeOrderId, purpose)),
      );
    },

    /** A cancel that finds nothing to cancel is fine: the order's fills tell what became of it. */
    async cancelOrder(question: { exchangeOrderId: string; purpose: OrderPurpose }): Promise<void> {
      const outcome = await exchange.cancel(question.exchangeOrderId, question.purpose);
      log.info({ krakenOrderId: question.exchangeOrderId, event: 'order-cancel', outcome }, 'order cancel');
    },
  };
}

/** Activities of a trade always run for a workflow; a standalone run has no order to own. */
export function workflowExecution(): { workflowId: string } {
  const { workflowExecution: execution } = activityInfo();
  if (!execution) throw new Error('this activity runs for a workflow only');
  return execution;
}

function orderRequest(clOrdId: string, request: SendRequest): OrderRequest {
  return {
    clientOrderId: clOrdId,
    symbol: request.symbol,
    side: request.side,
    type: request.type,
    quantity: request.quantity,
    ...(request.limitPrice === null ? {} : { limitPrice: request.limitPrice }),
    ...(request.triggerPrice === undefined ? {} : { triggerPrice: request.triggerPrice }),
    ...(request.leverage === null ? {} : { leverage: request.leverage, reduceOnly: request.reduceOnly }),
    deadlineMs: request.deadlineMs,
  };
}

/** Saves a round trip for orders that fill at once; when it fails or takes long the workflow simply reads again. */
async function firstLook(
  exchange: Exchange,
  exchangeOrderId: string,
  purpose: OrderPurpose,
): Promise<OrderOnExchange> {
  const order = await answerWithin(FIRST_LOOK_MS, readOrder(exchange, exchangeOrderId, purpose));
  return order ?? notSeenYet(exchangeOrderId);
}

export async function readOrder(
  exchange: Exchange,
  exchangeOrderId: string,
  purpose: OrderPurpose,
): Promise<OrderOnExchange> {
  const order = await exchange.order(exchangeOrderId, purpose);
  // Lists lag: an order that was accepted is never believed to be gone.
  return order ? onExchange(order) : notSeenYet(exchangeOrderId);
}

function notSeenYet(exchangeOrderId: string): OrderOnExchange {
  return { exchangeOrderId, isFinished: false, fills: [] };
}

function onExchange(order: OrderSnapshot): OrderOnExchange {
  const isFinished = order.status === 'filled' || order.status === 'cancelled' || order.status === 'expired';
  return { exchangeOrderId: order.exchangeOrderId, isFinished, fills: order.fills };
}
