import KrakenClient from 'kraken-api';
import { createNonceSource } from './nonce.ts';

/** What became of one private call. Only `result` and `error` are Kraken's own words. */
export type PrivateReply =
  | { readonly kind: 'result'; readonly result: unknown }
  /** Kraken's error strings, with their leading `E`. */
  | { readonly kind: 'error'; readonly codes: readonly string[] }
  | { readonly kind: 'trouble'; readonly trouble: Trouble; readonly why: string };

/** `warning`: a result may have stood beside it, but the client threw it away. */
export type Trouble = 'warning' | 'http' | 'timeout' | 'unreadable' | 'connection';

export type PrivateParams = Readonly<Record<string, string>>;

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

export function createPrivateApi(options: PrivateApiOptions): PrivateApi {
  const { restUrl, key, secret, timeoutMs, now } = options;
  const client = new KrakenClient(key, secret, { url: restUrl.replace(/\/+$/, ''), timeout: timeoutMs });
  const nextNonce = createNonceSource(now);
  return {
    async call(method, params) {
      try {
        // A fresh object each time: the client writes the nonce into what it is given.
        const response = await client.privateMethod(method, { ...params, nonce: nextNonce() });
        return toReply(response);
      } catch (error) {
        return toFailure(error);
      }
    },
  };
}

function toReply(response: unknown): PrivateReply {
  if (typeof response !== 'object' || response === null || !('result' in response)) {
    return { kind: 'trouble', trouble: 'unreadable', why: 'answer without a result' };
  }
  return { kind: 'result', result: response.result };
}

/** The client's only own message; it hides warnings and strings that are neither error nor warning. */
const HIDDEN_WARNING = 'Kraken API returned an unknown error';

/** Errors of the HTTP layer carry request headers: take names and numbers from them, never the object. */
function toFailure(error: unknown): PrivateReply {
  if (!(error instanceof Error)) return { kind: 'trouble', trouble: 'connection', why: 'unknown failure' };
  if (error instanceof SyntaxError) {
    return { kind: 'trouble', trouble: 'unreadable', why: 'answer is not JSON' };
  }
  if (error instanceof TypeError) {
    return { kind: 'trouble', trouble: 'unreadable', why: 'answer has no usable envelope' };
  }
  if (Object.getPrototypeOf(error) === Error.prototype) return toKrakenError(error.message);
  const code = 'code' in error && typeof error.code === 'string' ? error.code : error.name;
  if (code === 'ETIMEDOUT') return { kind: 'trouble', trouble: 'timeout', why: 'no answer in time' };
  const status = httpStatus(error);
  if (status !== null) return { kind: 'trouble', trouble: 'http', why: `HTTP status ${status}` };
  return { kind: 'trouble', trouble: 'connection', why: `connection failed (${code})` };
}

function toKrakenError(message: string): PrivateReply {
  if (message === HIDDEN_WARNING) {
    return { kind: 'trouble', trouble: 'warning', why: 'a warning without a visible result' };
  }
  if (!/^[A-Z][A-Za-z]*:/.test(message)) {
    return { kind: 'trouble', trouble: 'unreadable', why: 'an error in no known form' };
  }
  // The client joins several errors and cuts the leading E of each.
  return { kind: 'error', codes: message.split(/, (?=[A-Z][A-Za-z]*:)/).map((code) => `E${code}`) };
}

function httpStatus(error: Error): number | null {
  if (!('response' in error) || typeof error.response !== 'object' || error.response === null) return null;
  const { response } = error;
  return 'statusCode' in response && typeof response.statusCode === 'number' ? response.statusCode : null;
}
