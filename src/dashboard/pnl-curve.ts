import { big, text, ZERO, type Decimal } from '../domain/money.ts';

export interface ClosedTrade {
  readonly closedAtMs: number;
  /** Net of all fees, quote currency. */
  readonly pnl: Decimal;
}

export interface CurvePoint {
  readonly atMs: number;
  /** Net P&L of everything closed until then. */
  readonly pnl: Decimal;
  /** How far that is below its highest point so far: 0 or less. */
  readonly drawdown: Decimal;
}

/** Realized P&L over time; `trades` in order of their close. */
export function pnlCurve(trades: readonly ClosedTrade[]): CurvePoint[] {
  let pnl = big(ZERO);
  let highest = big(ZERO);
  return trades.map((trade) => {
    pnl = pnl.plus(big(trade.pnl));
    if (pnl.gt(highest)) highest = pnl;
    return { atMs: trade.closedAtMs, pnl: text(pnl), drawdown: text(pnl.minus(highest)) };
  });
}

/** At most about `limit` points, of each stretch the lowest drawdown, so that no fall is thinned away. */
export function thinned(curve: readonly CurvePoint[], limit: number): CurvePoint[] {
  const stretch = Math.ceil(curve.length / limit);
  if (stretch <= 1) return [...curve];
  const kept: CurvePoint[] = [];
  for (let start = 0; start < curve.length; start += stretch) {
    const part = curve.slice(start, start + stretch);
    kept.push(
      part.reduce((lowest, point) => (Number(point.drawdown) < Number(lowest.drawdown) ? point : lowest)),
    );
  }
  const last = curve.at(-1);
  if (last && kept.at(-1) !== last) kept.push(last);
  return kept;
}
