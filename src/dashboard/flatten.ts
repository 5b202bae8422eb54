import type { HoldfastClient } from '../client.ts';

const AT_ONCE = 20;

export interface Flattened {
  /** Trades that took the request to exit. */
  readonly accepted: number;
  /** Trades that were too early or too late to exit, or did not answer. */
  readonly refused: number;
}

/** Asks every running trade to exit, a few at a time. One that can't be asked does not keep the others waiting. */
export async function flattenAll(
  client: Pick<HoldfastClient, 'runningTradeIds' | 'requestExit'>,
  reason: string,
): Promise<Flattened> {
  const waiting = await client.runningTradeIds();
  let accepted = 0;
  let refused = 0;
  const worker = async () => {
    for (let tradeId = waiting.pop(); tradeId !== undefined; tradeId = waiting.pop()) {
      const answer = await client.requestExit(tradeId, reason).catch(() => null);
      if (answer?.accepted) accepted += 1;
      else refused += 1;
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return { accepted, refused };
}
