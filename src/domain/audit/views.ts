import type { Decimal } from '../money.ts';
import type { OrderSide, Side } from '../position.ts';

/** What exchange, workflows and database say, side by side; see docs/design.md section 10. Times are epoch ms. */
export interface ThreeViews {
  readonly nowMs: number;
  /** Open ones, and those that closed within the time looked back on. */
  readonly orders: readonly AuditedOrder[];
  readonly balances: readonly { readonly asset: string; readonly total: Decimal }[];
  /** Open part of each position on margin. */
  readonly margin: readonly {
    readonly symbol: string;
    readonly side: OrderSide;
    readonly quantity: Decimal;
  }[];
  /** Least quantity that the exchange sells, by asset; what is below it is dust. */
  readonly dust: ReadonlyMap<string, Decimal>;
  readonly running: readonly RunningTradeView[];
  /** All open ones, and those that were written within the time looked back on. */
  readonly positions: readonly PositionRowView[];
  readonly reservations: readonly { readonly tradeId: string; readonly createdAtMs: number }[];
  /** Protective stops that rest by the database's account. */
  readonly stops: readonly {
    readonly tradeId: string;
    readonly exchangeOrderId: string;
    readonly sinceMs: number;
  }[];
}

export interface AuditedOrder {
  readonly exchangeOrderId: string;
  readonly clientOrderId: string | null;
  /** Null when the order is not ours. */
  readonly direction: 'entry' | 'exit' | null;
  /** Whose leg it is; null where no trade that anybody knows has this id. */
  readonly owner: { readonly tradeId: string; readonly leg: string } | null;
  readonly symbol: string;
  readonly side: OrderSide;
  readonly quantity: Decimal;
  readonly filledQuantity: Decimal;
  readonly isOpen: boolean;
  readonly openedAtMs: number;
}

/** A protective stop of a trade that is known; nothing moves while it rests. */
export function isStop({ owner }: AuditedOrder): boolean {
  return owner?.leg.startsWith('stop-') ?? false;
}

export interface RunningTradeView {
  readonly tradeId: string;
  readonly stage: string;
  readonly symbol: string | null;
  readonly side: Side | null;
  /** Null before the first fill. */
  readonly positionId: string | null;
  /** By the workflow's own account; undefined where it was not asked. */
  readonly openQuantity?: Decimal;
  /** By its own account it exits, but has nothing under way: the exchange doesn't hold what it has to sell. */
  readonly isHeldUp?: boolean;
  /** Orders that the workflow counts as its exits already; undefined where it was not asked. */
  readonly countedExits?: readonly string[];
  /** Where the rows differ from what the workflow knows; absent where they agree or were not compared. */
  readonly difference?: {
    readonly field: string;
    readonly expected: string;
    readonly actual: string;
  };
}

export interface PositionRowView {
  readonly id: string;
  readonly tradeId: string;
  readonly status: 'open' | 'closed';
  readonly symbol: string;
  readonly side: Side;
  /** Of the entry; what exits sold since is not taken off. */
  readonly quantity: Decimal;
  readonly createdAtMs: number;
  readonly openedAtMs: number;
  /** The three other records are there. */
  readonly isComplete: boolean;
}

export const FINDING_KINDS = [
  'orphan-order',
  'unwatched-position',
  'row-missing',
  'row-differs',
  'row-closed',
  'stop-fired',
  'stop-gone',
  'flat-on-exchange',
  'quantity-differs',
  'orphan-reservation',
  'orphan-exit',
  'foreign-order',
  'foreign-balance',
] as const;
export type FindingKind = (typeof FINDING_KINDS)[number];

/** `settle`: by its own workflow once seen twice; `report`: not ours, never touched; `human`: nobody may guess. */
export type Remedy = 'settle' | 'report' | 'human';

/** What its settlement starts from. */
export interface Evidence {
  readonly tradeId: string;
  readonly entryOrderId?: string;
  /** Exit orders of the trade that the exchange knows, by leg; `outside` for those that others placed. */
  readonly exits?: readonly { readonly exchangeOrderId: string; readonly leg: string }[];
  /** An exit order of ours that rests; without a leg where its trade is not known any more. */
  readonly stop?: { readonly exchangeOrderId: string; readonly leg: string | null };
}

/** One disagreement. */
export interface Disagreement {
  readonly kind: FindingKind;
  /** The order, position, trade or asset that it is about. */
  readonly subject: string;
  readonly remedy: Remedy;
  /** When the newest thing it rests on came about: what is too young may simply be under way. */
  readonly sinceMs: number;
  /** For people. */
  readonly seen: Readonly<Record<string, string | boolean>>;
  readonly evidence: Evidence | null;
}
