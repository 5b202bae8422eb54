import type { Exchange } from '../exchange/port.ts';
import type { EquityStore, TakenSnapshot } from '../../db/repositories/equity.ts';
import type { Logger } from '../logging.ts';
import { readAccount } from './account.ts';

export interface EquityActivityDependencies {
  readonly exchange: Exchange;
  /** That equity is counted in. */
  readonly accountCurrency: string;
  readonly equity: Pick<EquityStore, 'record'>;
  readonly now: () => number;
  readonly log: Logger;
}

export function createEquityActivities(dependencies: EquityActivityDependencies) {
  const { exchange, accountCurrency, equity, now, log } = dependencies;
  return {
    /** Asks the exchange what the account is worth, and keeps it. */
    async takeEquitySnapshot({ cause }: Pick<TakenSnapshot, 'cause'>): Promise<void> {
      const takenAtMs = now();
      const value = await readAccount(exchange, {
        currency: accountCurrency,
        priority: 'reconcile',
        mayHoldMargin: true,
      });
      const { equity: worth, cash, exposure } = value;
      const kept = await equity.record({ equity: worth, cash, exposure, takenAtMs, cause });
      if (kept) log.debug({ event: 'equity', ...kept }, `equity ${worth}, exposure ${exposure}`);
    },
  };
}
