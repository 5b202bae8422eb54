import type { FillSummary, Side } from './position.ts';
import type { Decimal } from './money.ts';
import type { OrderRecord, TradeFacts } from './records.ts';

/** The part of a trade's state that its records are made of. */
export interface RecordedTrade {
  readonly request: {
    readonly tradeId: string;
    readonly strategy: string;
    readonly symbol: string;
    readonly side: Side;
    readonly signal: { readonly confidence: number };
  };
  readonly entryRequestedAtMs: number | null;
  readonly entrySubmittedAtMs: number | null;
}

export interface RecordedPlan {
  readonly quotePrice: Decimal;
  readonly policy: { readonly version: number };
  readonly marketConditions: Readonly<Record<string, unknown>>;
}

export interface RecordedPosition {
  readonly entryOrderId: string;
  readonly firstFillId: string;
  readonly entry: FillSummary;
}

/** Everything the records of a trade are made of: the workflow writes them, and reconciliation repairs them. */
export function tradeFacts(
  { request, entryRequestedAtMs, entrySubmittedAtMs }: RecordedTrade,
  plan: RecordedPlan,
  position: RecordedPosition,
): TradeFacts {
  const entry: OrderRecord = {
    exchangeOrderId: position.entryOrderId,
    exchangeTradeId: position.firstFillId,
    summary: position.entry,
    requestedAtMs: entryRequestedAtMs ?? position.entry.firstFillMs,
    submittedAtMs: entrySubmittedAtMs ?? position.entry.firstFillMs,
    quotePrice: plan.quotePrice,
  };
  return {
    tradeId: request.tradeId,
    strategy: request.strategy,
    symbol: request.symbol,
    side: request.side,
    confidence: request.signal.confidence,
    thresholdsVersion: plan.policy.version,
    marketConditions: plan.marketConditions,
    entry,
  };
}
