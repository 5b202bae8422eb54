import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import type { HoldfastClient } from '../../../src/client.ts';
import { createRandom } from '../../../src/domain/random.ts';
import { createKrakenExchange } from '../../../src/exchange/kraken/kraken-exchange.ts';
import { createStderrLogger } from '../../../src/logging.ts';

/** Beside the recorded BTC/USD: pairs that are moved by hand, so that there is more than one thing to see. */
const PAIRS: readonly (readonly [symbol: string, price: number, decimals: number])[] = [
  ['ETH/USD', 291, 2],
  ['SOL/USD', 24.6, 2],
  ['XRP/USD', 0.4021, 5],
  ['LTC/USD', 118.4, 2],
  ['ADA/USD', 0.08312, 6],
  ['LINK/USD', 3.4107, 5],
];
const STEP_EVERY_MS = 400;
const SPREAD = 0.0003;

/** A seeded walk of every pair; `stop()` leaves the prices where they are. */
export function moveMarkets(exchangeUrl: string, seed: number) {
  const random = createRandom(seed);
  const levels = new Map(PAIRS.map(([symbol]) => [symbol, 0]));
  const drifts = new Map(PAIRS.map(([symbol]) => [symbol, 0]));
  let step = 0.0009;
  let isStopped = false;
  const walk = async () => {
    while (!isStopped) {
      for (const [symbol, start, decimals] of PAIRS) {
        // A price that keeps its direction for a while, so that some trades win.
        const drift = (drifts.get(symbol) ?? 0) * 0.98 + random.normal() * step * 0.08;
        const level = (levels.get(symbol) ?? 0) * 0.999 + drift + random.normal() * step;
        drifts.set(symbol, drift);
        levels.set(symbol, level);
        const at = (factor: number) => (start * Math.exp(level) * (1 + factor * SPREAD)).toFixed(decimals);
        const body = JSON.stringify({ pair: symbol, bid: at(-0.5), ask: at(0.5) });
        const headers = { 'content-type': 'application/json' };
        await fetch(`${exchangeUrl}/control/price`, { method: 'POST', headers, body });
      }
      await sleep(STEP_EVERY_MS);
    }
  };
  const walking = walk();
  return {
    calm: () => (step = 0.00025),
    stop: async () => {
      isStopped = true;
      await walking;
    },
  };
}

/** Real trades, one after another, until so many versions of the thresholds have been learned. */
export async function tradeUntilLearned(
  client: HoldfastClient,
  database: pg.Client,
  versions: number,
  limitMs: number,
): Promise<void> {
  const untilMs = Date.now() + limitMs;
  const random = createRandom('pictures');
  while (Date.now() < untilMs) {
    const [symbol] = PAIRS[random.integer(PAIRS.length)] ?? ['ETH/USD'];
    await openTrade(client, symbol, random.uniform() < 0.75 ? 'long' : 'short', 150 + random.integer(250));
    const { rows } = await database.query<{ count: number }>(
      'SELECT count(*)::int AS count FROM "ThresholdVersion"',
    );
    if ((rows[0]?.count ?? 0) > versions) return;
    await sleep(2_000);
  }
}

/** What the pictures show as open. */
export async function openBook(client: HoldfastClient): Promise<void> {
  for (const [index, [symbol]] of PAIRS.entries()) {
    await openTrade(client, symbol, index === 1 ? 'short' : 'long', 180 + index * 90);
    await sleep(1_500);
  }
}

async function openTrade(
  client: HoldfastClient,
  symbol: string,
  side: 'long' | 'short',
  notional: number,
): Promise<void> {
  const signal = { source: 'operator', confidence: 0.8, asOfMs: Date.now(), ttlMs: 30_000 };
  const order = { type: 'market' } as const;
  const tradeId = randomUUID();
  await client.openTrade({
    ...{ tradeId, symbol, side, notional: String(notional), order, strategy: 'manual', signal },
  });
  await client.progress(tradeId, 'opened');
}

/** Somebody trades on the account beside Holdfast: a finding that only a person can settle. */
export async function placeForeignOrder(exchangeUrl: string): Promise<void> {
  const account = (await (await fetch(`${exchangeUrl}/control/account`)).json()) as {
    keys: { key: string; secret: string }[];
  };
  const [owner] = account.keys;
  if (!owner) throw new Error('the paper account has no key');
  const log = createStderrLogger('pictures', 'error');
  const exchange = createKrakenExchange({ restUrl: exchangeUrl, ...owner, live: false, log });
  try {
    const outcome = await exchange.submit(
      {
        ...{ clientOrderId: 'somebody-else', symbol: 'DOT/USD', side: 'buy', type: 'limit', quantity: '5' },
        ...{ limitPrice: '2.5', deadlineMs: Date.now() + 10_000 },
      },
      'entry',
    );
    if (outcome.kind !== 'accepted') throw new Error(`the foreign order was ${outcome.kind}`);
  } finally {
    exchange.close();
  }
}

/** A row is lost: reconciliation writes it again, a finding that settles itself. */
export async function loseRow(database: pg.Client): Promise<void> {
  await database.query(
    `DELETE FROM "LivePosition" WHERE "id" = (SELECT "id" FROM "LivePosition" WHERE "status" = 'open' LIMIT 1)`,
  );
}
