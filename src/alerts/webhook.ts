import { createHmac } from 'node:crypto';
import type { AlertDestination } from './destination.ts';
import { post } from './post.ts';

export interface WebhookOptions {
  readonly url: string;
  /** Signs each body, so that the receiver knows who sent it. */
  readonly secret?: string | undefined;
  readonly paceMs: number;
}

/**
 * One alert a request: `{id, kind, occurredAt, text, facts}`. `Idempotency-Key` is the alert's id, the same
 * however often it is sent. `Holdfast-Signature` is `sha256=<hex HMAC of the body>`.
 */
export function webhook({ url, secret, paceMs }: WebhookOptions): AlertDestination {
  return {
    paceMs,
    async send({ alerts, mayBeRepeat }) {
      for (const { id, kind, atMs, text, facts } of alerts) {
        const body = JSON.stringify({
          id,
          kind,
          occurredAt: new Date(atMs).toISOString(),
          text,
          facts,
          mayBeRepeat,
        });
        const signature: Record<string, string> =
          secret === undefined
            ? {}
            : { 'holdfast-signature': `sha256=${createHmac('sha256', secret).update(body).digest('hex')}` };
        await post({ url, body, headers: { 'idempotency-key': id, ...signature } });
      }
    },
  };
}
