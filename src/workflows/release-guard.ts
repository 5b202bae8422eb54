import { ActivityFailure, condition } from '@temporalio/workflow';
import { LEASE_TIMEOUT_MS } from '../domain/safety-times.ts';
import { askingOfGuards, guarding } from './activity-options.ts';
import { loseGuard } from './trade-state.ts';
import type { OpenPosition, TradeState } from './messages.ts';

/**
 * Ends the guard's right to sell, before the trade may send anything itself: the guard either sells at
 * once and says what came of it, or it answers that it doesn't hold the position. A guard that doesn't answer
 * is believed gone only when its lease has run out.
 */
export async function takeOverFromGuard(state: TradeState, position: OpenPosition): Promise<void> {
  while (state.guard && state.fired === null) {
    const { leaseId, taskQueue } = state.guard;
    try {
      const { fired } = await guarding(
        taskQueue,
        `exit by ${state.demand?.rule ?? 'the trade itself'}`,
      ).exitThroughGuard({
        positionId: position.positionId,
        leaseId,
        // It would sell what it was armed with: more than is left once anything was sold, by whomever.
        mayFire: state.exits.length === 0,
      });
      state.fired ??= fired;
      state.guard = null;
    } catch (failure) {
      if (!(failure instanceof ActivityFailure)) throw failure;
      await dropEndedGuard(state);
      await condition(() => state.guard === null || state.fired !== null, 1_000);
    }
  }
  state.guard = null;
}

/** Belt and braces for a lost guard whose announcement did not arrive. */
export async function dropEndedGuard(state: TradeState): Promise<void> {
  const { guard } = state;
  if (!guard) return;
  const hasEnded = await askingOfGuards.guardHasEnded({ leaseId: guard.leaseId });
  // Its workflow may have been terminated by hand, and the lease may not know for another moment.
  if (hasEnded && state.guard?.leaseId === guard.leaseId) loseGuard(state, Date.now() + LEASE_TIMEOUT_MS);
}
