import { add, type Decimal } from '../../src/domain/money.ts';
import { clientOrderId, type Leg } from '../../src/exchange/client-order-id.ts';
import type { ArrivedOrder } from './paper-control.ts';

const MOST_LEGS = 6;

export interface LegOnExchange extends ArrivedOrder {
  readonly leg: Leg;
}

/** What of a trade's orders the exchange accepted, by its journal, in the order of their arrival. */
export function acceptedLegs(arrivals: readonly ArrivedOrder[], tradeId: string): LegOnExchange[] {
  const numbers = Array.from({ length: MOST_LEGS }, (_, index) => index + 1);
  const legs = ['entry', ...numbers.flatMap((n): Leg[] => [`exit-${n}`, `stop-${n}`])] as const;
  const legOf = new Map(legs.map((leg) => [clientOrderId(`trade-${tradeId}`, leg), leg]));
  return arrivals.flatMap((arrival) => {
    const leg = legOf.get(arrival.clOrdId ?? '');
    return leg && arrival.accepted ? [{ ...arrival, leg }] : [];
  });
}

/** Base currency that orders of the kind filled together. */
export function filledBy(legs: readonly LegOnExchange[], kind: 'entry' | 'exit' | 'stop'): Decimal {
  return add('0', ...legs.filter(({ leg }) => leg.startsWith(kind)).map(({ filled }) => filled));
}
