import { evaluateExit, type Evaluation } from '../domain/exit-policy.ts';
import { betterPrice } from '../domain/position.ts';
import type { TradeState } from '../workflows/messages.ts';
import type { DashboardPosition } from './positions.ts';

/**
 * What the rules say at the mark shown, by the policy the trade pinned; null before it is open. The prediction is the
 * guard's alone to know, so where one holds the position this names the rule beneath it.
 */
export function holdingRule(
  state: TradeState | null,
  position: DashboardPosition | null,
  nowMs: number,
): Evaluation | null {
  if (!state?.plan || !state.position || position?.status !== 'open') return null;
  const { plan, demand } = state;
  const { side, entryPrice, markPrice } = position;
  return evaluateExit(
    {
      side,
      entryPrice,
      openedAtMs: position.openedAtMs,
      bestPrice: betterPrice(side, position.bestPrice ?? entryPrice, markPrice),
      volatilityScale: plan.volatilityScale,
      roundTripFee: plan.roundTripFee,
      tickSize: plan.tickSize,
      ...(demand ? { exitDemand: demand.reason } : {}),
    },
    markPrice,
    null,
    plan.policy,
    nowMs,
  );
}
