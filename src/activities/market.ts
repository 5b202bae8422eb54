import { Context } from '@temporalio/activity';
import type { Ledger } from '../../db/repositories/ledger.ts';
import { betterPrice } from '../domain/position.ts';
import type { ArmedTrade } from '../market/guarded-position.ts';
import type { MarketHub } from '../market/hub.ts';
import type { GuardRef, LastEvaluation } from '../workflows/messages.ts';
import type { HoldfastClient } from '../client.ts';
import type { Logger } from '../logging.ts';

export type ArmRequest = ArmedTrade;

const BEAT_MS = 2_000;
/** A lease is renewed before the activity's own time runs out. */
const RENEW_AFTER_MS = 23 * 3_600_000;
/** Longest that arming waits for a database that may be down. */
const BEST_PRICE_PATIENCE_MS = 500;

export interface MarketActivityDependencies {
  readonly hub: MarketHub;
  readonly ledger: Pick<Ledger, 'livePosition'>;
  readonly guard: GuardRef;
  readonly client: Pick<HoldfastClient, 'runningTradeIds' | 'signalGuardLost'>;
  /** Resolves when this worker is told to stop. */
  readonly stopping: Promise<void>;
  readonly log: Logger;
}

export function createMarketActivities(dependencies: MarketActivityDependencies) {
  const { hub, ledger, guard, client, stopping, log } = dependencies;
  return {
    /** Takes a position into this worker's memory; answers with the queue on which only this worker listens. */
    async armPosition(request: ArmRequest): Promise<{ guard: GuardRef; last: LastEvaluation | null }> {
      const known = await bestPriceSoFar(ledger, request.positionId);
      const { position } = request;
      const bestPrice =
        known === null ? position.bestPrice : betterPrice(position.side, position.bestPrice, known);
      const isNew = !hub.isGuarding(request.positionId);
      const last = await hub.arm({ ...request, position: { ...position, bestPrice } });
      log[isNew ? 'info' : 'debug'](
        {
          tradeId: request.tradeId,
          positionId: request.positionId,
          event: 'guarded',
          workerId: guard.workerId,
        },
        last?.band ? `under guard: exits below ${last.band.low}, above ${last.band.high}` : 'under guard',
      );
      return { guard, last };
    },

    async disarmPosition({ positionId }: { positionId: string }): Promise<void> {
      hub.disarm(positionId);
    },

    /** Beats until the worker stops or the server doesn't know the lease any more. */
    async holdLease({ workerId }: { workerId: string }): Promise<'released' | 'renew'> {
      const context = Context.current();
      let renewal: NodeJS.Timeout | undefined;
      const beat = setInterval(() => context.heartbeat({ workerId }), BEAT_MS);
      context.heartbeat({ workerId });
      try {
        const stopped = stopping.then(() => 'released' as const);
        // Not context.sleep: its timer would outlive a release and hold the process for the rest of the term.
        const renewed = new Promise<'renew'>((resolve) => {
          renewal = setTimeout(() => resolve('renew'), RENEW_AFTER_MS);
        });
        return await Promise.race([stopped, renewed, context.cancelled]);
      } finally {
        clearTimeout(renewal);
        clearInterval(beat);
      }
    },

    /** Every running trade is told; those with another guard ignore it. */
    async announceGuardLost({ workerId }: { workerId: string; startedAtMs: number }): Promise<number> {
      const tradeIds = await client.runningTradeIds();
      for (const tradeId of tradeIds) {
        await client.signalGuardLost(tradeId, workerId);
        Context.current().heartbeat(tradeId);
      }
      log.warn(
        { event: 'guard-lost', workerId, trades: tradeIds.length },
        'guard lost; its trades arm elsewhere',
      );
      return tradeIds.length;
    },
  };
}

async function bestPriceSoFar(
  ledger: Pick<Ledger, 'livePosition'>,
  positionId: string,
): Promise<string | null> {
  const unknown = new Promise<null>((resolve) => setTimeout(resolve, BEST_PRICE_PATIENCE_MS, null).unref());
  const known = ledger.livePosition(positionId).then(
    (row) => row?.bestPrice ?? null,
    () => null,
  );
  return Promise.race([known, unknown]);
}
