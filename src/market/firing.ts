import type { Exchange, SubmitOutcome } from '../exchange/port.ts';
import type { Logger } from '../logging.ts';
import type { FiredExit } from '../workflows/messages.ts';
import type { ArmedTrade } from './guarded-position.ts';
import type { Lease } from './lease.ts';

export interface FiringDependencies {
  readonly exchange: Pick<Exchange, 'submit'>;
  readonly lease: Lease;
  readonly now: () => number;
  /** Notes the outcome with the intent; must not throw and is not waited for. */
  readonly note: (trade: ArmedTrade, outcome: SubmitOutcome) => void;
  readonly log: Logger;
}

/** Sends the exit of an armed position at once. Null when it may not: no exit leg, or too little lease left. */
export type Fire = (trade: ArmedTrade) => Promise<FiredExit | null>;

export function createFiring({ exchange, lease, now, note, log }: FiringDependencies): Fire {
  return async (trade) => {
    const { exit, tradeId, positionId, symbol } = trade;
    const deadlineMs = lease.firingDeadlineMs();
    if (exit === null || deadlineMs === null) return null;
    const submittedAtMs = now();
    const outcome = await exchange.submit(
      {
        clientOrderId: exit.clientOrderId,
        symbol,
        side: exit.side,
        type: 'market',
        quantity: exit.quantity,
        ...(exit.leverage === null ? {} : { leverage: exit.leverage, reduceOnly: true }),
        deadlineMs,
      },
      'exit',
    );
    note(trade, outcome);
    const krakenOrderId = outcome.kind === 'accepted' ? outcome.exchangeOrderId : null;
    log.info(
      { tradeId, positionId, krakenOrderId, event: `order-${outcome.kind}`, leg: exit.leg, fired: true },
      `exit order ${outcome.kind}`,
    );
    return { leg: exit.leg, submittedAtMs, deadlineMs, outcome };
  };
}
