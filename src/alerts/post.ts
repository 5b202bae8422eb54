import { NotDelivered } from './destination.ts';

/** Shorter than the time Temporal gives one try. */
const ANSWER_WITHIN_MS = 5_000;
const LONGEST_WAIT_MS = 15 * 60_000;
/** The message itself was understood and is not wanted; other refusals are of the address or the key. */
const REFUSED = [400, 413, 422];
/** A proxy that gave up waiting: what stands behind it may have taken the message. */
const MAYBE_TAKEN = [502, 504];

export interface Post {
  readonly url: string;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** The service's own words about a refusal, and the wait it asks for, ms. */
  readonly read?: (answer: unknown) => {
    readonly words?: unknown;
    readonly retryAfterMs?: number | undefined;
  };
}

/** POSTs JSON and resolves on 2xx. Neither URL nor body is ever part of an error: both may hold secrets. */
export async function post({ url, body, headers = {}, read = () => ({}) }: Post): Promise<void> {
  let response: Response;
  let answer: string;
  try {
    response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body,
      redirect: 'manual',
      signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
    });
    answer = await response.text();
  } catch (error) {
    throw new NotDelivered(isCertain(error) ? 'unavailable' : 'unsure', reason(error));
  }
  const { status } = response;
  if (response.ok) return;
  const { words, retryAfterMs } = read(parsed(answer));
  const message = `HTTP ${status}${typeof words === 'string' ? `: ${withoutSecrets(words, url).slice(0, 200)}` : ''}`;
  if (REFUSED.includes(status)) throw new NotDelivered('refused', message);
  const waitMs = retryAfterMs ?? retryAfterHeader(response.headers.get('retry-after'));
  throw new NotDelivered(
    MAYBE_TAKEN.includes(status) ? 'unsure' : 'unavailable',
    message,
    waitMs === null ? null : Math.min(Math.max(waitMs, 0), LONGEST_WAIT_MS),
  );
}

/** Services say in their addresses who may write; some repeat the address when they refuse. */
function withoutSecrets(words: string, url: string): string {
  const { pathname, searchParams } = new URL(url);
  const parts = [...pathname.split('/'), ...searchParams.values()].filter((part) => part.length >= 8);
  return parts.reduce((rest, part) => rest.replaceAll(part, '***'), words);
}

/** Seconds, or a date. */
function retryAfterHeader(value: string | null): number | null {
  if (value === null) return null;
  const seconds = Number(value);
  const waitMs = Number.isFinite(seconds) ? seconds * 1_000 : Date.parse(value) - Date.now();
  return Number.isFinite(waitMs) ? waitMs : null;
}

function parsed(answer: string): unknown {
  try {
    return JSON.parse(answer);
  } catch {
    return null;
  }
}

/** Nobody was there to take it. */
const NOT_CONNECTED = [
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
];

function isCertain(error: unknown): boolean {
  return NOT_CONNECTED.includes(codeOf(error) ?? '');
}

function reason(error: unknown): string {
  if (error instanceof Error && error.name === 'TimeoutError')
    return `no answer within ${ANSWER_WITHIN_MS / 1_000} s`;
  return `no answer (${codeOf(error) ?? 'connection failed'})`;
}

function codeOf(error: unknown): string | undefined {
  const cause = (error as { cause?: unknown } | null)?.cause;
  const inner = cause instanceof AggregateError ? (cause.errors[0] as unknown) : cause;
  return (inner as { code?: string } | null)?.code;
}
