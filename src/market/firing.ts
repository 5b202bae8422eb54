import { isPositive, subtract, type Decimal } from '../domain/money.ts';
import type { Exchange, SubmitOutcome } from '../exchange/port.ts';
import type { Logger } from '../logging.ts';
import type { FiredExit } from '../workflows/messages.ts';
import type { ArmedTrade, GuardedExit } from './guarded-position.ts';
import type { Lease } from './lease.ts';

export interface FiringDependencies {
  readonly exchange: Pick<Exchange, 'submit' | 'cancel' | 'order'>;
  readonly lease: Lease;
  readonly now: () => number;
  /** Notes the outcome with the intent; must not throw and is not waited for. */
  readonly note: (trade: ArmedTrade, outcome: SubmitOutcome) => void;
  readonly log: Logger;
}

/**
 * Sends the exit of an armed position at once. Null when it may not: no exit leg, too little lease left, or a
 * protective stop that has sold everything or can't be got out of the way.
 */
export type Fire = (trade: ArmedTrade) => Promise<FiredExit | null>;

/** More than one lost answer is the trade's to sort out: it has the patience. */
const TRIES_TO_WITHDRAW = 2;

export function createFiring({ exchange, lease, now, note, log }: FiringDependencies): Fire {
  return async (trade) => {
    const { exit, tradeId, positionId, symbol } = trade;
    if (exit === null || lease.firingDeadlineMs() === null) return null;
    const quantity = await quantityToSell(exit);
    // Asked for only now: withdrawing the stop took time.
    const deadlineMs = lease.firingDeadlineMs();
    if (quantity === null || deadlineMs === null) return null;
    const submittedAtMs = now();
    const outcome = await exchange.submit(
      {
        clientOrderId: exit.clientOrderId,
        symbol,
        side: exit.side,
        type: 'market',
        quantity,
        ...(exit.leverage === null ? {} : { leverage: exit.leverage, reduceOnly: true }),
        deadlineMs,
      },
      'exit',
    );
    note({ ...trade, exit: { ...exit, quantity } }, outcome);
    const krakenOrderId = outcome.kind === 'accepted' ? outcome.exchangeOrderId : null;
    log.info(
      { tradeId, positionId, krakenOrderId, event: `order-${outcome.kind}`, leg: exit.leg, fired: true },
      `exit order ${outcome.kind}`,
    );
    return { leg: exit.leg, submittedAtMs, deadlineMs, outcome };
  };

  /** What the protective stop has left, once it is proven that it can't fill any more; null when there is nothing. */
  async function quantityToSell({ quantity, stopOrderId = null }: GuardedExit): Promise<Decimal | null> {
    if (stopOrderId === null) return quantity;
    const filled = await withdrawn(stopOrderId);
    if (filled === null) return null;
    const left = subtract(quantity, filled);
    return isPositive(left) ? left : null;
  }

  async function withdrawn(stopOrderId: string): Promise<Decimal | null> {
    for (let tries = 0; tries < TRIES_TO_WITHDRAW; tries += 1) {
      const outcome = await exchange.cancel(stopOrderId, 'exit');
      if (outcome.kind === 'unknown') continue;
      try {
        const order = await exchange.order(stopOrderId, 'exit');
        // A list that lags may still show it open; its quantity is not sold by anybody's word but its end.
        if (order && order.status !== 'open' && order.status !== 'pending') return order.filledQuantity;
      } catch (err) {
        log.warn({ krakenOrderId: stopOrderId, event: 'stop-not-read', err }, 'the stop could not be read');
      }
    }
    return null;
  }
}
