import { compare, isPositive, subtract, add, type Decimal } from '../money.ts';
import { positionId } from '../records.ts';
import { baseAsset } from '../symbols.ts';
import { isStop, type AuditedOrder, type Disagreement, type Evidence, type ThreeViews } from './views.ts';

/** An entry of ours that no row and no running trade accounts for, with the exits that belong to it. */
export interface Orphan {
  readonly order: AuditedOrder;
  readonly exits: readonly { readonly order: AuditedOrder; readonly leg: string }[];
  /** Its protective stop, which still rests. */
  readonly stop: AuditedOrder | null;
  /** What of it is still held, as far as orders tell. */
  readonly openQuantity: Decimal;
  /** Exits of unknown trades might have sold it, and nothing tells which did. */
  readonly isUnclear: boolean;
}

export function adoptedTradeId(entryOrderId: string): string {
  return `adopted-${entryOrderId}`;
}

/**
 * An exit whose trade is unknown belongs to an orphan if it sold exactly what the orphan bought, after it
 * did; where only one orphan of an asset is left, all of them together may have sold it. Anything else is not
 * guessed: a position taken for open that was sold would be sold twice.
 */
export function findOrphans(views: ThreeViews): Orphan[] {
  const rows = new Set(views.positions.map(({ id }) => id));
  const runningIds = new Set(views.running.map(({ tradeId }) => tradeId));
  const runningPositions = new Set(views.running.map(({ positionId: id }) => id));
  const entries = views.orders
    .filter(({ direction, filledQuantity, isOpen }) => {
      return direction === 'entry' && (isPositive(filledQuantity) || isOpen);
    })
    .filter(({ exchangeOrderId, owner }) => {
      const id = positionId(exchangeOrderId);
      return !rows.has(id) && !runningPositions.has(id) && !runningIds.has(owner?.tradeId ?? '');
    })
    .sort((left, right) => left.openedAtMs - right.openedAtMs);
  const exits = views.orders.filter(
    ({ direction, filledQuantity }) => direction === 'exit' && isPositive(filledQuantity),
  );
  const unknown = new Set(exits.filter(({ owner }) => owner === null));
  const own = entries.map((order) => {
    const tradeIds = [order.owner?.tradeId, adoptedTradeId(order.exchangeOrderId)];
    const legs = exits.filter(({ owner }) => owner !== null && tradeIds.includes(owner.tradeId));
    const exact = [...unknown].find(
      (exit) =>
        legs.length === 0 &&
        couldSell(exit, order) &&
        compare(exit.filledQuantity, order.filledQuantity) === 0,
    );
    if (exact) unknown.delete(exact);
    return { order, exits: exact ? [exact] : legs };
  });
  const resting = new Set(views.orders.filter(({ direction, isOpen }) => direction === 'exit' && isOpen));
  return own.map(({ order, exits: known }) => {
    const left = subtract(order.filledQuantity, sum(known));
    const rivals = own.filter(
      (other) =>
        baseAsset(other.order.symbol) === baseAsset(order.symbol) &&
        isPositive(subtract(other.order.filledQuantity, sum(other.exits))),
    );
    const suspects = isPositive(left) ? [...unknown].filter((exit) => couldSell(exit, order)) : [];
    const isAlone = rivals.length === 1 && compare(sum(suspects), left) <= 0;
    const all = isAlone ? [...known, ...suspects] : known;
    const openQuantity = subtract(order.filledQuantity, sum(all));
    const stop = stopOf(order, openQuantity, resting);
    if (stop) resting.delete(stop);
    return {
      order,
      exits: all.map((exit) => ({ order: exit, leg: exit.owner?.leg ?? 'outside' })),
      stop,
      openQuantity,
      isUnclear: suspects.length > 0 && !isAlone,
    };
  });
}

/** The resting stop of its trade or, where nobody knows that one any more, one that would sell just what it holds. */
function stopOf(
  order: AuditedOrder,
  openQuantity: Decimal,
  resting: ReadonlySet<AuditedOrder>,
): AuditedOrder | null {
  const candidates = [...resting].filter((exit) => couldSell(exit, order));
  const { owner } = order;
  const own = owner && candidates.find((exit) => isStop(exit) && exit.owner?.tradeId === owner.tradeId);
  const fitting = candidates.find(
    (exit) => exit.owner === null && compare(exit.quantity, openQuantity) === 0,
  );
  return own ?? fitting ?? null;
}

export function orphanFindings(orphans: readonly Orphan[]): Disagreement[] {
  return orphans.map(({ order, exits, stop, openQuantity, isUnclear }) => {
    const { exchangeOrderId, clientOrderId, symbol, side, filledQuantity, isOpen, owner } = order;
    const tradeId = owner?.tradeId ?? adoptedTradeId(exchangeOrderId);
    const evidence: Evidence = {
      tradeId,
      entryOrderId: exchangeOrderId,
      exits: exits.map((exit) => ({ exchangeOrderId: exit.order.exchangeOrderId, leg: exit.leg })),
      ...(stop && { stop: { exchangeOrderId: stop.exchangeOrderId, leg: stop.owner?.leg ?? null } }),
    };
    return {
      kind: 'orphan-order',
      subject: exchangeOrderId,
      remedy: isUnclear ? 'human' : 'settle',
      sinceMs: Math.max(order.openedAtMs, ...exits.map((exit) => exit.order.openedAtMs)),
      seen: {
        symbol,
        side,
        filledQuantity,
        openQuantity,
        isOpen,
        clOrdId: clientOrderId ?? '',
        tradeId,
        ...(isUnclear ? { why: 'exits of unknown trades may have sold some of it' } : {}),
      },
      evidence,
    };
  });
}

function couldSell(exit: AuditedOrder, entry: AuditedOrder): boolean {
  return exit.symbol === entry.symbol && exit.side !== entry.side && exit.openedAtMs >= entry.openedAtMs;
}

function sum(orders: readonly AuditedOrder[]): Decimal {
  return add('0', ...orders.map(({ filledQuantity }) => filledQuantity));
}
