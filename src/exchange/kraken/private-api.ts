import { createHash, createHmac } from 'node:crypto';
import { z } from 'zod';
import { createNonceSource } from './nonce.ts';

/** What became of one private call. Only `result` and `error` are Kraken's own words. */
export type PrivateReply =
  | { readonly kind: 'result'; readonly result: unknown }
  /** Kraken's error strings, with their leading `E`. */
  | { readonly kind: 'error'; readonly codes: readonly string[] }
  | { readonly kind: 'trouble'; readonly trouble: Trouble; readonly why: string };

/** `warning`: one stood beside the result, which therefore proves nothing. */
export type Trouble = 'warning' | 'http' | 'timeout' | 'unreadable' | 'connection';

/** Flat ones are sent as a form; with a list of objects, which only batches have, Kraken wants JSON. */
export type PrivateParams = Readonly<Record<string, string | readonly BatchItem[]>>;
export type BatchItem = Readonly<Record<string, string | boolean>>;

export interface PrivateApi {
  /** Sends once; never throws. The caller keeps to one call in flight. */
  call(method: string, params: PrivateParams): Promise<PrivateReply>;
}

export interface PrivateApiOptions {
  readonly restUrl: string;
  readonly key: string;
  readonly secret: string;
  /** Of one whole call. */
  readonly timeoutMs: number;
  readonly now: () => number;
}

const USER_AGENT = 'holdfast';

/** Signed calls under one key. */
export class SignedApi implements PrivateApi {
  readonly #options: PrivateApiOptions;
  readonly #nextNonce: () => string;

  constructor(options: PrivateApiOptions) {
    this.#options = options;
    this.#nextNonce = createNonceSource(options.now);
  }

  async call(method: string, params: PrivateParams): Promise<PrivateReply> {
    const { restUrl, key, secret, timeoutMs } = this.#options;
    const path = `/0/private/${method}`;
    const nonce = this.#nextNonce();
    const { contentType, body } = encode({ ...params, nonce });
    try {
      const response = await fetch(new URL(path, restUrl), {
        method: 'POST',
        headers: {
          'API-Key': key,
          'API-Sign': signature(secret, path, nonce, body),
          'Content-Type': contentType,
          'User-Agent': USER_AGENT,
        },
        body,
        // Followed, it would send the order again.
        redirect: 'error',
        signal: AbortSignal.timeout(timeoutMs),
      });
      if (!response.ok) {
        await response.body?.cancel();
        return { kind: 'trouble', trouble: 'http', why: `HTTP status ${response.status}` };
      }
      return toReply(await response.json());
    } catch (error) {
      return toTrouble(error);
    }
  }
}

function encode(params: PrivateParams): { contentType: string; body: string } {
  const flat = Object.entries(params).filter(
    (entry): entry is [string, string] => typeof entry[1] === 'string',
  );
  if (flat.length < Object.keys(params).length)
    return { contentType: 'application/json', body: JSON.stringify(params) };
  return { contentType: 'application/x-www-form-urlencoded', body: new URLSearchParams(flat).toString() };
}

/** HMAC-SHA512 of the path and the SHA-256 of nonce and body: Kraken, "Spot REST authentication". */
function signature(secret: string, path: string, nonce: string, body: string): string {
  const inner = createHash('sha256')
    .update(nonce + body)
    .digest();
  return createHmac('sha512', Buffer.from(secret, 'base64')).update(path).update(inner).digest('base64');
}

const envelope = z.object({ error: z.array(z.string()), result: z.unknown().optional() });

function toReply(answer: unknown): PrivateReply {
  const { data } = envelope.safeParse(answer);
  if (data === undefined) return unreadable('answer has no usable envelope');
  const { error: codes, result } = data;
  if (codes.some((code) => !/^[EW][A-Z][A-Za-z]*:/.test(code)))
    return unreadable('an error in no known form');
  const errors = codes.filter((code) => code.startsWith('E'));
  if (errors.length > 0) return { kind: 'error', codes: errors };
  if (codes.length > 0) return { kind: 'trouble', trouble: 'warning', why: 'a warning beside the result' };
  if (result === undefined || result === null) return unreadable('answer without a result');
  return { kind: 'result', result };
}

function unreadable(why: string): PrivateReply {
  return { kind: 'trouble', trouble: 'unreadable', why };
}

/** Names and numbers only: nothing of the request may get into a log. */
function toTrouble(error: unknown): PrivateReply {
  if (error instanceof SyntaxError) return unreadable('answer is not JSON');
  if (!(error instanceof Error)) return { kind: 'trouble', trouble: 'connection', why: 'unknown failure' };
  if (error.name === 'TimeoutError') return { kind: 'trouble', trouble: 'timeout', why: 'no answer in time' };
  const { cause } = error;
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : error.name;
  return { kind: 'trouble', trouble: 'connection', why: `connection failed (${code})` };
}
