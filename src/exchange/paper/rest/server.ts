import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { authenticate, requirePermission } from '../auth.ts';
import type { PaperContext } from '../context.ts';
import { KrakenError } from '../kraken-error.ts';
import { fromQuery, parseBody, type Params } from '../params.ts';
import { ACCOUNT } from './account.ts';
import { answerAfterFault, hold } from './fault-answers.ts';
import { HISTORY } from './history.ts';
import { ORDER_CHANGES } from './order-changes.ts';
import { ORDERS, ordersOf } from './orders.ts';
import type { ApiKey } from '../state.ts';
import type { PrivateEndpoint } from './private.ts';
import { PUBLIC } from './public.ts';

const PRIVATE: Readonly<Record<string, PrivateEndpoint>> = {
  ...ACCOUNT,
  ...HISTORY,
  ...ORDERS,
  ...ORDER_CHANGES,
};
const MOST_BODY_BYTES = 1_000_000;

/** Calls whose own handling meets `delay` and `error`, because they keep a record of every order. */
const DESK_CALLS = new Set(['AddOrder', 'AddOrderBatch']);

/** Answers `/0/public/…` and `/0/private/…`. Returns false for any other path. */
export async function answerRest(
  request: IncomingMessage,
  response: ServerResponse,
  context: PaperContext,
): Promise<boolean> {
  const url = new URL(request.url ?? '/', 'http://exchange');
  const [, version, area, name = ''] = url.pathname.split('/');
  if (version !== '0' || (area !== 'public' && area !== 'private')) return false;
  const body = await readBody(request);
  const receivedAtMs = Date.now();
  const target = { call: name, pair: pairNamed(url.search, body) };
  if (context.faults.strikeFor(target, 'drop-before')) {
    hold(request);
    return true;
  }
  const expected = area === 'public' ? 'GET' : 'POST';
  if (request.method !== expected) {
    sendJson(response, 405, { error: ['EGeneral:Unknown method'] });
    return true;
  }
  const answer = await answerSafely(context, () =>
    area === 'public'
      ? answerPublic(name, fromQuery(url.search), context)
      : answerPrivate(name, request, url.pathname, body, receivedAtMs, context),
  );
  const after = context.faults.strikeFor(
    target,
    'drop-after',
    'reset-after',
    'http-502-after',
    'http-520-after',
    'html-200-after',
    'warning-after',
  );
  if (after) answerAfterFault(after, request, response, answer);
  else sendJson(response, 200, answer);
  return true;
}

/** Of any call, for faults that strike one pair only; a body that can't be read names none. */
function pairNamed(search: string, body: Buffer): string | undefined {
  try {
    return (body.length > 0 ? parseBody(body.toString('utf8')) : fromQuery(search)).values.pair;
  } catch {
    return undefined;
  }
}

interface Answer {
  error: string[];
  result?: unknown;
}

async function answerSafely(context: PaperContext, work: () => Promise<unknown>): Promise<Answer> {
  try {
    return { error: [], result: await work() };
  } catch (error) {
    if (error instanceof KrakenError) return { error: [error.message] };
    context.log?.error(
      { event: 'paper-internal-error', err: error },
      'the paper exchange could not answer a call',
    );
    return { error: ['EGeneral:Internal error'] };
  }
}

async function answerPublic(name: string, params: Params, context: PaperContext): Promise<unknown> {
  const handle = PUBLIC[name];
  if (!handle) throw new KrakenError('EGeneral:Unknown method');
  return withFaults(name, context, () => handle(params, context, Date.now()));
}

async function answerPrivate(
  name: string,
  request: IncomingMessage,
  path: string,
  body: Buffer,
  receivedAtMs: number,
  context: PaperContext,
): Promise<unknown> {
  const params = parseBody(body.toString('utf8'));
  const endpoint = PRIVATE[name];
  let key: ApiKey;
  try {
    key = authenticate(context.store, {
      key: header(request, 'api-key'),
      signature: header(request, 'api-sign'),
      path,
      nonce: params.values.nonce,
      body,
    });
    if (!endpoint) throw new KrakenError('EGeneral:Unknown method');
    context.limits.chargeRest(key.key, context.store.account(key.accountId).tier, name, receivedAtMs);
    requirePermission(key, ...endpoint.needs);
  } catch (error) {
    if (DESK_CALLS.has(name))
      noteTurnedAway(header(request, 'api-key'), params, receivedAtMs, error, context);
    throw error;
  }
  const { accountId } = key;
  const work = () => {
    const lag = name in HISTORY ? context.faults.strike(name, 'listing-lag') : null;
    const times = { receivedAtMs, nowMs: Date.now(), lagMs: lag?.delayMs ?? 0 };
    return endpoint.handle({ name, params, key, accountId, ...times, context });
  };
  return DESK_CALLS.has(name) ? work() : withFaults(name, context, work);
}

/** Orders that did not get past the door have arrived all the same, and are on record. */
function noteTurnedAway(
  keyName: string | undefined,
  params: Params,
  receivedAtMs: number,
  error: unknown,
  { store, desk }: PaperContext,
): void {
  const key = store.keys.get(keyName ?? '');
  if (!key || !(error instanceof KrakenError)) return;
  for (const raw of ordersOf(params))
    desk.refuse(desk.arrive(key.accountId, raw, 'rest', receivedAtMs), error.message);
  store.commit();
}

/** Carries a call out after an armed delay; an armed error takes its place, or its answer's. */
async function withFaults(name: string, { faults }: PaperContext, work: () => unknown): Promise<unknown> {
  const delay = faults.strike(name, 'delay');
  if (delay) await sleep(delay.delayMs);
  const failure = faults.strike(name, 'error');
  if (failure && !failure.executed) throw new KrakenError(failure.error);
  const result = await work();
  if (failure) throw new KrakenError(failure.error);
  return result;
}

export function sendJson(response: ServerResponse, status: number, body: unknown): void {
  if (response.destroyed) return;
  const text = JSON.stringify(body);
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
  });
  response.end(text);
}

export async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    chunks.push(chunk as Buffer);
    size += (chunk as Buffer).length;
    if (size > MOST_BODY_BYTES)
      throw new RangeError(`a request body may hold ${MOST_BODY_BYTES} bytes at most`);
  }
  return Buffer.concat(chunks);
}

function header(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value[0] : value;
}
