import type { Ledger } from '../../db/repositories/ledger.ts';
import type { HoldfastClient } from '../client.ts';
import { LEASE_TIMEOUT_MS } from '../domain/safety-times.ts';
import type { Leases } from '../leases.ts';
import type { Logger } from '../logging.ts';

/** A guard writes the live rows of its positions about once a second. */
const QUIET_MS = 30_000;

export interface GuardSweepDependencies {
  readonly ledger: Pick<Ledger, 'tradesWithQuietPositions'>;
  readonly client: Pick<HoldfastClient, 'stateIfKnown' | 'signalGuardLost'>;
  readonly leases: Pick<Leases, 'hasEnded'>;
  readonly now: () => number;
  readonly log: Logger;
}

export function createGuardSweep({ ledger, client, leases, now, log }: GuardSweepDependencies) {
  return {
    /**
     * Belt and braces for a lease whose end nobody announced, as when its workflow is terminated by hand: trades
     * look at their guards by themselves, but seldom. How many were told.
     */
    async rearmUnguarded(): Promise<number> {
      const ended = new Map<string, boolean>();
      let told = 0;
      for (const tradeId of await ledger.tradesWithQuietPositions(QUIET_MS)) {
        const leaseId = (await client.stateIfKnown(tradeId))?.guard?.leaseId;
        if (leaseId === undefined) continue;
        const hasEnded = ended.get(leaseId) ?? (await leases.hasEnded(leaseId));
        ended.set(leaseId, hasEnded);
        if (!hasEnded) continue;
        // Its worker may not know yet that the lease is over.
        const lastDeadlineMs = now() + LEASE_TIMEOUT_MS;
        await client.signalGuardLost(tradeId, { leaseId, lastDeadlineMs, mayHaveSold: true });
        log.warn({ tradeId, event: 'unguarded', leaseId }, `guard ${leaseId} is gone and nobody had said so`);
        told += 1;
      }
      return told;
    },
  };
}
