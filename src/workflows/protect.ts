import { ActivityFailure, condition, sleep } from '@temporalio/workflow';
import type { ArmRequest } from '../activities/market.ts';
import { guarding } from './activity-options.ts';
import { showDetails } from './presentation.ts';
import type { EntryPlan, OpenPosition, TradeState } from './messages.ts';

const FIRST_CHECK_MS = 60_000;
const LONGEST_CHECK_MS = 3_600_000;

/** Lets the rest of the trade wake the watch: a guard was lost, or the position grew. */
export class RearmRequest {
  isWanted = false;

  ask(): void {
    this.isWanted = true;
  }

  clear(): void {
    this.isWanted = false;
  }
}

/**
 * Keeps the position under guard until an exit is demanded. A guard signals when a mark or a prediction
 * decides; a slow timer is the belt and braces for a guard that is gone without anyone noticing.
 */
export async function protect(state: TradeState, plan: EntryPlan, rearm: RearmRequest): Promise<void> {
  const exitDemanded = () => state.demand !== null;
  for (let checkMs = FIRST_CHECK_MS; !exitDemanded(); checkMs = Math.min(checkMs * 2, LONGEST_CHECK_MS)) {
    rearm.clear();
    await arm(state, plan);
    showDetails(state);
    await condition(() => exitDemanded() || rearm.isWanted, checkMs);
    if (rearm.isWanted) checkMs = FIRST_CHECK_MS / 2;
  }
}

/** Hands the position to its guard, or to any worker when it has none or the guard doesn't answer. */
async function arm(state: TradeState, plan: EntryPlan): Promise<void> {
  while (state.demand === null && state.position) {
    const request = armRequest(state, plan, state.position);
    try {
      const armed = await guarding(state.guard?.taskQueue).armPosition(request);
      state.guard = armed.guard;
      if (armed.last) state.evaluation = armed.last;
      return;
    } catch (failure) {
      if (!(failure instanceof ActivityFailure)) throw failure;
      const hadGuard = state.guard !== null;
      state.guard = null;
      if (!hadGuard) await sleep(1_000);
    }
  }
}

function armRequest(state: TradeState, plan: EntryPlan, position: OpenPosition): ArmRequest {
  return {
    tradeId: state.request.tradeId,
    positionId: position.positionId,
    symbol: state.request.symbol,
    quantity: position.entry.quantity,
    entryFee: position.entry.fee,
    policy: plan.policy,
    position: {
      side: state.request.side,
      entryPrice: position.entry.averagePrice,
      openedAtMs: position.entry.firstFillMs,
      bestPrice: position.entry.averagePrice,
      volatilityScale: plan.volatilityScale,
      roundTripFee: plan.roundTripFee,
      tickSize: plan.tickSize,
    },
  };
}
