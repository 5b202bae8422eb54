import { z } from 'zod';

/** What the private stream tells, as far as Holdfast reads it: which order something happened to, and whose it is. */
const executionsFrame = z.object({
  channel: z.literal('executions'),
  type: z.enum(['snapshot', 'update']).default('update'),
  sequence: z.number().int(),
  data: z.array(z.object({ order_id: z.string(), exec_type: z.string(), cl_ord_id: z.string().optional() })),
});
export type ExecutionsFrame = z.infer<typeof executionsFrame>;

/** `null` when a frame of the channel can't be understood. */
export function readExecutions(frame: object): ExecutionsFrame | null {
  return executionsFrame.safeParse(frame).data ?? null;
}
