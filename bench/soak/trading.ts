import { randomUUID } from 'node:crypto';
import type { HoldfastClient } from '../../src/client.ts';
import { createRandom } from '../../src/domain/random.ts';

const SYMBOLS: readonly (readonly [symbol: string, price: number, decimals: number])[] = [
  ['BTC/USD', 60_000, 1],
  ['ETH/USD', 3_000, 2],
  ['SOL/USD', 150, 2],
];
/** Of the walk's logarithm at each step; wide enough that rules end most trades. */
const STEP = 0.0008;
const SPREAD = 0.0002;

export interface Tally {
  asked: number;
  refused: number;
  ended: number;
  failed: number;
}

/** Prices that walk at random without drifting away, from a seed. */
export function createMarket(seed: number, exchangeUrl: string): () => Promise<void> {
  const random = createRandom(seed);
  const levels = new Map(SYMBOLS.map(([symbol]) => [symbol, 0]));
  return async () => {
    for (const [symbol, base, decimals] of SYMBOLS) {
      const level = (levels.get(symbol) ?? 0) * 0.999 + random.normal() * STEP;
      levels.set(symbol, level);
      const mark = base * Math.exp(level);
      const price = (factor: number) => (mark * (1 + factor * SPREAD)).toFixed(decimals);
      await fetch(`${exchangeUrl}/control/price`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ pair: symbol, bid: price(-0.5), ask: price(0.5) }),
      });
    }
  };
}

/** Starts one trade a call; a trade that no rule has ended after a while is asked to exit. */
export function createTrader(seed: number, client: HoldfastClient, longestHoldMs: number, tally: Tally) {
  const random = createRandom(`trader-${seed}`);
  const running = new Set<Promise<void>>();

  async function follow(tradeId: string): Promise<void> {
    const timer = setTimeout(
      () => void client.requestExit(tradeId, 'soak: held long enough').catch(() => undefined),
      longestHoldMs * (0.5 + random.uniform() / 2),
    );
    try {
      const { stage } = await client.result(tradeId);
      tally[stage === 'closed' ? 'ended' : 'refused'] += 1;
    } catch {
      tally.failed += 1;
    } finally {
      clearTimeout(timer);
    }
  }

  return {
    async open(): Promise<void> {
      const [symbol] = SYMBOLS[random.integer(SYMBOLS.length)] ?? ['BTC/USD'];
      const tradeId = randomUUID();
      tally.asked += 1;
      await client.openTrade({
        tradeId,
        symbol,
        side: random.uniform() < 0.8 ? 'long' : 'short',
        notional: String(50 + random.integer(100)),
        order: { type: 'market' },
        strategy: 'soak',
        signal: { source: 'soak', confidence: 0.8, asOfMs: Date.now(), ttlMs: 30_000 },
      });
      const followed = follow(tradeId).finally(() => running.delete(followed));
      running.add(followed);
    },
    /** Resolves when every trade that was begun has ended. */
    settled: () => Promise.all(running),
  };
}
