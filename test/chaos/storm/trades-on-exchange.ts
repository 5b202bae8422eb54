import { add, isPositive, subtract, type Decimal } from '../../../src/domain/money.ts';
import { clientOrderId } from '../../../src/exchange/client-order-id.ts';
import type { ArrivedOrder } from '../../support/paper-control.ts';

/** A trade as the exchange's journal alone tells it. */
export interface TradeOnExchange {
  readonly tradeId: string;
  /** The entry, which filled. */
  readonly entry: ArrivedOrder;
  readonly exits: readonly ArrivedOrder[];
  /** Bought and not sold again, or sold short and not bought back; base currency. */
  readonly open: Decimal;
  /** Net of fees, quote currency; null unless all of it was exited. */
  readonly pnl: Decimal | null;
}

/** Legs that no trade of a storm ever reaches. */
const MOST_LEGS = 12;

/** Trades whose entry filled. Every order is counted for the trade whose client order id it carries. */
export function tradesOf(orders: readonly ArrivedOrder[], tradeIds: readonly string[]): TradeOnExchange[] {
  const byClientId = new Map<string, ArrivedOrder[]>();
  for (const order of orders) {
    if (!order.accepted || !isPositive(order.filled)) continue;
    byClientId.set(order.clOrdId ?? '', [...(byClientId.get(order.clOrdId ?? '') ?? []), order]);
  }
  return tradeIds.flatMap((tradeId) => {
    const of = (leg: Parameters<typeof clientOrderId>[1]) =>
      byClientId.get(clientOrderId(`trade-${tradeId}`, leg)) ?? [];
    const [entry, ...again] = of('entry');
    if (!entry) return [];
    const exits = Array.from({ length: MOST_LEGS }, (_, index) => of(`exit-${index + 1}`)).flat();
    const sum = (each: readonly ArrivedOrder[], what: 'filled' | 'cost' | 'fee') =>
      add('0', ...each.map((order) => order[what]));
    const open = subtract(sum([entry, ...again], 'filled'), sum(exits, 'filled'));
    const gross = subtract(sum(exits, 'cost'), entry.cost);
    const fees = add(entry.fee, sum(exits, 'fee'));
    const isLong = entry.side === 'buy';
    return [
      {
        tradeId,
        entry,
        exits,
        open,
        pnl: open === '0' ? subtract(isLong ? gross : subtract('0', gross), fees) : null,
      },
    ];
  });
}
