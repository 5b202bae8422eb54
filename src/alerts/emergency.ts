import type { AlertFacts } from '../domain/alerts.ts';
import type { ArmedTrade } from '../market/guarded-position.ts';
import type { LastEvaluation } from '../workflows/messages.ts';

/** Told when it is decided: the close that the database tells of may be long in coming. Both have one id. */
export function emergencyAlert(trade: ArmedTrade, { evaluation, mark, atMs }: LastEvaluation): AlertFacts {
  const { tradeId, positionId, symbol, quantity, position } = trade;
  const { returnFraction } = evaluation;
  return {
    id: `emergency:${positionId}`,
    kind: 'emergency',
    atMs,
    facts: { tradeId, positionId, symbol, side: position.side, quantity, mark, returnFraction },
  };
}
