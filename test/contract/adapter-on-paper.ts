import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, vi } from 'vitest';
import { clientOrderId } from '../../src/exchange/client-order-id.ts';
import { createKrakenExchange, type KrakenExchange } from '../../src/exchange/kraken/kraken-exchange.ts';
import { startPaperExchange, type PaperExchange } from '../../src/exchange/paper/server.ts';
import type { OrderRequest } from '../../src/exchange/port.ts';
import { recordedLog } from '../exchange/scripted-kraken.ts';

/** Every AddOrder that arrived, as the paper exchange wrote it down. */
export interface Arrival {
  readonly clOrdId: string | null;
  readonly accepted: boolean;
  readonly txid: string | null;
  readonly error: string | null;
}

/** The adapter and a paper exchange with a journal, over real HTTP and WebSocket. */
export class AdapterOnPaper {
  #directory = '';
  #paper: PaperExchange | null = null;
  #exchange: KrakenExchange | null = null;
  #requests = 0;

  async start(): Promise<void> {
    this.#directory = await mkdtemp(join(tmpdir(), 'kraken-adapter-'));
    this.#paper = await this.#startPaper(0);
    this.#exchange = createKrakenExchange({
      restUrl: this.paper.url,
      key: this.paper.key,
      secret: this.paper.secret,
      tier: 'unlimited',
      timeoutMs: 1_000,
      log: recordedLog(),
    });
    await this.price('30000.0', '30000.1');
  }

  async stop(): Promise<void> {
    this.#exchange?.close();
    await this.#paper?.close();
    await rm(this.#directory, { recursive: true, force: true });
  }

  get paper(): PaperExchange {
    if (!this.#paper) throw new Error('the paper exchange was not started');
    return this.#paper;
  }

  get exchange(): KrakenExchange {
    if (!this.#exchange) throw new Error('the adapter was not started');
    return this.#exchange;
  }

  /** Stops the exchange, runs `meanwhile`, and starts it again on the same port with its journal. */
  async restartPaper(meanwhile: () => Promise<unknown>): Promise<void> {
    const port = Number(new URL(this.paper.url).port);
    await this.paper.close();
    await meanwhile();
    this.#paper = await this.#startPaper(port);
  }

  async control(method: string, path: string, body?: object): Promise<unknown> {
    const response = await fetch(`${this.paper.url}/control/${path}`, {
      method,
      ...(body && { body: JSON.stringify(body) }),
    });
    expect(response.status, `${method} ${path}`).toBe(200);
    return response.json();
  }

  price(bid: string, ask: string): Promise<unknown> {
    return this.control('POST', 'price', { pair: 'BTC/USD', bid, ask });
  }

  /** Arms a fault, once and for AddOrder unless told otherwise. */
  fault(kind: string, changes: object = {}): Promise<unknown> {
    return this.control('POST', 'faults', { call: 'AddOrder', kind, times: 1, ...changes });
  }

  async arrivals(id: string): Promise<Arrival[]> {
    const all = (await this.control('GET', 'orders')) as Arrival[];
    return all.filter((arrival) => arrival.clOrdId === id);
  }

  /** A small market buy with an id of its own. */
  request(changes: Partial<OrderRequest> = {}): OrderRequest {
    this.#requests += 1;
    return {
      clientOrderId: clientOrderId(`trade-${this.#requests}`, 'entry'),
      symbol: 'BTC/USD',
      side: 'buy',
      type: 'market',
      quantity: '0.01',
      deadlineMs: Date.now() + 10_000,
      ...changes,
    };
  }

  #startPaper(port: number): Promise<PaperExchange> {
    return startPaperExchange({
      port,
      journalFile: join(this.#directory, 'journal'),
      market: { source: 'manual' },
      tier: 'unlimited',
    });
  }
}

/** Asks until it holds; lists lag and connections come back when they can. */
export async function eventually<T>(ask: () => Promise<T>): Promise<T> {
  return vi.waitFor(ask, { timeout: 20_000, interval: 100 });
}

export function aMinuteAgo(): number {
  return Date.now() - 60_000;
}
