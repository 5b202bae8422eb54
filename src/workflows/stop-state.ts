import { summarizeFills } from '../domain/position.ts';
import type { OrderOnExchange } from '../activities/orders.ts';
import type { ExitRecord, ProtectiveStop, TradeState } from './messages.ts';

/** What a trade knows of its protective stop. */

export type KnownStop = ProtectiveStop & { readonly exchangeOrderId: string };

/** The exchange has taken it; whether it still rests has to be asked. */
export function isKnown(stop: ProtectiveStop | null | undefined): stop is KnownStop {
  return stop != null && stop.exchangeOrderId !== null;
}

/** It may exist or not: nobody may sell what it may be selling. */
export function isInDoubt(stop: ProtectiveStop | null | undefined): boolean {
  return stop?.exchangeOrderId === null;
}

/** A stop that is finished: what it filled is an exit. */
export function countStop(state: TradeState, { exchangeOrderId, fills }: OrderOnExchange): void {
  const { stop } = state;
  if (!isKnown(stop) || stop.exchangeOrderId !== exchangeOrderId) return;
  const summary = summarizeFills(fills);
  if (!summary) endStop(state);
  else {
    countExit(state, {
      leg: stop.leg,
      exchangeOrderId,
      exchangeTradeId: fills[0]?.fillId ?? '',
      summary,
      requestedAtMs: stop.submittedAtMs,
      submittedAtMs: stop.submittedAtMs,
      quotePrice: stop.triggerPrice,
    });
  }
}

/** Each order counts once, however often and by whom it is told; a stop that has filled is an exit that has begun. */
export function countExit(state: TradeState, exit: ExitRecord): void {
  const { stop, exits } = state;
  if (!exits.some(({ exchangeOrderId }) => exchangeOrderId === exit.exchangeOrderId)) exits.push(exit);
  if (!exit.leg.startsWith('stop-')) return;
  if (stop?.leg === exit.leg) endStop(state);
  demandAfterStop(state, exit.quotePrice);
}

/** The exchange has carried out what the emergency rule asks for. */
export function demandAfterStop(state: TradeState, triggerPrice: string): void {
  state.demand ??= {
    rule: 'emergency-loss',
    reason: `the protective stop at ${triggerPrice} fired on the exchange`,
    atMs: Date.now(),
  };
}

function endStop(state: TradeState): void {
  state.stop = null;
  state.nextStopLeg = (state.nextStopLeg ?? 1) + 1;
}
