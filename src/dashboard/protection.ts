import type { FastifyInstance, FastifyRequest } from 'fastify';
import { Refusal } from './answers.ts';
import { isAuthorized } from './token.ts';

/** Everything from our own origin, nothing inline. */
export const SECURITY_HEADERS = {
  'content-security-policy':
    "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'",
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), microphone=(), geolocation=()',
} as const;

export const LOOPBACK_NAMES: readonly string[] = ['127.0.0.1', 'localhost', '[::1]'];

export interface Protection {
  readonly token: string;
  /** Names under which it is asked; null answers to any. */
  readonly names: readonly string[] | null;
}

export function protect(app: FastifyInstance, options: Protection): void {
  app.removeContentTypeParser('text/plain');
  app.addHook('onRequest', async (request) => {
    // A name that resolves to us is no proof that a page of that name may read us (DNS rebinding).
    if (options.names?.includes(hostName(request)) === false) {
      throw new Refusal(
        403,
        'wrong-host',
        `Host is ${request.headers.host ?? '(none)'}, allowed is ${options.names.join(', ')}`,
      );
    }
    if (request.method === 'GET' || request.method === 'HEAD') return;
    if (isCrossSite(request))
      throw new Refusal(403, 'cross-site', 'actions are taken from our own page only');
    if (!isAuthorized(request.headers.authorization, options.token)) {
      throw new Refusal(
        401,
        'unauthorized',
        'actions need the dashboard token as Authorization: Bearer <token>',
      );
    }
    if (!/^application\/json\s*(;|$)/i.test(request.headers['content-type'] ?? '')) {
      throw new Refusal(415, 'not-json', 'Content-Type must be application/json');
    }
  });
  app.addHook('onSend', async (_request, reply) => {
    reply.headers(SECURITY_HEADERS);
  });
}

function hostName(request: FastifyRequest): string {
  return (request.headers.host ?? '').replace(/:\d+$/, '').toLowerCase();
}

/** Programs send neither header; browsers can't be made to leave them out or lie in them. */
function isCrossSite(request: FastifyRequest): boolean {
  const { origin, host, 'sec-fetch-site': site } = request.headers;
  if (site !== undefined && site !== 'same-origin') return true;
  return origin !== undefined && !isSameHost(origin, host);
}

function isSameHost(origin: string, host: string | undefined): boolean {
  try {
    // Behind a proxy that ends TLS the scheme differs, the host does not.
    return new URL(origin).host === host;
  } catch {
    return false;
  }
}
