import type { ExitRule } from '../../src/domain/exit-policy.ts';
import { prepareStudy, replay } from '../../src/domain/learning/replay.ts';
import {
  horizonMs,
  skippedHorizonMs,
  type Study,
  type StudiedSignal,
} from '../../src/domain/learning/study.ts';
import { moveFraction } from '../../src/domain/position.ts';
import { volatilityScale } from '../../src/domain/sizing.ts';
import type { Thresholds } from '../../src/domain/thresholds.ts';

const EQUITY = 10_000;
const LONGEST_HOLD_MS = 2 * 3_600_000;

/**
 * What learning would hear of a signal that was traded under pinned thresholds: the real outcome, and of the market
 * only the way to the exit and the horizon after it.
 */
export function tradeSignal(
  signal: StudiedSignal,
  pinned: Thresholds,
  version: number,
  longestHoldMs = LONGEST_HOLD_MS,
): Study {
  const longest = { ...signal, path: pathUntil(signal, signal.entryTimeMs + longestHoldMs) };
  const result = replay(prepareStudy(longest), pinned);
  const study = { ...signal, thresholdsVersion: version, rivals: [] };
  if (!result.taken) {
    return {
      ...study,
      outcome: null,
      path: pathUntil(signal, signal.entryTimeMs + skippedHorizonMs(signal.timeScale)),
    };
  }
  const entry = Number(signal.entryPrice);
  const exitPrice =
    signal.path.find((point) => point.timeMs === result.exitTimeMs)?.price ?? signal.entryPrice;
  const quantity = (result.fraction * EQUITY) / entry;
  const fees = [
    quantity * entry * signal.entryFeeRate,
    quantity * Number(exitPrice) * signal.exitFeeRate,
  ] as const;
  const gross = moveFraction(signal.side, entry, Number(exitPrice));
  return {
    ...study,
    path: pathUntil(signal, result.exitTimeMs + horizonMs(result.heldMs, signal.timeScale)),
    outcome: {
      positionId: signal.id,
      tradeId: `trade-${signal.id}`,
      symbol: signal.symbol,
      side: signal.side,
      thresholdsVersion: version,
      confidence: signal.confidence,
      volatilityScale: volatilityScale(signal.volatilityRatio, pinned.volatilityAdjustmentFactor),
      quantity: quantity.toFixed(8),
      entryPrice: signal.entryPrice,
      exitPrice,
      entryTimeMs: signal.entryTimeMs,
      exitTimeMs: result.exitTimeMs,
      entryFee: fees[0].toFixed(8),
      exitFee: fees[1].toFixed(8),
      netPnl: (gross * quantity * entry - fees[0] - fees[1]).toFixed(8),
      returnFraction: gross,
      exitRule: exitRuleOf(result.end),
      equityAtEntry: EQUITY.toFixed(2),
      timeScale: signal.timeScale,
    },
  };
}

function pathUntil(signal: StudiedSignal, endMs: number): StudiedSignal['path'] {
  return signal.path.filter((point) => point.timeMs <= endMs);
}

function exitRuleOf(end: ReturnType<typeof replay>['end']): ExitRule {
  return end === null || end === 'horizon' ? 'forced' : end;
}
