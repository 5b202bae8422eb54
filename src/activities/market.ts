import { Context } from '@temporalio/activity';
import type { Ledger } from '../../db/repositories/ledger.ts';
import type { HoldfastClient } from '../client.ts';
import { betterPrice } from '../domain/position.ts';
import { clientOrderId } from '../exchange/client-order-id.ts';
import type { Logger } from '../logging.ts';
import type { ArmedTrade, GuardedExit } from '../market/guarded-position.ts';
import type { GuardKeeper } from '../market/guard-keeper.ts';
import type { FiredExit, GuardRef, LastEvaluation } from '../workflows/messages.ts';
import { workflowExecution } from './orders.ts';

/** `exit` is the order that the guard may send by itself; null where it may only watch and tell. */
export type ArmRequest = Omit<ArmedTrade, 'exit'> & {
  readonly exit: Omit<GuardedExit, 'clientOrderId'> | null;
};

const BEAT_MS = 2_000;
/** A lease is renewed before the activity's own time runs out. */
const RENEW_AFTER_MS = 23 * 3_600_000;
/** Longest that arming waits for a database that may be down. */
const BEST_PRICE_PATIENCE_MS = 500;

export interface MarketActivityDependencies {
  readonly keeper: GuardKeeper;
  readonly ledger: Pick<Ledger, 'livePosition'>;
  readonly client: Pick<HoldfastClient, 'runningTradeIds' | 'signalGuardLost' | 'guardHasEnded' | 'beat'>;
  readonly log: Logger;
}

export function createMarketActivities({ keeper, ledger, client, log }: MarketActivityDependencies) {
  return {
    /** On the shared queue: the lease and the queue of the worker that answers. */
    async findGuard(): Promise<GuardRef> {
      return keeper.guard();
    },

    /** Takes a position into this worker's memory; answers with the queue on which only this worker listens. */
    async armPosition(request: ArmRequest): Promise<{ guard: GuardRef; last: LastEvaluation | null }> {
      const { workflowId } = workflowExecution();
      const known = await bestPriceSoFar(ledger, request.positionId);
      const { position, exit } = request;
      const bestPrice =
        known === null ? position.bestPrice : betterPrice(position.side, position.bestPrice, known);
      const armed = await keeper.arm({
        ...request,
        position: { ...position, bestPrice },
        exit: exit && { ...exit, clientOrderId: clientOrderId(workflowId, exit.leg) },
      });
      const { guard, last, isNew } = armed;
      if (isNew) {
        const bounds = last?.band ? `: exits below ${last.band.low}, above ${last.band.high}` : '';
        const { tradeId, positionId } = request;
        log.info({ tradeId, positionId, event: 'guarded', leaseId: guard.leaseId }, `under guard${bounds}`);
      }
      return { guard, last };
    },

    /** The guard sells at once, or answers that it doesn't hold the position; either way it won't sell later. */
    async exitThroughGuard(question: {
      positionId: string;
      leaseId: string;
      /** False: it only gives the position back. */
      mayFire?: boolean;
    }): Promise<{ fired: FiredExit | null }> {
      const { positionId, mayFire = true } = question;
      return { fired: await (mayFire ? keeper.exitNow(positionId) : keeper.release(positionId)) };
    },

    async guardHasEnded({ leaseId }: { leaseId: string }): Promise<boolean> {
      return client.guardHasEnded(leaseId);
    },

    /** Beats until the worker stops or Temporal doesn't know the lease any more. */
    async holdLease({ leaseId }: { leaseId: string }): Promise<'released' | 'renew'> {
      const context = Context.current();
      const beat = async () => {
        // Ours is the one that is acknowledged; the SDK's only tells its own clock that we are alive.
        await client.beat(context.info.taskToken);
        context.heartbeat();
      };
      return keeper.hold(leaseId, beat, BEAT_MS, RENEW_AFTER_MS);
    },

    /** Every running trade is told; those with another guard ignore it. */
    async announceGuardLost({ leaseId }: { leaseId: string }): Promise<number> {
      const tradeIds = await client.runningTradeIds();
      for (const tradeId of tradeIds) {
        await client.signalGuardLost(tradeId, leaseId);
        Context.current().heartbeat(tradeId);
      }
      log.warn(
        { event: 'guard-lost', leaseId, trades: tradeIds.length },
        `guard ${leaseId} ended; its trades arm elsewhere`,
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
