import { isPositive } from '../money.ts';
import { ordersOf, runningTrade } from './index-of-views.ts';
import { isStop, type AuditedOrder, type Disagreement, type ThreeViews } from './views.ts';

/** Stops of a running trade that have filled and that it has not counted, as far as it was asked. */
export function firedStops(views: ThreeViews, tradeId: string): AuditedOrder[] {
  const counted = new Set(runningTrade(views, tradeId)?.countedExits);
  return ordersOf(views, tradeId).filter((order) => {
    const hasFilled = isStop(order) && !order.isOpen && isPositive(order.filledQuantity);
    return hasFilled && !counted.has(order.exchangeOrderId);
  });
}

/** Their own account of what they hold decides. */
export function tradesWithFiredStops(views: ThreeViews): string[] {
  return views.running
    .map(({ tradeId }) => tradeId)
    .filter((tradeId) => firedStops(views, tradeId).length > 0);
}

/**
 * A trade learns of its stop when it looks, as the private stream has it do, or from here where that is silent: that it
 * has sold, or that it rests no more though nothing was sold, because somebody cancelled it.
 */
export function stopFindings(views: ThreeViews): Disagreement[] {
  const open = views.running.filter(({ stage, positionId }) => stage === 'open' && positionId !== null);
  const listed = new Set(views.orders.map(({ exchangeOrderId }) => exchangeOrderId));
  return open.flatMap(({ tradeId, positionId }) => {
    const subject = positionId ?? tradeId;
    const fired = firedStops(views, tradeId).map((order): Disagreement => {
      const { exchangeOrderId, filledQuantity, openedAtMs, owner } = order;
      return {
        kind: 'stop-fired',
        subject,
        remedy: 'settle',
        sinceMs: openedAtMs,
        seen: { tradeId, krakenOrderId: exchangeOrderId, filledQuantity },
        evidence: { tradeId, exits: [{ exchangeOrderId, leg: owner?.leg ?? 'outside' }] },
      };
    });
    const gone = views.stops
      .filter((stop) => stop.tradeId === tradeId && !listed.has(stop.exchangeOrderId))
      .map(({ exchangeOrderId, sinceMs }): Disagreement => ({
        kind: 'stop-gone',
        subject,
        remedy: 'settle',
        sinceMs,
        seen: { tradeId, krakenOrderId: exchangeOrderId },
        evidence: { tradeId, exits: [] },
      }));
    return [...fired, ...gone];
  });
}
