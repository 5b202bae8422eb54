import {
  ApplicationFailure,
  isCancellation,
  ParentClosePolicy,
  patched,
  startChild,
  workflowInfo,
} from '@temporalio/workflow';
import { add } from '../domain/money.ts';
import { returnFraction } from '../domain/position.ts';
import { closeRecords, exitRecords, openRecords } from '../domain/records.ts';
import { tradeFacts } from '../domain/trade-facts.ts';
import { noting, persisting, recording } from './activity-options.ts';
import type { CloseRequest } from '../activities/ledger.ts';
import type { EntryPlan, ExitDemand, OpenPosition, SettleInput, TradeState } from './messages.ts';

export const POSITION_PERSISTENCE_FAILED = 'PositionPersistenceFailed';

/** Writes the four records within the budget, verified by a read back. False when the budget ran out. */
export async function persistPosition(
  state: TradeState,
  plan: EntryPlan,
  position: OpenPosition,
): Promise<boolean> {
  const facts = tradeFacts(state, plan, position);
  try {
    const summary = `four records of ${position.positionId}, read back`;
    await persisting(plan.settings.persistBudgetMs, summary).persistPosition({
      records: openRecords(facts),
      tradeId: state.request.tradeId,
    });
    return true;
  } catch (failure) {
    if (isCancellation(failure)) throw failure;
    return false;
  }
}

/** Has the rows tell what was sold so far of a position that is not over yet. */
export async function noteExits(state: TradeState, plan: EntryPlan, position: OpenPosition): Promise<void> {
  // Trades that were open before there was this step go on without it.
  if (!patched('note-exits')) return;
  const { positionId } = position;
  const records = exitRecords(tradeFacts(state, plan, position), state.exits);
  await noting.recordExits({ positionId, records });
}

export function closeRequest(
  state: TradeState,
  plan: EntryPlan,
  position: OpenPosition,
  demand: ExitDemand,
): CloseRequest {
  const facts = tradeFacts(state, plan, position);
  const rule = demand.rule;
  const records = closeRecords(facts, state.exits, rule);
  const exitPrice = records.managedPosition.exitPrice ?? '0';
  return {
    workflowId: workflowInfo().workflowId,
    open: openRecords(facts),
    records,
    legs: [
      {
        leg: 'entry',
        krakenOrderId: position.entryOrderId,
        quantity: plan.quantity,
        ...(position.entryClientOrderId === undefined ? {} : { clOrdId: position.entryClientOrderId }),
      },
      ...state.exits.flatMap(({ leg, exchangeOrderId, summary }) =>
        leg === 'outside' ? [] : [{ leg, krakenOrderId: exchangeOrderId, quantity: summary.quantity }],
      ),
    ],
    outcome: {
      positionId: position.positionId,
      tradeId: state.request.tradeId,
      symbol: state.request.symbol,
      side: state.request.side,
      thresholdsVersion: plan.policy.version,
      confidence: state.request.signal.confidence,
      volatilityScale: plan.volatilityScale,
      timeScale: plan.policy.timeScale,
      equityAtEntry: plan.equity,
      quantity: position.entry.quantity,
      entryPrice: position.entry.averagePrice,
      exitPrice,
      entryTimeMs: position.entry.firstFillMs,
      exitTimeMs: records.managedPosition.exitTime ?? 0,
      entryFee: position.entry.fee,
      exitFee: records.exitTrades.reduce((fee, trade) => add(fee, trade.fee), '0'),
      netPnl: records.managedPosition.realizedPnL ?? '0',
      returnFraction: returnFraction(state.request.side, position.entry.averagePrice, exitPrice),
      exitRule: rule,
    },
  };
}

/** Records the close however long the database is away; nothing compensates this step. */
export async function recordClose(request: CloseRequest): Promise<void> {
  await recording.recordClose(request);
  const { exitRule } = request.outcome;
  if (exitRule === 'compensation' || exitRule === 'reconciliation') return;
  await recording.handToLearning({ ...request.outcome, exitRule });
}

/**
 * The position is flat, proven, but the database never took it. Failing loudly must not wait for the
 * database, so a workflow of its own records what happened when the database returns.
 */
export async function failUnpersisted(state: TradeState, request: CloseRequest): Promise<never> {
  const { tradeId } = state.request;
  const settle: SettleInput = { kind: 'unrecorded-close', tradeId, close: request };
  await startChild('settleFinding', {
    workflowId: `settle-unrecorded-${tradeId}`,
    args: [settle],
    parentClosePolicy: ParentClosePolicy.ABANDON,
  });
  throw ApplicationFailure.nonRetryable(
    `position ${request.records.managedPosition.id} could not be persisted; it was flattened on the exchange`,
    POSITION_PERSISTENCE_FAILED,
  );
}
