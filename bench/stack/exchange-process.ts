import { fork, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { ExchangeOrder, Published } from './exchange.ts';

const SCRIPT = fileURLToPath(new URL('./exchange.ts', import.meta.url));

export interface ApiKeyPair {
  readonly key: string;
  readonly secret: string;
}

/** The paper exchange in a process of its own, with a market that the benchmark moves from within. */
export class ExchangeProcess {
  readonly #child: ChildProcess;
  readonly url: string;
  readonly wsUrl: string;

  private constructor(child: ChildProcess, ready: { url: string; wsUrl: string }) {
    this.#child = child;
    this.url = ready.url;
    this.wsUrl = ready.wsUrl;
  }

  static async start(journalFile: string, keys: number): Promise<ExchangeProcess> {
    const child = fork(SCRIPT, [journalFile, String(keys)], {
      execArgv: ['--import', 'tsx'],
      stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    });
    const ready = await new Promise<{ url: string; wsUrl: string }>((resolve, reject) => {
      child.once('exit', (code) => reject(new Error(`the exchange ended with ${code ?? 'a signal'}`)));
      if (child.stdout) {
        createInterface({ input: child.stdout }).once('line', (line) =>
          resolve(JSON.parse(line) as { url: string; wsUrl: string }),
        );
      }
    });
    return new ExchangeProcess(child, ready);
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  async keys(): Promise<readonly ApiKeyPair[]> {
    const response = await fetch(`${this.url}/control/account`);
    return ((await response.json()) as { keys: readonly ApiKeyPair[] }).keys;
  }

  /** All symbols move around their start prices from now on. */
  moveMarket(symbols: readonly string[], marksPerSecond: number): void {
    this.#order({ kind: 'market', symbols, marksPerSecond });
  }

  /** Quotes a price, until the next steady mark or for good; resolves to when, by the exchange's clock. */
  async publish(symbol: string, bid: string, ask: string, stays: boolean): Promise<number> {
    const published = new Promise<Published>((resolve) => this.#child.once('message', resolve));
    this.#order({ kind: 'publish', symbol, bid, ask, stays });
    return (await published).publishedAtMs;
  }

  async stop(): Promise<void> {
    const ended = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.kill('SIGTERM');
    await ended;
  }

  #order(order: ExchangeOrder): void {
    this.#child.send(order);
  }
}
