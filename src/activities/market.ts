import { setTimeout as delay } from 'node:timers/promises';
import { Context } from '@temporalio/activity';
import type { StoredLivePosition } from '../../db/entities/positions.ts';
import type { Ledger } from '../../db/repositories/ledger.ts';
import type { HoldfastClient } from '../client.ts';
import type { Leases } from '../leases.ts';
import { betterPrice } from '../domain/position.ts';
import { clientOrderId } from '../exchange/client-order-id.ts';
import { inParallel } from '../in-parallel.ts';
import type { Logger } from '../logging.ts';
import type { ArmedTrade, GuardedExit } from '../market/guarded-position.ts';
import type { GuardKeeper, Released } from '../market/guard-keeper.ts';
import type { FiredExit, GuardRef, LastEvaluation } from '../workflows/messages.ts';
import { workflowExecution } from './orders.ts';
import { answerWithin } from './patience.ts';

/** `exit` is the order that the guard may send by itself; null where it may only watch and tell. */
export type ArmRequest = Omit<ArmedTrade, 'exit'> & {
  readonly exit: Omit<GuardedExit, 'clientOrderId'> | null;
};

const BEAT_MS = 2_000;
const TOLD_AT_ONCE = 20;
/** Temporal lists a trade a moment after it began, so one that the guard took last may be missing at first. */
const LISTED_AFTER_MS = 2_000;
/** A lease is renewed before the activity's own time runs out. */
const RENEW_AFTER_MS = 23 * 3_600_000;
/** Longest that a question about a guard waits for a database that may be down. */
const LIVE_ROW_PATIENCE_MS = 500;
/** Guards write about once a second. */
const LIVE_ROW_FRESH_MS = 15_000;

export interface MarketActivityDependencies {
  readonly keeper: GuardKeeper;
  readonly ledger: Pick<Ledger, 'livePosition'>;
  readonly client: Pick<HoldfastClient, 'runningTrades' | 'signalGuardLost'>;
  readonly leases: Pick<Leases, 'beat' | 'hasEnded' | 'beating'>;
  readonly seesExchange: () => boolean;
  readonly buildId: string | null;
  readonly now: () => number;
  readonly log: Logger;
}

export function createMarketActivities(dependencies: MarketActivityDependencies) {
  const { keeper, ledger, client, leases, seesExchange, buildId, now, log } = dependencies;
  return {
    /** The lease and the queue of the worker that answers or, where it has no lease, of another that beats. */
    async findGuard(): Promise<GuardRef> {
      if (keeper.leaseId !== null) return keeper.guard();
      const beating = await leases.beating();
      const { leaseId, taskQueue } =
        beating.find((guard) => guard.seesExchange) ?? beating[0] ?? keeper.guard();
      return { leaseId, taskQueue };
    },

    /** Takes a position into this worker's memory; answers with the queue on which only this worker listens. */
    async armPosition(request: ArmRequest): Promise<{ guard: GuardRef; last: LastEvaluation | null }> {
      const { workflowId } = workflowExecution();
      const known = (await liveRow(ledger, request.positionId))?.bestPrice ?? null;
      const { position, exit } = request;
      const bestPrice =
        known === null ? position.bestPrice : betterPrice(position.side, position.bestPrice, known);
      const trade = {
        ...request,
        position: { ...position, bestPrice },
        exit: exit && { ...exit, clientOrderId: clientOrderId(workflowId, exit.leg) },
      };
      const armed = await keeper.arm(trade, askedAtMs());
      const { guard, isNew } = armed;
      const last = armed.last ?? (await keeper.firstLook(request.positionId));
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
      const atMs = askedAtMs();
      return { fired: await (mayFire ? keeper.exitNow(positionId, atMs) : keeper.release(positionId, atMs)) };
    },

    /** The guard neither sells nor watches until it is armed again. What it has sold before, if anything. */
    async suspendGuard({ positionId }: { positionId: string }): Promise<{ fired: FiredExit | null }> {
      return { fired: await keeper.suspend(positionId) };
    },

    /**
     * Whether the position is held under that lease: by this worker's own memory or, of another worker, by the live
     * row that its guard keeps fresh. False when that can't be told.
     */
    async isUnderGuard(question: {
      positionId: string;
      leaseId: string;
    }): Promise<{ isHeld: boolean; last: LastEvaluation | null }> {
      const { positionId, leaseId } = question;
      const own = keeper.holding(positionId, leaseId);
      if (own !== 'another lease') return own;
      const row = await liveRow(ledger, positionId);
      const isFresh = row !== null && Math.abs(now() - row.updatedAt) < LIVE_ROW_FRESH_MS;
      return { isHeld: isFresh && !(await leases.hasEnded(leaseId)), last: null };
    },

    async guardHasEnded({ leaseId }: { leaseId: string }): Promise<boolean> {
      return leases.hasEnded(leaseId);
    },

    /** Beats until the worker stops or Temporal doesn't know the lease any more. */
    async holdLease({ leaseId }: { leaseId: string }): Promise<Released | 'renew'> {
      const context = Context.current();
      const { taskQueue } = context.info;
      const beat = async () => {
        const report = { leaseId, taskQueue, seesExchange: seesExchange(), buildId };
        // Ours is the one that is acknowledged; the SDK's only tells its own clock that we are alive.
        await leases.beat(context.info.taskToken, report);
        context.heartbeat(report);
      };
      return keeper.hold(leaseId, beat, BEAT_MS, RENEW_AFTER_MS);
    },

    /** Every running trade is told, some at a time; those with another guard ignore it. */
    async announceGuardLost(lost: {
      leaseId: string;
      lastDeadlineMs: number;
      /** Null where nobody can say. */
      soldPositions: readonly string[] | null;
    }): Promise<number> {
      const { leaseId, lastDeadlineMs, soldPositions } = lost;
      const context = Context.current();
      const told = new Set<string>();
      const tellThoseListed = async () => {
        const trades = (await client.runningTrades()).filter(({ tradeId }) => !told.has(tradeId));
        await inParallel(trades, TOLD_AT_ONCE, async ({ tradeId, positionId }) => {
          // The list may be older than the position.
          const mayHaveSold =
            soldPositions === null || positionId === null || soldPositions.includes(positionId);
          await client.signalGuardLost(tradeId, { leaseId, lastDeadlineMs, mayHaveSold });
          told.add(tradeId);
          context.heartbeat(tradeId);
        });
      };
      await tellThoseListed();
      context.heartbeat();
      await delay(LISTED_AFTER_MS);
      await tellThoseListed();
      log.warn(
        { event: 'guard-lost', leaseId, trades: told.size, isKnown: soldPositions !== null },
        `guard ${leaseId} ended; its trades arm elsewhere`,
      );
      return told.size;
    },
  };
}

/** When the workflow's task became this activity, epoch ms by Temporal's clock. */
function askedAtMs(): number {
  return Context.current().info.scheduledTimestampMs;
}

async function liveRow(
  ledger: Pick<Ledger, 'livePosition'>,
  positionId: string,
): Promise<StoredLivePosition | null> {
  return answerWithin(LIVE_ROW_PATIENCE_MS, ledger.livePosition(positionId));
}
