import type { EquityStore } from '../../db/repositories/equity.ts';
import type { RiskStore } from '../../db/repositories/risk.ts';
import type { EntryBlock } from '../domain/entry-blocks.ts';
import type { Decimal } from '../domain/money.ts';

/** What the account is worth by the newest snapshot, and what keeps entries out now. Amounts in the account's currency. */
export interface AccountView {
  /** Null, like the other figures, until a worker has read the account. */
  readonly equity: Decimal | null;
  readonly cash: Decimal | null;
  readonly exposure: Decimal | null;
  readonly peakEquity: Decimal | null;
  /** Fall of equity from its peak now, and the deepest since then; fractions of the peak. */
  readonly drawdown: number | null;
  readonly maxDrawdownFraction: number | null;
  /** When the exchange was asked. */
  readonly equityAtMs: number | null;
  /** Halts, loss limits and protections in force. */
  readonly blocks: readonly EntryBlock[];
}

export interface AccountSources {
  readonly equity: Pick<EquityStore, 'latest' | 'deepestDrawdown'>;
  readonly risk: Pick<RiskStore, 'blocks'>;
}

export async function accountView(
  { equity, risk }: AccountSources,
  sinceMs: number,
  nowMs: number,
): Promise<AccountView> {
  const latest = await equity.latest();
  return {
    equity: latest?.equity ?? null,
    cash: latest?.cash ?? null,
    exposure: latest?.exposure ?? null,
    peakEquity: latest?.peak ?? null,
    drawdown: latest?.drawdown ?? null,
    maxDrawdownFraction: await equity.deepestDrawdown(sinceMs),
    equityAtMs: latest?.takenAt ?? null,
    blocks: await risk.blocks(nowMs),
  };
}
