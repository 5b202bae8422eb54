import type { IntentPatch, Ledger } from '../../db/repositories/ledger.ts';
import type { SubmitOutcome } from '../exchange/port.ts';
import { tradeIdOf, tradeWorkflowId } from '../workflows/trade-id.ts';
import type { Logger } from '../logging.ts';
import type { GuardedExit } from '../market/guarded-position.ts';
import type { SendRequest } from './orders.ts';

/** Longest an exit waits for a database that may be down. */
const PATIENCE_MS = 500;

/**
 * Notes on each order intent what was sent and answered. The entry's intent was committed before
 * (nothing else may be sent without it); these notes must never hold an exit up, so they are bounded
 * in time and a failure is only logged: the close records write them for good.
 */
export interface IntentJournal {
  sending(workflowId: string, clOrdId: string, request: SendRequest): Promise<void>;
  answered(clOrdId: string, outcome: SubmitOutcome): Promise<void>;
  /** An order that can't fill any more. */
  ended(clOrdId: string, krakenOrderId: string, hasFilled: boolean): Promise<void>;
  /** An exit that a guard sent from memory: noted afterwards, for nothing may come before the order. */
  fired(tradeId: string, exit: FiredIntent, outcome: SubmitOutcome): Promise<void>;
}

export type FiredIntent = GuardedExit & { readonly symbol: string };

const STATUS = { accepted: 'accepted', refused: 'refused', unknown: 'unknown' } as const;

export function createIntentJournal(
  ledger: Pick<Ledger, 'recordIntent' | 'markIntent'>,
  log: Logger,
): IntentJournal {
  const note = async (clOrdId: string, write: Promise<unknown>): Promise<void> => {
    const failed = write.then(
      () => null,
      (error: unknown) => error,
    );
    const late = new Promise<string>((resolve) =>
      setTimeout(resolve, PATIENCE_MS, 'the database is slow').unref(),
    );
    const trouble = await Promise.race([failed, late]);
    if (trouble !== null)
      log.warn({ clOrdId, event: 'intent-note-late', err: trouble }, 'order intent not noted yet');
  };
  return {
    sending: (workflowId, clOrdId, request) =>
      note(
        clOrdId,
        ledger.recordIntent({
          clOrdId,
          workflowId,
          tradeId: tradeIdOf(workflowId),
          leg: request.leg,
          symbol: request.symbol,
          side: request.side,
          orderType: request.type,
          quantity: request.quantity,
          limitPrice: request.limitPrice,
          status: 'sent',
        }),
      ),
    fired: (tradeId, { clientOrderId: clOrdId, leg, symbol, side, quantity }, outcome) =>
      note(
        clOrdId,
        ledger.recordIntent({
          clOrdId,
          workflowId: tradeWorkflowId(tradeId),
          tradeId,
          leg,
          symbol,
          side,
          orderType: 'market',
          quantity,
          limitPrice: null,
          ...patch(outcome),
        }),
      ),
    ended: (clOrdId, krakenOrderId, hasFilled) =>
      note(
        clOrdId,
        ledger.markIntent(clOrdId, { status: hasFilled ? 'filled' : 'cancelled', krakenOrderId }),
      ),
    answered: (clOrdId, outcome) => note(clOrdId, ledger.markIntent(clOrdId, patch(outcome))),
  };
}

function patch(outcome: SubmitOutcome): IntentPatch {
  return {
    status: STATUS[outcome.kind],
    ...(outcome.kind === 'accepted' ? { krakenOrderId: outcome.exchangeOrderId } : {}),
    ...(outcome.kind === 'refused' ? { why: outcome.code } : {}),
    ...(outcome.kind === 'unknown' ? { why: outcome.why } : {}),
  };
}
