import { defineSearchAttributeKey, SearchAttributeType, type SearchAttributePair } from '@temporalio/common';
import type { TradeRequest } from './messages.ts';

/** Search attributes of every trade; registered by `up`, or by the operator of a cluster (docs/operations.md). */
export const HOLDFAST_SYMBOL = defineSearchAttributeKey('HoldfastSymbol', SearchAttributeType.KEYWORD);
export const HOLDFAST_SIDE = defineSearchAttributeKey('HoldfastSide', SearchAttributeType.KEYWORD);
export const HOLDFAST_STAGE = defineSearchAttributeKey('HoldfastStage', SearchAttributeType.KEYWORD);
export const HOLDFAST_POSITION_ID = defineSearchAttributeKey(
  'HoldfastPositionId',
  SearchAttributeType.KEYWORD,
);
export const HOLDFAST_EXIT_RULE = defineSearchAttributeKey('HoldfastExitRule', SearchAttributeType.KEYWORD);
export const HOLDFAST_RETURN = defineSearchAttributeKey('HoldfastReturn', SearchAttributeType.DOUBLE);

/** What a trade can be found by from its first moment on. */
export function initialSearchAttributes(request: TradeRequest): SearchAttributePair[] {
  return [
    { key: HOLDFAST_SYMBOL, value: request.symbol },
    { key: HOLDFAST_SIDE, value: request.side },
    { key: HOLDFAST_STAGE, value: 'reserving' },
  ];
}
