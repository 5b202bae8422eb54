import { createHmac, createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { AdapterLog } from '../../src/exchange/kraken/log.ts';

/** Kraken's own documentation sample, so no secret at all. */
export const SAMPLE_SECRET =
  'kQH5HW/8p1uGOVjbgWA7FunAmGO8lsSUXNsu3eow76sz84Q18fWxnyRzBHCd3pd5nE9qa99HAZtuZuj6F1huXg==';
export const SAMPLE_KEY = 'sample-key';

export interface ReceivedCall {
  readonly httpMethod: string;
  /** `AddOrder`, `Time`, … */
  readonly method: string;
  readonly params: Readonly<Record<string, string>>;
  /** Of a batch. */
  readonly orders: readonly Readonly<Record<string, unknown>>[];
  readonly headers: IncomingMessage['headers'];
  readonly signatureHolds: boolean;
  readonly receivedAtMs: number;
}

/** An answer's result, Kraken error strings, or a hand on the raw response. */
export type Answer =
  | { readonly result: unknown }
  | { readonly error: readonly string[]; readonly result?: unknown }
  | ((response: ServerResponse) => void);

export type Script = (call: ReceivedCall) => Answer | Promise<Answer>;

export interface ScriptedKraken {
  readonly url: string;
  readonly calls: ReceivedCall[];
  /** Replaces the answers of one method. */
  on(method: string, script: Script): void;
  sent(method: string): ReceivedCall[];
  close(): Promise<void>;
}

export const PAIRS = {
  XXBTZUSD: pair('XBTUSD', 'XBT/USD', 'XXBT', 'ZUSD', 1),
  XETHZUSD: pair('ETHUSD', 'ETH/USD', 'XETH', 'ZUSD', 2),
  SOLUSD: pair('SOLUSD', 'SOL/USD', 'SOL', 'ZUSD', 2),
};

function pair(altname: string, wsname: string, base: string, quote: string, decimals: number) {
  return {
    altname,
    wsname,
    base,
    quote,
    pair_decimals: decimals,
    lot_decimals: 8,
    tick_size: decimals === 1 ? '0.1' : '0.01',
    ordermin: '0.00005',
    costmin: '0.5',
    fees: [
      [0, 0.4],
      [10000, 0.35],
    ],
    leverage_sell: [2, 3],
    status: 'online',
  };
}

/** A loopback server that answers as told and writes down what it was asked. */
export async function startScriptedKraken(): Promise<ScriptedKraken> {
  const calls: ReceivedCall[] = [];
  const scripts = new Map<string, Script>([
    ['Time', () => ({ result: { unixtime: Date.now() / 1000, rfc1123: '' } })],
    ['AssetPairs', () => ({ result: PAIRS })],
  ]);

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks).toString();
    const url = new URL(request.url ?? '/', 'http://localhost');
    const method = url.pathname.split('/').at(-1) ?? '';
    const { orders, ...params } = readBody(body || url.search);
    const call = {
      httpMethod: request.method ?? '',
      method,
      params,
      orders: orders ?? [],
      headers: request.headers,
      signatureHolds: request.headers['api-sign'] === signature(url.pathname, params.nonce ?? '', body),
      receivedAtMs: Date.now(),
    };
    calls.push(call);
    const script = scripts.get(method);
    const answer = script ? await script(call) : { error: ['EGeneral:Unknown method'] };
    if (typeof answer === 'function') answer(response);
    else response.end(JSON.stringify({ error: [], ...answer }));
  }

  const server = createServer((request, response) => {
    handle(request, response).catch((error: unknown) => response.destroy(error as Error));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    calls,
    on: (method, script) => scripts.set(method, script),
    sent: (method) => calls.filter((call) => call.method === method),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function readBody(
  body: string,
): Omit<Record<string, string>, 'orders'> & { orders?: ReceivedCall['orders'] } {
  const params: unknown = body.startsWith('{')
    ? JSON.parse(body)
    : Object.fromEntries(new URLSearchParams(body));
  return params as ReturnType<typeof readBody>;
}

function signature(path: string, nonce: string, body: string): string {
  const inner = createHash('sha256')
    .update(nonce + body)
    .digest();
  return createHmac('sha512', Buffer.from(SAMPLE_SECRET, 'base64'))
    .update(path)
    .update(inner)
    .digest('base64');
}

export interface RecordedLog extends AdapterLog {
  readonly lines: string[];
}

/** Keeps every line as JSON, so that a test can look for what must not be there. */
export function recordedLog(): RecordedLog {
  const lines: string[] = [];
  const write = (level: string) => (fields: object, message: string) => {
    lines.push(JSON.stringify({ level, message, ...fields }));
  };
  return { lines, debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') };
}
