import { setTimeout as delay } from 'node:timers/promises';
import { holdBand } from '../src/domain/hold-band.ts';
import { compare, subtract } from '../src/domain/money.ts';
import { createRandom } from '../src/domain/random.ts';
import { clientOrderId } from '../src/exchange/client-order-id.ts';
import { tradeWorkflowId } from '../src/workflows/trade-id.ts';
import type { TradeInput } from '../src/workflows/messages.ts';
import type { BenchOptions } from './options.ts';
import { holdingRows } from './memory.ts';
import { FINE_PAIRS, startTop } from './stack/book.ts';
import type { Wanted } from './stack/positions.ts';
import { percentile } from './stack/percentile.ts';
import { BenchRun } from './stack/run.ts';
import { startServers } from './stack/servers.ts';
import type { Mechanism } from './stack/worker.ts';

interface Size {
  readonly positions: number;
  /** Breaches measured, one after the other. */
  readonly samples: Readonly<Record<Mechanism, number>>;
}

const FULL: readonly Size[] = [
  { positions: 1, samples: { guard: 200, signal: 100, poll: 25 } },
  { positions: 100, samples: { guard: 200, signal: 200, poll: 25 } },
  { positions: 1_000, samples: { guard: 200, signal: 200, poll: 25 } },
  { positions: 10_000, samples: { guard: 200, signal: 200, poll: 0 } },
];
const QUICK: readonly Size[] = [{ positions: 20, samples: { guard: 5, signal: 5, poll: 2 } }];

const BURST = 200;
const QUICK_BURST = 20;
/** Of the start price: where the first position of a pair exits, and how much lower each further one. */
const FIRST_EXIT = 0.9;
const EXIT_STEP = 0.0005;
const BREACHES_PER_PAIR = 25;
/** Of the ones that poll, which wait far longer than anything else takes, within this time. */
const POLLED_WITHIN_MS = 10_000;

/**
 * Mark published by the exchange → exit order received by it, both by the exchange's own clock and journal, over
 * the whole stack on loopback, while all 50 symbols move. Rounded up to whole milliseconds.
 */
export async function* exitRows({ quick, positions, mechanism: only }: BenchOptions): AsyncGenerator<object> {
  for (const size of quick ? QUICK : FULL) {
    if (positions !== null && size.positions !== positions) continue;
    for (const mechanism of ['guard', 'signal', 'poll'] as const) {
      if (only !== null && mechanism !== only) continue;
      if (size.samples[mechanism] > 0) yield* measured(mechanism, size, quick);
    }
  }
}

async function* measured(mechanism: Mechanism, size: Size, quick: boolean): AsyncGenerator<object> {
  const servers = await startServers();
  try {
    const bench = await BenchRun.begin(servers, mechanism);
    const run = new ExitRun(bench);
    const { positions } = size;
    const samples = size.samples[mechanism];
    if (positions > 1) {
      // Opening thousands takes long: once they are held, what that takes is measured too.
      if (mechanism === 'guard') yield* holdingRows(bench, positions, quick);
      else await bench.hold(positions);
    }
    const latencies =
      positions === 1
        ? await run.oneAfterTheOther(samples)
        : await run.besidesThoseHeld(samples, mechanism === 'poll');
    yield {
      bench: 'exit',
      mechanism,
      positions,
      samples: latencies.length,
      p50Ms: percentile(latencies, 0.5),
      p99Ms: percentile(latencies, 0.99),
      maxMs: Math.max(...latencies),
    };
    if (positions > 1 && mechanism !== 'poll')
      yield { ...(await run.burst(quick ? QUICK_BURST : BURST)), mechanism, positions };
    bench.close();
  } finally {
    await servers.stop();
  }
}

class ExitRun {
  readonly #run: BenchRun;
  readonly #random = createRandom(1);

  constructor(run: BenchRun) {
    this.#run = run;
  }

  /** With one open position at any time. */
  async oneAfterTheOther(samples: number): Promise<number[]> {
    const [pair] = FINE_PAIRS;
    if (!pair) throw new Error('no pair');
    this.#run.moveMarket();
    const latencies: number[] = [];
    const { bid, ask } = startTop(pair);
    for (let sample = 0; sample < samples; sample += 1) {
      // The price that ended the one before may have stayed.
      await this.#run.publish(pair.symbol, bid, ask);
      const [input] = await this.#run.open([{ tradeId: `one-${sample}`, pair, exitsAt: FIRST_EXIT }]);
      if (input) latencies.push(await this.#breach(input));
      await this.#run.settled(input ? [input] : []);
    }
    return latencies;
  }

  /** Of positions opened for it. */
  async besidesThoseHeld(samples: number, isPolling: boolean): Promise<number[]> {
    const breached = Array.from({ length: samples }, (_, index): Wanted => {
      const rank = Math.floor(index / FINE_PAIRS.length);
      if (rank >= BREACHES_PER_PAIR) throw new Error(`${samples} samples are too many`);
      const pair = FINE_PAIRS[index % FINE_PAIRS.length]!;
      return { tradeId: `breached-${index}`, pair, exitsAt: FIRST_EXIT - rank * EXIT_STEP };
    });
    const inputs = await this.#run.open(breached);
    this.#run.moveMarket();
    await delay(2_000);
    const latencies = isPolling ? await this.#breachSpread(inputs) : await this.#breachInTurn(inputs);
    await this.#run.settled(inputs);
    return latencies;
  }

  async #breachInTurn(inputs: readonly TradeInput[]): Promise<number[]> {
    const latencies: number[] = [];
    for (const input of inputs) {
      await delay(50 + this.#random.uniform() * 200);
      latencies.push(await this.#breach(input));
    }
    return latencies;
  }

  /** Without waiting for one another, each on a pair of its own, so that none is breached by another's price. */
  async #breachSpread(inputs: readonly TradeInput[]): Promise<number[]> {
    if (inputs.length > FINE_PAIRS.length) throw new Error(`${inputs.length} samples are too many at once`);
    const publishedAtMs: number[] = [];
    for (const input of inputs) {
      await delay((this.#random.uniform() * 2 * POLLED_WITHIN_MS) / inputs.length);
      publishedAtMs.push(await this.#publish(input));
    }
    const receivedAtMs = await this.#receivedAtMs(inputs);
    return receivedAtMs.map((receivedMs, index) => receivedMs - publishedAtMs[index]!);
  }

  /** Many positions of one symbol leave their bands at one mark. */
  async burst(count: number): Promise<object> {
    const pair = FINE_PAIRS[0]!;
    const inputs = await this.#run.open(
      Array.from({ length: count }, (_, index) => ({
        tradeId: `burst-${index}`,
        pair,
        exitsAt: FIRST_EXIT,
      })),
    );
    await delay(2_000);
    const publishedAtMs = await this.#publish(lowestBand(inputs));
    const latencies = (await this.#receivedAtMs(inputs)).map((receivedMs) => receivedMs - publishedAtMs);
    await this.#run.settled(inputs);
    return {
      bench: 'exit',
      row: 'burst',
      breaches: count,
      firstMs: Math.min(...latencies),
      p50Ms: percentile(latencies, 0.5),
      allMs: Math.max(...latencies),
    };
  }

  async #breach(input: TradeInput): Promise<number> {
    const publishedAtMs = await this.#publish(input);
    const [receivedMs = Number.NaN] = await this.#receivedAtMs([input]);
    return receivedMs - publishedAtMs;
  }

  /** The first price below the position's band, and above those of the ones that exit lower. */
  async #publish(input: TradeInput): Promise<number> {
    const { symbol, low, tickSize } = bandOf(input);
    return this.#run.publish(symbol, subtract(low, tickSize), low);
  }

  /** When the exchange received their exit orders, one by one; waits for the last. */
  async #receivedAtMs(inputs: readonly TradeInput[]): Promise<number[]> {
    const ids = inputs.map(({ request }) => clientOrderId(tradeWorkflowId(request.tradeId), 'exit-1'));
    const wanted = new Set(ids);
    for (;;) {
      // Asking for the journal keeps the exchange busy: what is measured has mostly arrived by then.
      await delay(150);
      const orders = (await this.#run.servers.paper.orders()).filter(
        ({ clOrdId, accepted }) => accepted && wanted.has(clOrdId ?? ''),
      );
      if (orders.length > wanted.size) throw new Error('a position was sold twice');
      if (orders.length < wanted.size) continue;
      // The journal cuts its times to whole milliseconds.
      const received = new Map(orders.map(({ clOrdId, receivedAtMs }) => [clOrdId, receivedAtMs + 1]));
      return ids.map((id) => received.get(id)!);
    }
  }
}

function bandOf({ resume }: TradeInput): { symbol: string; low: string; tickSize: string } {
  if (!resume?.plan || !resume.position) throw new Error('only open positions can be breached');
  const { plan, position, request } = resume;
  const { averagePrice, firstFillMs } = position.entry;
  const { tickSize } = plan;
  const band = holdBand(
    {
      side: 'long',
      entryPrice: averagePrice,
      openedAtMs: firstFillMs,
      bestPrice: averagePrice,
      volatilityScale: plan.volatilityScale,
      roundTripFee: plan.roundTripFee,
      tickSize,
    },
    plan.quotePrice,
    null,
    plan.policy,
    Date.now(),
  );
  if (!band) throw new Error(`${position.positionId} has no band`);
  return { symbol: request.symbol, low: band.low, tickSize };
}

/** Below its band all of them are: they were bought while the market moved. */
function lowestBand(inputs: readonly TradeInput[]): TradeInput {
  return inputs.reduce((lowest, input) =>
    compare(bandOf(input).low, bandOf(lowest).low) < 0 ? input : lowest,
  );
}
