import { modernAsset } from '../../src/domain/symbols.ts';

/** The control side of a paper exchange, as tests use it. */

export interface ArrivedOrder {
  readonly clOrdId: string | null;
  readonly receivedAtMs: number;
  readonly accepted: boolean;
  readonly txid: string | null;
  readonly error: string | null;
  /** Null while the exchange is still at it. */
  readonly processedAtMs: number | null;
  readonly deadline: string | null;
  /** In any spelling. */
  readonly pair: string | null;
  readonly side: 'buy' | 'sell' | null;
  readonly type?: string | null;
  readonly reduceOnly?: boolean;
  /** Base currency. */
  readonly volume?: string | null;
  readonly price?: string | null;
  /** Of the order; null when none came of it. */
  readonly status?: string | null;
  /** Base currency. */
  readonly filled: string;
  /** Quote currency. */
  readonly cost: string;
  readonly fee: string;
  readonly fills: readonly { readonly timeMs: number }[];
}

export interface PaperAccount {
  /** By the asset's usual name. */
  readonly balances: Readonly<Record<string, string>>;
  readonly openOrders: readonly {
    readonly txid: string;
    /** Base currency. */
    readonly vol?: string;
  }[];
  /** On margin. */
  readonly positions: readonly { readonly id: string }[];
}

export class PaperControl {
  readonly #url: string;

  constructor(exchangeUrl: string) {
    this.#url = exchangeUrl;
  }

  /** Every AddOrder that ever arrived, oldest first. */
  async orders(): Promise<ArrivedOrder[]> {
    return (await this.#call('GET', 'orders')) as ArrivedOrder[];
  }

  async accepted(): Promise<ArrivedOrder[]> {
    return (await this.orders()).filter((order) => order.accepted);
  }

  async account(): Promise<PaperAccount> {
    const { balances, openOrders, positions } = (await this.#call('GET', 'account')) as PaperAccount;
    const named = Object.entries(balances).map(([asset, total]) => [modernAsset(asset), total]);
    return { balances: Object.fromEntries(named) as PaperAccount['balances'], openOrders, positions };
  }

  /** Faults that have not struck yet, with the id of the pair that they wait for. */
  async armed(): Promise<readonly { readonly kind: string; readonly pair: string | null }[]> {
    return ((await this.#call('GET', 'faults')) as { armed: { kind: string; pair: string | null }[] }).armed;
  }

  /** The last trade is halfway between, unless it is told. */
  async price(pair: string, bid: string, ask: string, last?: string): Promise<void> {
    await this.#call('POST', 'price', { pair, bid, ask, ...(last === undefined ? {} : { last }) });
  }

  async arm(fault: Readonly<Record<string, unknown>>): Promise<void> {
    await this.#call('POST', 'faults', fault);
  }

  async disarm(): Promise<void> {
    await this.#call('DELETE', 'faults');
  }

  async #call(method: string, path: string, body?: unknown): Promise<unknown> {
    const response = await fetch(`${this.#url}/control/${path}`, {
      method,
      ...(body === undefined
        ? {}
        : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    });
    const answer: unknown = await response.json();
    if (!response.ok) throw new Error(`${method} /control/${path}: ${JSON.stringify(answer)}`);
    return answer;
  }
}
