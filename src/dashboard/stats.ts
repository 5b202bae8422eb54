import type { EquityStore } from '../../db/repositories/equity.ts';
import type { LedgerReader, TradeStats } from '../../db/repositories/reader.ts';
import type { RiskStore } from '../../db/repositories/risk.ts';
import { add, ZERO, type Decimal } from '../domain/money.ts';
import { accountView, type AccountView } from '../views/account-view.ts';
import { pnlCurve, thinned, type CurvePoint } from './pnl-curve.ts';

/** Worth of the account at one moment; `drawdown` is a fraction of the peak. */
export interface EquityPoint {
  readonly atMs: number;
  readonly equity: Decimal;
  readonly drawdown: number;
}

/** The record of closed trades with what is open now. Amounts in quote currency. */
export interface DashboardStats extends TradeStats, AccountView {
  /** Unrealized, of all open positions. */
  readonly openPnl: Decimal;
  /** Realized P&L over time. */
  readonly curve: readonly CurvePoint[];
  /** The account over time, as the exchange told it. */
  readonly equityCurve: readonly EquityPoint[];
}

const MOST_POINTS = 2_000;

export interface StatsDependencies {
  readonly repositories: () => Promise<{
    readonly reader: Pick<LedgerReader, 'stats' | 'positions' | 'exportTrades'>;
    readonly equity: Pick<EquityStore, 'latest' | 'deepestDrawdown' | 'since'>;
    readonly risk: Pick<RiskStore, 'blocks'>;
  }>;
  readonly now: () => number;
}

export function createStats({ repositories, now }: StatsDependencies) {
  const pnl = new Cached<CurvePoint[]>();
  const worth = new Cached<EquityPoint[]>();

  return async (sinceMs: number): Promise<DashboardStats> => {
    const { reader, equity, risk } = await repositories();
    const [stats, open, account] = await Promise.all([
      reader.stats(sinceMs),
      reader.positions({ status: 'open' }),
      accountView({ equity, risk }, sinceMs, now()),
    ]);
    const { closedTrades, netPnl } = stats;
    const curve = await pnl.get([sinceMs, closedTrades, netPnl], async () => {
      const closed = await reader.exportTrades(sinceMs);
      return pnlCurve(closed.map((row) => ({ closedAtMs: row.exitTime ?? 0, pnl: row.realizedPnL ?? ZERO })));
    });
    const equityCurve = await worth.get([sinceMs, account.equityAtMs], async () => {
      const snapshots = await equity.since(sinceMs, MOST_POINTS);
      return snapshots.map(({ takenAt, equity: value, drawdown }) => ({
        atMs: takenAt,
        equity: value,
        drawdown,
      }));
    });
    return {
      ...stats,
      ...account,
      openPnl: add(ZERO, ...open.map(({ live }) => live?.unrealizedPnL ?? ZERO)),
      curve: thinned(curve, MOST_POINTS),
      equityCurve,
    };
  };
}

/** Every page asks every few seconds; what it rests on is read again only when that has changed. */
class Cached<T> {
  #latest: { readonly of: string; readonly value: T } | null = null;

  async get(of: readonly (string | number | null)[], read: () => Promise<T>): Promise<T> {
    const key = of.join(' ');
    if (this.#latest?.of !== key) this.#latest = { of: key, value: await read() };
    return this.#latest.value;
  }
}
