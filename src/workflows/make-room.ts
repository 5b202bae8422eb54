import { condition, getExternalWorkflowHandle, proxyActivities } from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import type { GivingWay } from '../domain/rotation.ts';
import { tradeWorkflowId } from './trade-id.ts';
import { roomMadeSignal, type TradeState } from './messages.ts';

/** The last try to reserve comes so long before the signal is too old: a signal of the close may have got lost. */
const LAST_TRY_MS = 2_000;

/**
 * Asks the position to give way and waits for its capital, no longer than the entry signal is fresh. Whether there
 * is room then, the next try to reserve tells.
 */
export async function waitForRoom(state: TradeState, weakest: GivingWay): Promise<void> {
  const { tradeId, symbol, signal } = state.request;
  const leftMs = () => signal.asOfMs + signal.ttlMs - Date.now();
  const { accepted } = await asking(leftMs()).askToGiveWay({
    weakestTradeId: weakest.tradeId,
    better: { tradeId, symbol, confidence: signal.confidence },
  });
  if (!accepted) return;
  const hasRoom = () => state.demand !== null || (state.roomMadeBy ?? []).includes(weakest.tradeId);
  const patienceMs = leftMs() > LAST_TRY_MS ? leftMs() - LAST_TRY_MS : leftMs();
  await condition(hasRoom, Math.max(1, patienceMs));
}

function asking(budgetMs: number) {
  return proxyActivities<Pick<Activities, 'askToGiveWay'>>({
    startToCloseTimeout: 5_000,
    scheduleToCloseTimeout: Math.max(1_000, budgetMs),
    retry: { initialInterval: 250, maximumInterval: 2_000 },
  });
}

/** Tells the entry that waits; one that has given up does not mind. */
export async function tellRoomMade({ request, makesRoomFor }: TradeState): Promise<void> {
  if (makesRoomFor === undefined) return;
  const waiting = getExternalWorkflowHandle(tradeWorkflowId(makesRoomFor));
  await waiting.signal(roomMadeSignal, { tradeId: request.tradeId }).catch(() => undefined);
}
