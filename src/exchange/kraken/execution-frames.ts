import { z } from 'zod';
import { add, type Decimal } from '../../domain/money.ts';
import type { Fill } from '../../domain/position.ts';
import { jsonDecimal } from './json-decimal.ts';

/** What the private stream tells of an order. Sparse: what is not repeated has not changed. */
const execution = z.object({
  order_id: z.string(),
  exec_type: z.string(),
  order_status: z.string().optional(),
  cl_ord_id: z.string().optional(),
  symbol: z.string().optional(),
  side: z.enum(['buy', 'sell']).optional(),
  order_qty: jsonDecimal.optional(),
  cum_qty: jsonDecimal.optional(),
  reason: z.string().optional(),
  timestamp: z.string().optional(),
  exec_id: z.string().optional(),
  last_qty: jsonDecimal.optional(),
  last_price: jsonDecimal.optional(),
  cost: jsonDecimal.optional(),
  fees: z.array(z.object({ asset: z.string(), qty: jsonDecimal })).optional(),
});
export type Execution = z.infer<typeof execution>;

const executionsFrame = z.object({
  channel: z.literal('executions'),
  type: z.enum(['snapshot', 'update']).default('update'),
  sequence: z.number().int(),
  data: z.array(execution),
});
export type ExecutionsFrame = z.infer<typeof executionsFrame>;

/** `null` when a frame of the channel can't be understood. */
export function readExecutions(frame: object): ExecutionsFrame | null {
  return executionsFrame.safeParse(frame).data ?? null;
}

/** The fill in a trade event, on Kraken's clock; `null` in any other event. */
export function fillOf(event: Execution): Fill | null {
  const { exec_id: fillId, last_qty: quantity, last_price: price, cost, fees = [], timestamp } = event;
  if (event.exec_type !== 'trade') return null;
  if (fillId === undefined || quantity === undefined || price === undefined || cost === undefined)
    return null;
  const timeMs = Date.parse(timestamp ?? '');
  if (Number.isNaN(timeMs)) return null;
  const fee: Decimal = add(...fees.map(({ qty }) => qty));
  return { fillId, quantity, price, cost, fee, timeMs };
}
