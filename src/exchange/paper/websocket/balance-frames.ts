import type { Decimal } from '../../../domain/money.ts';
import { findAsset } from '../pairs.ts';
import type { LedgerEntry } from '../state.ts';
import { isoTime, number } from './frames.ts';

export function balancesSnapshot(
  balances: Readonly<Record<string, Decimal>>,
): readonly Record<string, unknown>[] {
  return Object.entries(balances).map(([asset, balance]) => ({
    asset: findAsset(asset)?.v2 ?? asset,
    asset_class: 'currency',
    balance: number(balance),
    wallets: [{ type: 'spot', id: 'main', balance: number(balance) }],
  }));
}

export function balanceUpdate(entry: LedgerEntry): Record<string, unknown> {
  return {
    asset: findAsset(entry.asset)?.v2 ?? entry.asset,
    asset_class: 'currency',
    ledger_id: entry.id,
    ref_id: entry.refid,
    timestamp: isoTime(entry.timeMs),
    type: entry.type,
    category: entry.type === 'deposit' ? 'deposit' : 'trade',
    wallet_type: 'spot',
    wallet_id: 'main',
    amount: number(entry.amount),
    fee: number(entry.fee),
    balance: number(entry.balance),
  };
}
