import type { ExitPosition, Policy } from './exit-policy.ts';
import { add, floorToTick, fromRatio, multiply, subtract, type Decimal } from './money.ts';

/**
 * Where a stop-loss order that rests on the exchange must trigger: the first price, coming from the entry, at which
 * the policy's emergency stop exits. A multiple of the tick.
 */
export function stopTrigger(
  { side, entryPrice, tickSize }: Pick<ExitPosition, 'side' | 'entryPrice' | 'tickSize'>,
  { thresholds }: Policy,
): Decimal {
  const move = multiply(entryPrice, fromRatio(-thresholds.emergencyLossStop));
  if (side === 'long') return floorToTick(subtract(entryPrice, move), tickSize);
  const level = add(entryPrice, move);
  const below = floorToTick(level, tickSize);
  return below === level ? level : add(below, tickSize);
}
