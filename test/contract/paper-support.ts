import { setTimeout as sleep } from 'node:timers/promises';
import { sign } from '../../src/exchange/paper/auth.ts';
import {
  startPaperExchange,
  type PaperExchange,
  type PaperExchangeOptions,
} from '../../src/exchange/paper/server.ts';

export interface OrderReply {
  readonly status: string;
  readonly reason?: string | null;
  readonly cl_ord_id?: string;
  readonly userref: number;
  readonly descr: { readonly order: string; readonly close: string; readonly price: string };
  readonly vol: string;
  readonly vol_exec: string;
  readonly cost: string;
  readonly fee: string;
  readonly price: string;
  readonly stopprice: string;
  readonly misc: string;
  readonly trades?: readonly string[];
}

export interface TradeReply {
  readonly ordertxid: string;
  readonly type: string;
  readonly price: string;
  readonly vol: string;
  readonly cost: string;
  readonly fee: string;
  readonly misc: string;
  readonly maker: boolean;
}

type Rows<Row> = Readonly<Record<string, Row>>;

/** What the private calls answer, as far as tests read it. */
export interface Results {
  AddOrder: {
    readonly descr: { readonly order: string; readonly close?: string };
    readonly txid: readonly [string];
  };
  AddOrderBatch: { readonly orders: readonly { readonly txid?: string; readonly error?: string }[] };
  AmendOrder: { readonly amend_id: string };
  EditOrder: { readonly txid: string; readonly originaltxid: string };
  CancelOrder: { readonly count: number };
  CancelOrderBatch: { readonly count: number };
  CancelAll: { readonly count: number };
  CancelAllOrdersAfter: { readonly currentTime: string; readonly triggerTime: string };
  Balance: Rows<string>;
  BalanceEx: Rows<{ readonly balance: string; readonly hold_trade: string }>;
  TradeBalance: Rows<string>;
  TradeVolume: { readonly volume: string; readonly fees: Rows<{ readonly fee: string }> };
  OpenOrders: { readonly open: Rows<OrderReply> };
  ClosedOrders: { readonly closed: Rows<OrderReply>; readonly count?: number };
  QueryOrders: Rows<OrderReply>;
  TradesHistory: { readonly trades: Rows<TradeReply>; readonly count?: number };
  QueryTrades: Rows<TradeReply>;
  OpenPositions: Rows<{ readonly type: string; readonly vol: string; readonly vol_closed: string }>;
  Ledgers: {
    readonly ledger: Rows<{
      readonly refid: string;
      readonly type: string;
      readonly asset: string;
      readonly amount: string;
      readonly fee: string;
    }>;
  };
  GetWebSocketsToken: { readonly token: string; readonly expires: number };
  GetApiKeyInfo: {
    readonly nonce: string;
    readonly nonce_window: string;
    readonly permissions: readonly string[];
  };
}

export type Call = keyof Results;

export interface Reply<Result = unknown> {
  readonly error: readonly string[];
  readonly result?: Result;
}

/** A row of `GET /control/orders`. */
export interface Arrived {
  readonly clOrdId: string | null;
  readonly receivedAtMs: number;
  readonly processedAtMs: number | null;
  readonly accepted: boolean;
  readonly txid: string | null;
  readonly error: string | null;
  readonly status: string | null;
  readonly filled: string;
  readonly fills: readonly {
    readonly price: string;
    readonly volume: string;
    readonly cost: string;
    readonly fee: string;
  }[];
}

let nonce = BigInt(Date.now()) * 1_000_000n;

/** Rises across all clients of this process. */
export function nextNonce(): string {
  nonce += 1n;
  return String(nonce);
}

/** A bare client: signs as documented, keeps nothing, repeats nothing. */
export class PaperClient {
  readonly url: string;
  readonly #key: string;
  readonly #secret: string;

  constructor(exchange: Pick<PaperExchange, 'url' | 'key' | 'secret'>) {
    this.url = exchange.url;
    this.#key = exchange.key;
    this.#secret = exchange.secret;
  }

  async public(path: string): Promise<Reply> {
    return (await (await fetch(`${this.url}/0/public/${path}`)).json()) as Reply;
  }

  /** The raw answer to a signed call. */
  send(name: string, params: Record<string, string> = {}, signal?: AbortSignal): Promise<Response> {
    const own = params.nonce ?? nextNonce();
    const body = new URLSearchParams({ ...params, nonce: own }).toString();
    return this.sendBody(name, body, own, 'application/x-www-form-urlencoded', signal);
  }

  sendBody(
    name: string,
    body: string,
    own: string,
    contentType: string,
    signal?: AbortSignal,
  ): Promise<Response> {
    const path = `/0/private/${name}`;
    return fetch(this.url + path, {
      method: 'POST',
      body,
      headers: {
        'API-Key': this.#key,
        'API-Sign': sign(this.#secret, path, own, Buffer.from(body)),
        'content-type': contentType,
      },
      ...(signal ? { signal } : {}),
    });
  }

  async private<Name extends Call>(
    name: Name,
    params: Record<string, string> = {},
  ): Promise<Reply<Results[Name]>> {
    return (await (await this.send(name, params)).json()) as Reply<Results[Name]>;
  }

  /** First error of a call that must fail. */
  async refusal(name: Call, params: Record<string, string> = {}): Promise<string | undefined> {
    return (await this.private(name, params)).error[0];
  }

  /** Result of a call that must succeed. */
  async ok<Name extends Call>(name: Name, params: Record<string, string> = {}): Promise<Results[Name]> {
    const { error, result } = await this.private(name, params);
    if (error.length > 0 || result === undefined) throw new Error(`${name}: ${error.join(', ')}`);
    return result;
  }

  /** Places an order that must be accepted, and returns its txid. */
  async order(params: Record<string, string>): Promise<string> {
    const { txid } = await this.ok('AddOrder', { pair: 'XBTUSD', ordertype: 'market', ...params });
    return txid[0];
  }

  async query(txid: string): Promise<OrderReply> {
    const found = (await this.ok('QueryOrders', { txid, trades: 'true' }))[txid];
    if (!found) throw new Error(`QueryOrders left ${txid} out`);
    return found;
  }

  async json(name: string, params: Record<string, unknown>): Promise<Reply> {
    const own = nextNonce();
    const response = await this.sendBody(
      name,
      JSON.stringify({ ...params, nonce: own }),
      own,
      'application/json',
    );
    return (await response.json()) as Reply;
  }

  async control(method: string, path: string, body?: unknown): Promise<unknown> {
    const response = await fetch(`${this.url}/control/${path}`, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return response.json();
  }

  price(pair: string, bid: string, ask: string, last?: string): Promise<unknown> {
    return this.control('POST', 'price', { pair, bid, ask, ...(last === undefined ? {} : { last }) });
  }

  fault(kind: string, more: Record<string, unknown> = {}): Promise<unknown> {
    return this.control('POST', 'faults', { kind, call: 'AddOrder', ...more });
  }

  async orders(): Promise<readonly Arrived[]> {
    return (await this.control('GET', 'orders')) as readonly Arrived[];
  }
}

export interface Paper {
  readonly exchange: PaperExchange;
  readonly client: PaperClient;
}

/** An exchange in memory, quoted by hand, without rate limits unless a tier is given. */
export async function startPaper(options: Partial<PaperExchangeOptions> = {}): Promise<Paper> {
  const exchange = await startPaperExchange({
    port: 0,
    journalFile: null,
    market: { source: 'manual' },
    tier: 'unlimited',
    ...options,
  });
  return { exchange, client: new PaperClient(exchange) };
}

/** Polls until `read` gives something other than undefined, false or null. */
export async function eventually<Value>(
  what: string,
  read: () => Value | null | undefined | false | Promise<Value | null | undefined | false>,
  boundMs = 10_000,
): Promise<Value> {
  const untilMs = Date.now() + boundMs;
  for (;;) {
    const value = await read();
    if (value !== undefined && value !== null && value !== false) return value;
    if (Date.now() > untilMs) throw new Error(`not within ${boundMs} ms: ${what}`);
    await sleep(20);
  }
}
