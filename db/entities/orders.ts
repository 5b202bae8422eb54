import type { Decimal } from '../../src/domain/money.ts';
import type { OrderSide, Side } from '../../src/domain/position.ts';
import { entityOf, type Table } from '../table.ts';

export const INTENT_STATUSES = [
  'planned',
  'sent',
  'accepted',
  'refused',
  'unknown',
  'filled',
  'cancelled',
  'absent',
] as const;
export type IntentStatus = (typeof INTENT_STATUSES)[number];

/** Written before an order may be sent; one row and one `clOrdId` for ever. */
export interface OrderIntentRow {
  /** The `clOrdId`. */
  readonly id: string;
  readonly tradeId: string;
  readonly workflowId: string;
  readonly leg: string;
  readonly clOrdId: string;
  readonly symbol: string;
  readonly side: OrderSide;
  readonly orderType: string;
  /** Base currency. */
  readonly quantity: Decimal;
  readonly limitPrice: Decimal | null;
  readonly status: IntentStatus;
  readonly krakenOrderId: string | null;
  /** What a refusal or an unknown outcome said. */
  readonly why: string | null;
  readonly createdAt: number;
  readonly updatedAt: number;
}

/** Capital held for a trade from before its order until its close. */
export interface CapitalReservationRow {
  readonly tradeId: string;
  readonly symbol: string;
  readonly side: Side;
  /** Quote currency. */
  readonly notional: Decimal;
  readonly status: 'held' | 'released';
  /** Why it was released. */
  readonly reason: string | null;
  readonly createdAt: number;
  readonly releasedAt: number | null;
}

export const orderIntentTable: Table<OrderIntentRow> = {
  name: 'OrderIntent',
  key: 'id',
  columns: {
    id: 'text',
    tradeId: 'text',
    workflowId: 'text',
    leg: 'text',
    clOrdId: 'text',
    symbol: 'text',
    side: 'text',
    orderType: 'text',
    quantity: 'numeric',
    limitPrice: 'numeric?',
    status: 'text',
    krakenOrderId: 'text?',
    why: 'text?',
    createdAt: 'time',
    updatedAt: 'time',
  },
};

export const capitalReservationTable: Table<CapitalReservationRow> = {
  name: 'CapitalReservation',
  key: 'tradeId',
  columns: {
    tradeId: 'text',
    symbol: 'text',
    side: 'text',
    notional: 'numeric',
    status: 'text',
    reason: 'text?',
    createdAt: 'time',
    releasedAt: 'time?',
  },
};

export const OrderIntent = entityOf(orderIntentTable);
export const CapitalReservation = entityOf(capitalReservationTable);
