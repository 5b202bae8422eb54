import { fileURLToPath } from 'node:url';
import {
  evaluateExit,
  type Evaluation,
  type ExitPosition,
  type Policy,
} from '../../src/domain/exit-policy.ts';
import type { MarketFeed, Quote } from '../../src/exchange/port.ts';

export const POLLING_WORKFLOWS = fileURLToPath(new URL('./polling-workflow.ts', import.meta.url));

export type PollingActivities = ReturnType<typeof pollingActivities>;

/** A poll asks the newest mark of the stream, which is quicker than a request to the exchange for each would be. */
export function pollingActivities({ feed }: { readonly feed: MarketFeed }) {
  const quotes = new Map<string, Quote>();
  feed.onQuote((quote) => quotes.set(quote.symbol, quote));
  const subscribed = new Set<string>();
  return {
    async evaluateNow(question: {
      symbol: string;
      position: ExitPosition;
      policy: Policy;
    }): Promise<{ action: Evaluation['action'] }> {
      const { symbol, position, policy } = question;
      if (!subscribed.has(symbol)) feed.subscribe([symbol]);
      subscribed.add(symbol);
      const quote = quotes.get(symbol);
      if (!quote) return { action: 'hold' };
      const mark = position.side === 'long' ? quote.bid : quote.ask;
      return { action: evaluateExit(position, mark, null, policy, Date.now()).action };
    },
  };
}
