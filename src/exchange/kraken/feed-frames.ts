import { z } from 'zod';
import { big, text, type Decimal } from '../../domain/money.ts';

/** Frames of the public stream, as far as Holdfast reads them. */

/**
 * Prices arrive as JSON numbers. A decimal of up to 15 digits comes back from a double's shortest
 * text unchanged but for trailing zeros, and Kraken's prices have fewer.
 */
const price = z
  .number()
  .positive()
  .transform((value): Decimal => text(big(String(value))));

const tick = z.object({ symbol: z.string(), bid: price, ask: price, last: price });
export type Tick = z.infer<typeof tick>;

const tickerFrame = z.object({ channel: z.literal('ticker'), data: z.array(tick) });
const refusedSubscription = z.object({
  method: z.literal('subscribe'),
  success: z.literal(false),
  error: z.string(),
  symbol: z.string().optional(),
});

export type FeedFrame =
  | { readonly kind: 'ticks'; readonly ticks: readonly Tick[] }
  | { readonly kind: 'refused'; readonly why: string }
  /** Heartbeats, status, acknowledgements: proof of life only. */
  | { readonly kind: 'other' }
  | { readonly kind: 'unreadable' };

export function readFrame(frame: string): FeedFrame {
  let value: unknown;
  try {
    value = JSON.parse(frame);
  } catch {
    return { kind: 'unreadable' };
  }
  if (typeof value !== 'object' || value === null) return { kind: 'unreadable' };
  if ('channel' in value && value.channel === 'ticker') {
    const { data } = tickerFrame.safeParse(value);
    return data === undefined ? { kind: 'unreadable' } : { kind: 'ticks', ticks: data.data };
  }
  const { data: refused } = refusedSubscription.safeParse(value);
  return refused === undefined ? { kind: 'other' } : { kind: 'refused', why: refused.error };
}
