import type { PositionView as RecordedPosition } from '../../db/repositories/reader.ts';
import { multiply, type Decimal } from '../domain/money.ts';
import { returnFraction, type Side } from '../domain/position.ts';
import { tradeWorkflowId } from '../workflows/trade-id.ts';

/**
 * A position as `holdfast positions --json` and `/api/positions` show it. Amounts are decimals in quote
 * currency, quantity in base currency; times are ISO 8601 with their epoch milliseconds beside them.
 */
export interface PositionView {
  readonly positionId: string;
  readonly tradeId: string;
  readonly workflowId: string;
  readonly symbol: string;
  readonly side: Side;
  readonly strategy: string;
  readonly status: 'open' | 'closed';
  /** Stage of the trade; `closed` for a closed position. */
  readonly stage: string;
  /** Base currency: what is still open; of a closed position what was bought or sold short. */
  readonly quantity: Decimal;
  readonly entryPrice: Decimal;
  /** Quantity times entry price. */
  readonly notional: Decimal;
  /** Last mark; the exit price of a closed position. */
  readonly markPrice: Decimal;
  /** Age of the mark now; null when none was seen yet and for closed positions. */
  readonly markAgeMs: number | null;
  readonly unrealizedPnl: Decimal;
  /** Gross price move in the position's favour, percent (`-0.5` is -0.5%). */
  readonly returnPct: number;
  /** Most favourable mark since entry. */
  readonly bestPrice: Decimal | null;
  readonly exitsBelow: Decimal | null;
  readonly exitsAbove: Decimal | null;
  /** All fees so far. */
  readonly fees: Decimal;
  readonly thresholdsVersion: number;
  readonly openedAt: string;
  readonly openedAtMs: number;
  readonly closedAt: string | null;
  readonly closedAtMs: number | null;
  readonly exitPrice: Decimal | null;
  readonly exitRule: string | null;
  /** Net of all fees; null while open. */
  readonly realizedPnl: Decimal | null;
}

export interface PositionContext {
  /** The stage as Temporal knows it, where it was asked. */
  readonly stage?: string | undefined;
  readonly nowMs: number;
}

/** Where the live row is missing the entry price stands for the mark. */
export function positionView(position: RecordedPosition, { stage, nowMs }: PositionContext): PositionView {
  const { side, entryPrice, live } = position;
  const isOpen = position.status === 'open';
  const quantity = (isOpen ? live?.quantity : null) ?? position.quantity;
  const markPrice = position.exitPrice ?? live?.currentPrice ?? entryPrice;
  return {
    positionId: position.id,
    tradeId: position.tradeId,
    workflowId: tradeWorkflowId(position.tradeId),
    symbol: position.symbol,
    side,
    strategy: position.strategy,
    status: position.status,
    stage: isOpen ? (stage ?? live?.stage ?? 'open') : 'closed',
    quantity,
    entryPrice,
    notional: multiply(quantity, entryPrice),
    markPrice,
    markAgeMs: isOpen ? markAge(live, nowMs) : null,
    unrealizedPnl: isOpen ? (live?.unrealizedPnL ?? '0') : '0',
    returnPct: percentOf(returnFraction(side, entryPrice, markPrice)),
    bestPrice: live?.bestPrice ?? null,
    exitsBelow: isOpen ? (live?.exitsBelow ?? null) : null,
    exitsAbove: isOpen ? (live?.exitsAbove ?? null) : null,
    fees: position.fees,
    thresholdsVersion: position.thresholdsVersion,
    openedAt: new Date(position.entryTime).toISOString(),
    openedAtMs: position.entryTime,
    closedAt: position.exitTime === null ? null : new Date(position.exitTime).toISOString(),
    closedAtMs: position.exitTime,
    exitPrice: position.exitPrice,
    exitRule: position.exitReason,
    realizedPnl: position.realizedPnL,
  };
}

/** What the row said when it was written, plus the time since. */
function markAge(live: RecordedPosition['live'], nowMs: number): number | null {
  if (live?.markAgeMs == null) return null;
  return live.markAgeMs + Math.max(0, Math.round(nowMs - live.updatedAt));
}

function percentOf(fraction: number): number {
  return Math.round(fraction * 1e8) / 1e6;
}
