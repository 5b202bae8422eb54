import type { LedgerReader, TradeStats } from '../../db/repositories/reader.ts';
import { add, big, multiply, text, ZERO, type Decimal } from '../domain/money.ts';
import { pnlCurve, thinned, type CurvePoint } from './pnl-curve.ts';

/** The record of closed trades with what is open now. Amounts in quote currency. */
export interface DashboardStats extends TradeStats {
  /** Account value; null where it can't be known without the account's key, which is the worker's alone. */
  readonly equity: Decimal | null;
  /** Unrealized, of all open positions. */
  readonly openPnl: Decimal;
  /** Value of all open positions at their marks. */
  readonly exposure: Decimal;
  /** Deepest fall as a fraction of the equity it fell from; null where equity is not known. */
  readonly maxDrawdownFraction: number | null;
  readonly curve: readonly CurvePoint[];
}

const MOST_POINTS = 2_000;

export interface StatsDependencies {
  readonly reader: () => Promise<Pick<LedgerReader, 'stats' | 'positions' | 'exportTrades'>>;
  /** Account value without the unrealized P&L of margin positions; null where not known. */
  readonly accountValue: () => Promise<Decimal | null>;
}

export function createStats({ reader, accountValue }: StatsDependencies) {
  let latest: { readonly of: string; readonly curve: CurvePoint[] } | null = null;

  /** Every page asks every few seconds; the trades are read again only when one more has closed. */
  async function curveOf(
    ledger: Pick<LedgerReader, 'exportTrades'>,
    stats: TradeStats,
  ): Promise<CurvePoint[]> {
    const of = [stats.sinceMs, stats.closedTrades, stats.netPnl].join(' ');
    if (latest?.of === of) return latest.curve;
    const closed = await ledger.exportTrades(stats.sinceMs);
    const trades = closed.map((row) => ({ closedAtMs: row.exitTime ?? 0, pnl: row.realizedPnL ?? ZERO }));
    latest = { of, curve: pnlCurve(trades) };
    return latest.curve;
  }

  return async (sinceMs: number): Promise<DashboardStats> => {
    const ledger = await reader();
    const [stats, open, account] = await Promise.all([
      ledger.stats(sinceMs),
      ledger.positions({ status: 'open' }),
      accountValue().catch(() => null),
    ]);
    const curve = await curveOf(ledger, stats);
    const unrealized = (side: 'long' | 'short') =>
      add(ZERO, ...open.filter((row) => row.side === side).map(({ live }) => live?.unrealizedPnL ?? ZERO));
    const openPnl = add(unrealized('long'), unrealized('short'));
    // What was bought is in the balances at its bid; what was sold short is not.
    const equity = account === null ? null : add(account, unrealized('short'));
    return {
      ...stats,
      equity,
      openPnl,
      exposure: add(
        ZERO,
        ...open.map((row) => multiply(row.quantity, row.live?.currentPrice ?? row.entryPrice)),
      ),
      maxDrawdownFraction: equity === null ? null : deepestFall(curve, equity, add(openPnl, stats.netPnl)),
      curve: thinned(curve, MOST_POINTS),
    };
  };
}

/** Over the curve put on top of the equity that all trading started from. */
function deepestFall(curve: readonly CurvePoint[], equity: Decimal, gained: Decimal): number {
  const start = Number(text(big(equity).minus(big(gained))));
  return curve.reduce((deepest, { pnl, drawdown }) => {
    const from = start + Number(pnl) - Number(drawdown);
    return from > 0 ? Math.max(deepest, -Number(drawdown) / from) : deepest;
  }, 0);
}
