import type { Order, Trade } from './state.ts';

export type ExecutionKind =
  'pending_new' | 'new' | 'trade' | 'filled' | 'canceled' | 'expired' | 'amended' | 'status';

/** Something that happened to an order. `order` is live: read it at once. */
export interface Execution {
  readonly kind: ExecutionKind;
  readonly order: Order;
  readonly trade: Trade | null;
  readonly timeMs: number;
}
