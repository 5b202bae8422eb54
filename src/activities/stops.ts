import { SEND_WINDOW_MS } from '../domain/safety-times.ts';
import type { Decimal } from '../domain/money.ts';
import { tradeIdOf } from '../workflows/trade-id.ts';
import { clientOrderId } from '../exchange/client-order-id.ts';
import { ExchangeUnavailable, type Exchange } from '../exchange/port.ts';
import type { Logger } from '../logging.ts';
import type { StopLeg } from '../workflows/messages.ts';
import type { IntentJournal } from './intent-journal.ts';
import { readOrder, workflowExecution, type OrderOnExchange } from './orders.ts';

export interface StopActivityDependencies {
  readonly exchange: Exchange;
  readonly intents: IntentJournal;
  readonly now: () => number;
  readonly log: Logger;
}

/** Protective stops that rest on the exchange; they are sent by `sendOrder` like every other order. */
export function createStopActivities({ exchange, intents, now, log }: StopActivityDependencies) {
  return {
    /** False when the exchange will not have it so. Throws until its answer is known: asking twice changes nothing. */
    async amendStop(wanted: {
      exchangeOrderId: string;
      quantity: Decimal;
      triggerPrice: Decimal;
    }): Promise<boolean> {
      const { exchangeOrderId, quantity, triggerPrice } = wanted;
      const change = { quantity, triggerPrice, deadlineMs: now() + SEND_WINDOW_MS };
      const outcome = await exchange.amend(exchangeOrderId, change, 'exit');
      if (outcome.kind === 'unknown') throw new ExchangeUnavailable(`the stop's amendment: ${outcome.why}`);
      const { tradeId } = ownTrade();
      log.info(
        { tradeId, krakenOrderId: exchangeOrderId, event: `stop-${outcome.kind}`, quantity, triggerPrice },
        `protective stop ${outcome.kind}`,
      );
      return outcome.kind === 'amended';
    },

    /** Cancels it and says what it had filled; to be asked again until it is finished. */
    async withdrawStop(stop: { leg: StopLeg; exchangeOrderId: string }): Promise<OrderOnExchange> {
      const { leg, exchangeOrderId } = stop;
      const { workflowId, tradeId } = ownTrade();
      const outcome = await exchange.cancel(exchangeOrderId, 'exit');
      const order = await readOrder(exchange, exchangeOrderId, 'exit');
      const hasFilled = order.fills.length > 0;
      if (order.isFinished) await intents.ended(clientOrderId(workflowId, leg), exchangeOrderId, hasFilled);
      log.info(
        { tradeId, krakenOrderId: exchangeOrderId, event: 'stop-withdrawn', outcome, ...order },
        order.isFinished ? 'protective stop withdrawn' : 'protective stop not withdrawn yet',
      );
      return order;
    },
  };
}

function ownTrade() {
  const { workflowId } = workflowExecution();
  return { workflowId, tradeId: tradeIdOf(workflowId) };
}
