import { exposureFindings, tradesToAsk } from './exposure.ts';
import { exposureGroups } from './exposure-groups.ts';
import { entryOf } from './index-of-views.ts';
import { findOrphans, orphanFindings } from './orphans.ts';
import { stopFindings, tradesWithFiredStops } from './stops.ts';
import { isStop, type AuditedOrder, type Disagreement, type Evidence, type ThreeViews } from './views.ts';

/** Every disagreement between exchange, workflows and database (docs/design.md section 10). */
export function judgeFindings(views: ThreeViews): Disagreement[] {
  const orphans = findOrphans(views);
  return [
    ...orphanFindings(orphans),
    ...unwatchedPositions(views),
    ...rowFindings(views),
    ...exposureFindings(views, exposureGroups(views, orphans), orphans),
    ...stopFindings(views),
    ...orphanReservations(views, new Set(orphans.map(({ order }) => order.owner?.tradeId))),
    ...restingExits(views, new Set(orphans.map(({ stop }) => stop))),
    ...foreignOrders(views),
  ];
}

/** Running trades whose own account of what they hold is needed for a judgement. */
export function tradesInQuestion(views: ThreeViews): string[] {
  return [...tradesToAsk(exposureGroups(views, findOrphans(views))), ...tradesWithFiredStops(views)];
}

function unwatchedPositions({ positions, running, orders }: ThreeViews): Disagreement[] {
  const watched = new Set(running.map(({ tradeId }) => tradeId));
  return positions
    .filter(({ status, tradeId }) => status === 'open' && !watched.has(tradeId))
    .map(({ id, tradeId, symbol, side, quantity, createdAtMs }) => ({
      kind: 'unwatched-position',
      subject: id,
      remedy: 'settle',
      sinceMs: createdAtMs,
      seen: { tradeId, symbol, side, quantity },
      evidence: {
        tradeId,
        entryOrderId: id.replace(/^kraken-/, ''),
        exits: exitsOf(tradeId, orders, (order) => !isRestingStop(order)),
        ...restingStop(exitsOf(tradeId, orders, isRestingStop)),
      },
    }));
}

const isRestingStop = (order: AuditedOrder) => order.isOpen && isStop(order);

function restingStop([stop]: readonly { exchangeOrderId: string; leg: string }[]): Pick<Evidence, 'stop'> {
  return stop ? { stop } : {};
}

function exitsOf(tradeId: string, orders: readonly AuditedOrder[], are: (order: AuditedOrder) => boolean) {
  return orders
    .filter((order) => order.direction === 'exit' && order.owner?.tradeId === tradeId && are(order))
    .map(({ exchangeOrderId, owner }) => ({ exchangeOrderId, leg: owner?.leg ?? 'outside' }));
}

/** A trade that exits is about to write its rows; one whose rows it is still writing is settled by itself. */
function rowFindings(views: ThreeViews): Disagreement[] {
  const { positions, running } = views;
  const rows = new Map(positions.map((row) => [row.id, row]));
  return running.flatMap(({ tradeId, stage, positionId, difference }): Disagreement[] => {
    if (positionId === null || stage !== 'open') return [];
    const row = rows.get(positionId);
    const entry = entryOf(views, positionId);
    const common = {
      subject: positionId,
      sinceMs: entry?.openedAtMs ?? row?.createdAtMs ?? 0,
      evidence: { tradeId },
    };
    if (!row) return [{ ...common, kind: 'row-missing', remedy: 'settle', seen: { tradeId } }];
    if (row.status === 'closed') {
      const why = 'the row says closed, the workflow is open';
      return [{ ...common, kind: 'row-closed', remedy: 'human', seen: { tradeId, why } }];
    }
    if (row.isComplete && !difference) return [];
    const seen = difference ?? { field: 'records', expected: 'four', actual: 'fewer' };
    return [{ ...common, kind: 'row-differs', remedy: 'settle', seen: { tradeId, ...seen } }];
  });
}

function orphanReservations(
  { reservations, running, positions }: ThreeViews,
  adoptable: ReadonlySet<string | undefined>,
): Disagreement[] {
  const needed = new Set([
    ...running.map(({ tradeId }) => tradeId),
    ...positions.filter(({ status }) => status === 'open').map(({ tradeId }) => tradeId),
    ...adoptable,
  ]);
  return reservations
    .filter(({ tradeId }) => !needed.has(tradeId))
    .map(({ tradeId, createdAtMs }) => ({
      kind: 'orphan-reservation',
      subject: tradeId,
      remedy: 'settle',
      sinceMs: createdAtMs,
      seen: { tradeId },
      evidence: { tradeId },
    }));
}

/** An exit order of ours that rests, and no trade that would follow it. */
function restingExits(
  { orders, running, positions }: ThreeViews,
  ofOrphans: ReadonlySet<AuditedOrder | null>,
): Disagreement[] {
  const followed = new Set([
    ...running.map(({ tradeId }) => tradeId),
    ...positions.filter(({ status }) => status === 'open').map(({ tradeId }) => tradeId),
  ]);
  return orders
    .filter((order) => {
      const { direction, isOpen, owner } = order;
      return direction === 'exit' && isOpen && !ofOrphans.has(order) && !followed.has(owner?.tradeId ?? '');
    })
    .map(({ exchangeOrderId, symbol, clientOrderId, openedAtMs }) => ({
      kind: 'orphan-exit',
      subject: exchangeOrderId,
      remedy: 'human',
      sinceMs: openedAtMs,
      seen: { symbol, clOrdId: clientOrderId ?? '' },
      evidence: null,
    }));
}

function foreignOrders({ orders }: ThreeViews): Disagreement[] {
  return orders
    .filter(({ direction, isOpen }) => direction === null && isOpen)
    .map(({ exchangeOrderId, symbol, side, openedAtMs }) => ({
      kind: 'foreign-order',
      subject: exchangeOrderId,
      remedy: 'report',
      sinceMs: openedAtMs,
      seen: { symbol, side },
      evidence: null,
    }));
}
