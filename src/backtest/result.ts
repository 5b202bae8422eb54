import type { ExitRule } from '../domain/exit-policy.ts';
import type { Decimal } from '../domain/money.ts';
import type { Side } from '../domain/position.ts';
import type { Thresholds } from '../domain/thresholds.ts';

/** A closed trade. Amounts in quote currency, returns fractions. */
export interface ClosedTrade {
  readonly positionId: string;
  readonly symbol: string;
  readonly side: Side;
  readonly quantity: Decimal;
  readonly entryTimeMs: number;
  readonly entryPrice: Decimal;
  readonly entryCost: Decimal;
  readonly entryFee: Decimal;
  readonly exitTimeMs: number;
  readonly exitPrice: Decimal;
  readonly exitCost: Decimal;
  readonly exitFee: Decimal;
  readonly exitRule: ExitRule;
  /** Charged to the account for holding margin; not part of `netPnl`, which is of the fills alone. */
  readonly rolloverFees: Decimal;
  readonly netPnl: Decimal;
  readonly returnFraction: number;
  readonly bestReturn: number;
  readonly heldMs: number;
  readonly confidence: number;
  readonly volatilityScale: number;
  readonly thresholdsVersion: number;
}

/** A position that was still open when the data ended, valued at the last mark. */
export interface OpenTrade {
  readonly positionId: string;
  readonly symbol: string;
  readonly side: Side;
  readonly quantity: Decimal;
  readonly entryTimeMs: number;
  readonly entryPrice: Decimal;
  readonly entryFee: Decimal;
  readonly markPrice: Decimal;
  /** Gross, as the positions of the live stack show it. */
  readonly unrealizedPnl: Decimal;
}

export interface EquityPoint {
  readonly timeMs: number;
  readonly equity: Decimal;
  readonly cash: Decimal;
  /** What closing every open position at the marks would bring. */
  readonly positions: Decimal;
  /** Σ entry cost of what is open. */
  readonly exposure: Decimal;
}

export interface ThresholdChange {
  readonly timeMs: number;
  readonly version: number;
  readonly accepted: boolean;
  readonly why: string;
  readonly thresholds: Thresholds;
}

export interface Backtest {
  readonly trades: readonly ClosedTrade[];
  readonly open: readonly OpenTrade[];
  /** At even distances, the first and the last moment included. */
  readonly equity: readonly EquityPoint[];
  /** Deepest fall from a peak, a fraction of it; looked at with every sample, entry and exit. */
  readonly maxDrawdown: number;
  readonly thresholds: readonly ThresholdChange[];
  /** Signals that became no trade, by reason; predictions to hold are not signals. */
  readonly skipped: Readonly<Record<string, number>>;
  readonly marks: number;
  readonly rolloverFees: Decimal;
  readonly fromMs: number;
  readonly toMs: number;
}
