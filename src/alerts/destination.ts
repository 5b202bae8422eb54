import type { Alert } from '../domain/alerts.ts';

/** One place where people are told. */
export interface AlertDestination {
  /** Least time between two messages, ms. */
  readonly paceMs: number;
  /** Sends one message. Throws {@link NotDelivered}. */
  send(message: AlertMessage): Promise<void>;
}

export interface AlertMessage {
  readonly alerts: readonly Alert[];
  /** An earlier try was cut off before its answer: it may have arrived. */
  readonly mayBeRepeat: boolean;
}

/**
 * `refused`: the message is wrong in itself and never arrives. `unavailable`: certainly not delivered, try again,
 * after `retryAfterMs` where the service names a time. `unsure`: no answer, so it may have arrived.
 */
export class NotDelivered extends Error {
  override readonly name = 'NotDelivered';
  readonly why: 'refused' | 'unavailable' | 'unsure';
  readonly retryAfterMs: number | null;
  constructor(why: NotDelivered['why'], message: string, retryAfterMs: number | null = null) {
    super(message);
    this.why = why;
    this.retryAfterMs = retryAfterMs;
  }
}
