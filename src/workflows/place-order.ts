import { sleep } from '@temporalio/workflow';
import type { OrderOnExchange, SendRequest, SendResult } from '../activities/orders.ts';
import { CLOCK_MARGIN_MS, SEND_WINDOW_MS } from '../domain/safety-times.ts';
import { asking, sending } from './activity-options.ts';

/** Everything of a leg that stays the same however often it has to be sent. */
export type LegOrder = Omit<SendRequest, 'deadlineMs'>;

export type Placed =
  | { readonly kind: 'accepted'; readonly order: OrderOnExchange; readonly submittedAtMs: number }
  /** Definite: the order never existed. */
  | Extract<SendResult, { kind: 'refused' }>
  /** Proven by successful negative look-ups given after the deadline and the listing lag. */
  | { readonly kind: 'absent' };

/**
 * Sends an order at most once and never leaves its outcome unknown (docs/design.md section 5).
 * The deadline is fixed here, before the send is scheduled, so a frozen process that wakes up late
 * can't be accepted any more by the time absence is believed.
 */
export async function placeOrder(leg: LegOrder, listingLagMs: number): Promise<Placed> {
  const submittedAtMs = Date.now();
  const deadlineMs = submittedAtMs + SEND_WINDOW_MS;
  const sent = await sending(orderWords(leg))
    .sendOrder({ ...leg, deadlineMs })
    .catch(() => null);
  if (sent?.kind === 'refused') return sent;
  if (sent?.kind === 'accepted') return { kind: 'accepted', order: sent.order, submittedAtMs };
  const found = await proveOutcome(leg.leg, submittedAtMs, deadlineMs, listingLagMs);
  return found ? { kind: 'accepted', order: found, submittedAtMs } : { kind: 'absent' };
}

function orderWords({ leg, side, type, quantity, symbol, limitPrice, triggerPrice }: LegOrder): string {
  const price = limitPrice ?? triggerPrice ?? null;
  return `${leg}: ${side} ${quantity} ${symbol} ${type}${price === null ? '' : ` at ${price}`}`;
}

/**
 * Between two looks at what a lost guard may have sold, but for the one that can settle it. All its positions ask at
 * once: quicker questions would use up the calls that exits need.
 */
export const BETWEEN_DOUBTS_MS = 30_000;

/**
 * A complete look-up that comes back empty proves absence only if it began after this, epoch ms: the order can't
 * be accepted any more, and what was accepted is listed.
 */
export function absenceProvableFromMs(lastDeadlineMs: number, listingLagMs: number): number {
  return lastDeadlineMs + CLOCK_MARGIN_MS + listingLagMs;
}

/**
 * Asks until the order is found, or until a complete look-up came back empty that began so long after the
 * last moment at which the order could be accepted that it would be listed.
 */
export async function proveOutcome(
  leg: LegOrder['leg'],
  sinceMs: number,
  lastDeadlineMs: number,
  listingLagMs: number,
  firstPauseMs = 500,
): Promise<OrderOnExchange | null> {
  const absentFromMs = absenceProvableFromMs(lastDeadlineMs, listingLagMs);
  const longestPauseMs = Math.max(firstPauseMs, 10_000);
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(pauseMs * 2, longestPauseMs)) {
    const answer = await asking.lookUpOrder({ leg, sinceMs, askedAtMs: Date.now() });
    if (answer.order) return answer.order;
    if (answer.askedAtMs >= absentFromMs) return null;
    await sleep(Math.min(pauseMs, Math.max(100, absentFromMs - Date.now())));
  }
}
