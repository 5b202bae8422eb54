import { isPositive, type Decimal } from './money.ts';

/** What exchange, database and workflows say, side by side; see docs/design.md section 10. */
export interface ThreeViews {
  readonly orders: readonly {
    readonly exchangeOrderId: string;
    readonly clientOrderId: string | null;
    /** Null when the order is not ours. */
    readonly direction: 'entry' | 'exit' | null;
    readonly symbol: string;
    readonly filledQuantity: Decimal;
    readonly isOpen: boolean;
  }[];
  readonly intents: readonly { readonly clOrdId: string; readonly tradeId: string }[];
  readonly positions: readonly { readonly id: string; readonly tradeId: string }[];
  readonly reservations: readonly { readonly tradeId: string }[];
  readonly runningTradeIds: readonly string[];
}

export const FINDING_KINDS = [
  'orphan-order',
  'unwatched-position',
  'orphan-reservation',
  'foreign-order',
] as const;
export type FindingKind = (typeof FINDING_KINDS)[number];

export interface Disagreement {
  readonly kind: FindingKind;
  /** The order, position or trade that it is about. */
  readonly subject: string;
  readonly seen: Readonly<Record<string, string | boolean>>;
}

export function judgeFindings(views: ThreeViews): Disagreement[] {
  const running = new Set(views.runningTradeIds);
  const tradeOfIntent = new Map(views.intents.map(({ clOrdId, tradeId }) => [clOrdId, tradeId]));
  const found: Disagreement[] = [];
  for (const order of views.orders) {
    const { exchangeOrderId, clientOrderId, direction, symbol, filledQuantity, isOpen } = order;
    if (direction === null) {
      if (isOpen) found.push({ kind: 'foreign-order', subject: exchangeOrderId, seen: { symbol } });
    } else if (
      direction === 'entry' &&
      isPositive(filledQuantity) &&
      !tradeOfIntent.has(clientOrderId ?? '')
    ) {
      const seen = { symbol, filledQuantity, clOrdId: clientOrderId ?? '' };
      found.push({ kind: 'orphan-order', subject: exchangeOrderId, seen });
    }
  }
  for (const { id, tradeId } of views.positions) {
    if (!running.has(tradeId)) found.push({ kind: 'unwatched-position', subject: id, seen: { tradeId } });
  }
  const positioned = new Set(views.positions.map(({ tradeId }) => tradeId));
  for (const { tradeId } of views.reservations) {
    if (running.has(tradeId) || positioned.has(tradeId)) continue;
    found.push({ kind: 'orphan-reservation', subject: tradeId, seen: { tradeId } });
  }
  return found;
}
