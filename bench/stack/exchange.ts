import { exitWithParent, onStopSignal } from '../../src/embedded/parent-link.ts';
import { startPaperExchange } from '../../src/exchange/paper/server.ts';
import { pairById } from '../../src/exchange/paper/pairs.ts';
import type { TopOfBook } from '../../src/exchange/paper/book.ts';

/** What the benchmark asks of the exchange's process, over its IPC channel. */
export type ExchangeOrder =
  /** Moves every symbol at a steady rate from now on; one without a base stays where it is. */
  | { readonly kind: 'market'; readonly symbols: readonly string[]; readonly marksPerSecond: number }
  /** Quotes a price, at the beginning of a millisecond; answered by {@link Published}. */
  | {
      readonly kind: 'publish';
      readonly symbol: string;
      readonly bid: string;
      readonly ask: string;
      /** The steady marks of the symbol end; otherwise the next one takes the price back. */
      readonly stays: boolean;
    };

export interface Published {
  readonly kind: 'published';
  /** By the exchange's clock, from which its journal takes `receivedAtMs` too. */
  readonly publishedAtMs: number;
}

/** Farthest that the steady marks go from the start price, as a fraction of it. */
const SWAY = 0.002;

exitWithParent();
const [, , journalFile = '', keys = '1'] = process.argv;
const exchange = await startPaperExchange({
  port: 0,
  journalFile,
  market: { source: 'manual' },
  tier: 'unlimited',
  balances: { ZUSD: '1000000000' },
  keys: Array.from({ length: Number(keys) }, () => ({})),
});
let marking: NodeJS.Timeout | undefined;
const still = new Set<string>();
process.on('message', carryOut);
// Marks have to go on although nothing else happens.
process.channel?.ref();
onStopSignal(() => {
  clearInterval(marking);
  void exchange.close().then(() => process.exit(0));
});
console.log(JSON.stringify({ event: 'ready', url: exchange.url, wsUrl: exchange.wsUrl }));

function carryOut(order: ExchangeOrder): void {
  if (order.kind === 'market') {
    clearInterval(marking);
    marking = startMarks(order.symbols, order.marksPerSecond);
    return;
  }
  const { symbol, bid, ask, stays } = order;
  if (stays) still.add(symbol);
  const before = Date.now();
  let publishedAtMs = Date.now();
  while (publishedAtMs === before) publishedAtMs = Date.now();
  exchange.quote(symbol, { bid, ask });
  process.send?.({ kind: 'published', publishedAtMs } satisfies Published);
}

/** Evenly spread over time, as unrelated markets are. */
function startMarks(symbols: readonly string[], marksPerSecond: number): NodeJS.Timeout | undefined {
  if (symbols.length === 0 || marksPerSecond === 0) return undefined;
  const startedMs = performance.now();
  let published = 0;
  return setInterval(() => {
    const due = ((performance.now() - startedMs) / 1_000) * marksPerSecond * symbols.length;
    // After a stall the newest marks are enough.
    published = Math.max(published, Math.floor(due) - symbols.length);
    for (; published < due; published += 1) {
      const symbol = symbols[published % symbols.length] ?? '';
      if (!still.has(symbol)) exchange.quote(symbol, swayed(symbol, Math.floor(published / symbols.length)));
    }
  }, 5);
}

function swayed(symbol: string, round: number): TopOfBook {
  const { startPrice, tickSize, priceDecimals } = pairById(symbol);
  const bid = Number(startPrice) * (1 + SWAY * Math.sin(round * 0.7 + symbol.length));
  return { bid: bid.toFixed(priceDecimals), ask: (bid + Number(tickSize)).toFixed(priceDecimals) };
}
