import type { SearchAttributePair } from '@temporalio/common';
import { WORKFLOW_TASK_TIMEOUT_MS } from '../domain/safety-times.ts';
import { initialSearchAttributes } from './search-attributes.ts';
import { tradeWorkflowId } from './trade-id.ts';
import type { TradeInput } from './messages.ts';

export interface TradeStart {
  readonly workflowId: string;
  readonly args: [TradeInput];
  readonly workflowTaskTimeout: number;
  readonly staticSummary: string;
  readonly typedSearchAttributes: SearchAttributePair[];
}

/** How every trade is started, whoever starts it. */
export function tradeStart(input: TradeInput): TradeStart {
  const { request, resume } = input;
  const { tradeId, side, symbol, notional } = request;
  return {
    workflowId: tradeWorkflowId(tradeId),
    args: [input],
    workflowTaskTimeout: WORKFLOW_TASK_TIMEOUT_MS,
    staticSummary: `${side} ${symbol}${resume ? ', taken over' : ` for ${notional}`}`,
    typedSearchAttributes: initialSearchAttributes(request),
  };
}
