import type { ArrivedOrder } from '../../support/paper-control.ts';
import { tradesOf } from './trades-on-exchange.ts';
import type { Exposure } from './watch.ts';

/** When a position had to be watched: from its first fill until its exit was decided, demanded or sent. */
export function exposuresOf(
  orders: readonly ArrivedOrder[],
  tradeIds: readonly string[],
  known: {
    /** By position. */
    readonly decidedAtMs: ReadonlyMap<string, number>;
    /** By trade. */
    readonly demandedAtMs: ReadonlyMap<string, number>;
    readonly flattenedAtMs: number;
  },
): Exposure[] {
  return tradesOf(orders, tradeIds).map(({ tradeId, entry, exits }) => {
    const positionId = `kraken-${entry.txid}`;
    return {
      positionId,
      fromMs: Math.min(...entry.fills.map(({ timeMs }) => timeMs)),
      untilMs: Math.min(
        known.decidedAtMs.get(positionId) ?? Infinity,
        known.demandedAtMs.get(tradeId) ?? Infinity,
        known.flattenedAtMs,
        ...exits.map(({ receivedAtMs }) => receivedAtMs),
      ),
    };
  });
}
