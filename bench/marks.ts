import { pino } from 'pino';
import { evaluateExit, type ExitPosition, type Policy } from '../src/domain/exit-policy.ts';
import { STARTING_THRESHOLDS } from '../src/domain/thresholds.ts';
import type { Quote } from '../src/exchange/port.ts';
import type { ArmedTrade } from '../src/market/guarded-position.ts';
import { MarketHub } from '../src/market/hub.ts';

const POLICY: Policy = {
  version: 1,
  thresholds: { ...STARTING_THRESHOLDS, minLossBeforeExit: -0.05, profitTakingThreshold: 0.3 },
  timeScale: 1,
};
const OPENED_MS = 1_700_000_000_000;
const NOW_MS = OPENED_MS + 3_600_000;
const SYMBOL = 'BTC/USD';
const ROUNDS = 5;

/**
 * What one mark costs the hub, by the number of positions of its symbol: where it stays within every band, and where
 * it is a new best that moves every band; and how often a second the policy can be asked.
 */
export async function* marksRows({ quick }: { readonly quick: boolean }): AsyncGenerator<object> {
  yield evaluations(quick ? 20_000 : 3_000_000);
  for (const positions of quick ? [10, 100] : [1, 100, 1_000, 10_000]) {
    const market = await guardedMarket(positions);
    const untouched = quick ? 1_000 : 500_000;
    const inside = fastest(() => market.marks(untouched, (index) => 60_000 + (index % 200) / 10)) / untouched;
    if (market.evaluations() !== 0) throw new Error('a mark inside the bands asked about positions');
    const touched = quick ? 10 : Math.max(20, Math.min(2_000, 200_000 / positions));
    let best = 60_400;
    const trailing = fastest(() => market.marks(touched, () => (best += 0.1))) / touched;
    if (market.evaluations() < touched * positions) throw new Error('a new best did not move every band');
    yield {
      bench: 'marks',
      row: 'mark',
      positions,
      insideUs: round(inside * 1_000),
      newBestUs: round(trailing * 1_000),
      newBestPerPositionUs: round((trailing * 1_000) / positions),
    };
    market.close();
  }
}

/** The pure decision, for a position that no rule ends: every rule is gone through. */
function evaluations(count: number): object {
  const position = longFrom('60000');
  const marks = Array.from({ length: 1_000 }, (_, index) => (60_310 + index / 10).toFixed(1));
  let held = 0;
  const elapsedMs = fastest(() => {
    for (let index = 0; index < count; index += 1) {
      if (evaluateExit(position, marks[index % 1_000] ?? '', null, POLICY, NOW_MS).action === 'hold')
        held += 1;
    }
  });
  if (held !== count * ROUNDS) throw new Error('a position that should be held was not');
  return { bench: 'marks', row: 'policy', evaluationsPerSecond: Math.round((count / elapsedMs) * 1_000) };
}

async function guardedMarket(positions: number) {
  let quote: (quote: Quote) => void = () => undefined;
  const hub = new MarketHub({
    feed: {
      subscribe: () => undefined,
      unsubscribe: () => undefined,
      onQuote: (listener) => (quote = listener),
      status: () => ({ connected: true, lastMessageMs: null, lastHeardMs: null, reconnects: 0 }),
      close: () => Promise.resolve(),
    },
    predict: () => Promise.resolve(null),
    predictionIntervalMs: 3_600_000,
    decided: ({ positionId }) => {
      throw new Error(`${positionId} was decided`);
    },
    now: () => NOW_MS,
    log: pino({ level: 'silent' }),
  });
  const mark = (price: number) => {
    const bid = price.toFixed(1);
    quote({ symbol: SYMBOL, bid, ask: bid, last: bid, receivedAtMs: NOW_MS, via: 'stream' });
  };
  for (let index = 0; index < positions; index += 1) await hub.arm(armedTrade(index));
  mark(60_000);
  const before = hub.evaluations;
  return {
    marks(count: number, priceAt: (index: number) => number) {
      for (let index = 0; index < count; index += 1) mark(priceAt(index));
    },
    evaluations: () => hub.evaluations - before,
    close: () => hub.close(),
  };
}

function armedTrade(index: number): ArmedTrade {
  return {
    tradeId: `trade-${index}`,
    positionId: `position-${index}`,
    symbol: SYMBOL,
    quantity: '0.01',
    entryFee: '1.5',
    policy: POLICY,
    position: longFrom((60_000 - (index % 100) / 10).toFixed(1)),
    exit: null,
  };
}

function longFrom(entryPrice: string): ExitPosition {
  return {
    side: 'long',
    entryPrice,
    openedAtMs: OPENED_MS,
    bestPrice: entryPrice,
    volatilityScale: 1,
    roundTripFee: 0.0052,
    tickSize: '0.1',
  };
}

/** Ms of the quickest round. */
function fastest(work: () => void): number {
  let bestMs = Infinity;
  for (let round = 0; round < ROUNDS; round += 1) {
    const startedMs = performance.now();
    work();
    bestMs = Math.min(bestMs, performance.now() - startedMs);
  }
  return bestMs;
}

function round(value: number): number {
  return Number(value.toPrecision(3));
}
