import { setTimeout as delay } from 'node:timers/promises';
import type { TradeInput } from '../../src/workflows/messages.ts';
import { BENCH_PAIRS, BENCH_SYMBOLS, startTop } from './book.ts';
import { guardedPositions } from './metrics.ts';
import { PositionOpener, type Wanted } from './positions.ts';
import type { BenchServers } from './servers.ts';
import type { Mechanism } from './worker.ts';

const MARKS_PER_SECOND = 10;
/** Far below every price that is ever quoted. */
const NEVER = 0.5;

/** One worker on a stack, with positions that it guards and a market that moves. */
export class BenchRun {
  readonly servers: BenchServers;
  readonly workerPid: number;
  readonly #mechanism: Mechanism;
  readonly #opener: PositionOpener;
  readonly #metricsUrl: string;
  #opened = 0;

  private constructor(
    servers: BenchServers,
    mechanism: Mechanism,
    opener: PositionOpener,
    worker: { pid: number; metricsUrl: string },
  ) {
    this.servers = servers;
    this.workerPid = worker.pid;
    this.#mechanism = mechanism;
    this.#opener = opener;
    this.#metricsUrl = worker.metricsUrl;
  }

  static async begin(servers: BenchServers, mechanism: Mechanism): Promise<BenchRun> {
    const worker = await servers.startWorker(mechanism);
    for (const pair of BENCH_PAIRS) {
      const { bid, ask } = startTop(pair);
      await servers.exchange.publish(pair.symbol, bid, ask, false);
    }
    const opener = await PositionOpener.create(servers);
    const metricsUrl = String(worker.ready.metricsUrl);
    return new BenchRun(servers, mechanism, opener, { pid: worker.pid, metricsUrl });
  }

  close(): void {
    this.#opener.close();
  }

  /** Resolves when all are guarded. */
  async open(wanted: readonly Wanted[]): Promise<TradeInput[]> {
    const isPolling = this.#mechanism === 'poll';
    const inputs = await this.#opener.open(wanted, isPolling ? 'pollingTrade' : 'trade');
    this.#opened += inputs.length;
    while (!isPolling && (await guardedPositions(this.#metricsUrl)) < this.#opened) await delay(100);
    return inputs;
  }

  /** Positions that stay open, spread over all symbols. */
  async hold(count: number): Promise<void> {
    const wanted = Array.from({ length: count }, (_, index) => ({
      tradeId: `held-${index}`,
      pair: BENCH_PAIRS[index % BENCH_PAIRS.length]!,
      exitsAt: NEVER,
    }));
    await this.open(wanted);
  }

  /** Resolves to when, by the exchange's clock. A poll would never see a price that the next mark takes back. */
  publish(symbol: string, bid: string, ask: string): Promise<number> {
    return this.servers.exchange.publish(symbol, bid, ask, this.#mechanism === 'poll');
  }

  /** Resolves when the trades have ended. */
  async settled(inputs: readonly TradeInput[]): Promise<void> {
    for (const { request } of inputs) await this.servers.client.result(request.tradeId);
    this.#opened -= inputs.length;
  }

  /** {@link MARKS_PER_SECOND} marks a second on each of 50 symbols from now on. */
  moveMarket(): void {
    this.servers.exchange.moveMarket(BENCH_SYMBOLS, MARKS_PER_SECOND);
  }
}
