import { z } from 'zod';
import { isPositive } from '../../domain/money.ts';
import { jsonDecimal } from './json-decimal.ts';

/** Frames of the public stream, as far as Holdfast reads them. */

const price = jsonDecimal.refine(isPositive, 'expected a price above 0');
const tick = z.object({ symbol: z.string(), bid: price, ask: price, last: price });
export type Tick = z.infer<typeof tick>;

const tickerFrame = z.object({ channel: z.literal('ticker'), data: z.array(tick) });
const refusedRequest = z.object({ success: z.literal(false), error: z.string() });

export type FeedFrame =
  | { readonly kind: 'ticks'; readonly ticks: readonly Tick[] }
  | { readonly kind: 'refused'; readonly why: string }
  /** Heartbeats, status, acknowledgements: proof of life only. */
  | { readonly kind: 'other' }
  | { readonly kind: 'unreadable' };

export function readFrame(frame: string): FeedFrame {
  const value = readJson(frame);
  if (value === null) return { kind: 'unreadable' };
  if ('channel' in value && value.channel === 'ticker') {
    const { data } = tickerFrame.safeParse(value);
    return data === undefined ? { kind: 'unreadable' } : { kind: 'ticks', ticks: data.data };
  }
  const why = refusal(value);
  return why === null ? { kind: 'other' } : { kind: 'refused', why };
}

export function readJson(frame: string): object | null {
  try {
    const value: unknown = JSON.parse(frame);
    return typeof value === 'object' ? value : null;
  } catch {
    return null;
  }
}

/** Why a request over the stream was refused; `null` for any other frame. */
export function refusal(frame: object): string | null {
  return refusedRequest.safeParse(frame).data?.error ?? null;
}
