import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { KrakenError } from './kraken-error.ts';
import type { ApiKey } from './state.ts';
import type { Store } from './store.ts';

const UINT64_MAX = 2n ** 64n - 1n;

/**
 * Kraken's signature: base64(HMAC-SHA512(key: base64-decoded secret, path ‖ SHA-256(nonce ‖ body))).
 * `body` is what was sent, byte for byte.
 */
export function sign(secret: string, path: string, nonce: string, body: Uint8Array): string {
  const hash = createHash('sha256').update(nonce).update(body).digest();
  return createHmac('sha512', Buffer.from(secret, 'base64')).update(path).update(hash).digest('base64');
}

export interface SignedRequest {
  readonly key: string | undefined;
  readonly signature: string | undefined;
  readonly path: string;
  readonly nonce: string | undefined;
  readonly body: Uint8Array;
}

/**
 * Who sent a private call. Takes the nonce: a second copy of the same request is refused.
 * Throws {@link KrakenError}.
 */
export function authenticate(store: Store, request: SignedRequest): ApiKey {
  const key = store.keys.get(request.key ?? '');
  if (!key) throw new KrakenError('EAPI:Invalid key');
  const { nonce } = request;
  if (nonce === undefined || !/^\d{1,20}$/.test(nonce) || BigInt(nonce) > UINT64_MAX) {
    throw new KrakenError('EAPI:Invalid nonce');
  }
  const expected = Buffer.from(sign(key.secret, request.path, nonce, request.body));
  const given = Buffer.from(request.signature ?? '');
  if (expected.length !== given.length || !timingSafeEqual(expected, given)) {
    throw new KrakenError('EAPI:Invalid signature');
  }
  const lowest = BigInt(key.nonce) - BigInt(key.nonceWindow);
  if (BigInt(nonce) <= lowest) throw new KrakenError('EAPI:Invalid nonce');
  if (BigInt(nonce) > BigInt(key.nonce)) {
    store.put('nonce', { key: key.key, nonce });
    store.commit();
  }
  return key;
}

export function requirePermission(key: ApiKey, ...permissions: readonly string[]): void {
  for (const permission of permissions) {
    if (!key.permissions.includes(permission)) throw new KrakenError('EGeneral:Permission denied');
  }
}

/** What a trading client needs, and nothing that could move money out. */
export const TRADING_PERMISSIONS: readonly string[] = [
  'query-funds',
  'query-open-trades',
  'query-closed-trades',
  'modify-trades',
  'close-trades',
  'query-ledger',
  'create-ws-token',
];

export function newKeyPair(): { key: string; secret: string } {
  return { key: randomBytes(42).toString('base64'), secret: randomBytes(64).toString('base64') };
}

const TOKEN_LIFE_MS = 900_000;

/** WebSocket tokens of an account: to be used within 15 minutes, then good for as long as the exchange runs. */
export class Tokens {
  readonly #tokens = new Map<string, { accountId: string; untilMs: number }>();

  create(accountId: string, nowMs: number): string {
    const token = randomBytes(32).toString('base64');
    this.#tokens.set(token, { accountId, untilMs: nowMs + TOKEN_LIFE_MS });
    return token;
  }

  /** The account a token speaks for. Throws {@link KrakenError}. */
  account(token: string | undefined, nowMs: number): string {
    const found = this.#tokens.get(token ?? '');
    if (!found || found.untilMs < nowMs) throw new KrakenError('ESession:Invalid session');
    found.untilMs = Number.POSITIVE_INFINITY;
    return found.accountId;
  }
}
