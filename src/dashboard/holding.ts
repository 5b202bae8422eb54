import { evaluateExit, type Evaluation, type Policy, type Prediction } from '../domain/exit-policy.ts';
import { betterPrice } from '../domain/position.ts';
import type { PositionView } from '../views/position-view.ts';

/** What a trade pinned at entry for its exit, and what is demanded of it. */
export interface PinnedRules {
  readonly policy: Policy;
  readonly volatilityScale: number;
  readonly roundTripFee: number;
  /** Why its exit is demanded, where it is. */
  readonly exitDemand?: string | undefined;
}

type Shown = Pick<PositionView, 'status' | 'side' | 'entryPrice' | 'markPrice' | 'bestPrice' | 'openedAtMs'>;

/** What the rules say at the mark shown, with the newest prediction; null for a position that is not open. */
export function ruleAt(
  { status, side, entryPrice, markPrice, bestPrice, openedAtMs }: Shown,
  { policy, volatilityScale, roundTripFee, exitDemand }: PinnedRules,
  prediction: Prediction | null,
  nowMs: number,
): Evaluation | null {
  if (status !== 'open') return null;
  return evaluateExit(
    {
      side,
      entryPrice,
      openedAtMs,
      bestPrice: betterPrice(side, bestPrice ?? entryPrice, markPrice),
      volatilityScale,
      roundTripFee,
      ...(exitDemand === undefined ? {} : { exitDemand }),
    },
    markPrice,
    prediction,
    policy,
    nowMs,
  );
}
