import { setTimeout as delay } from 'node:timers/promises';
import type { LedgerReader } from '../db/repositories/reader.ts';
import type { HoldfastClient } from './client.ts';
import { inParallel } from './in-parallel.ts';
import type { ExitAnswer } from './workflows/messages.ts';

const AT_ONCE = 20;
/** A trade that still reserves can't exit yet; its signal has expired and it has gone on or ended by then. */
const RESERVING_AT_MOST_MS = 35_000;
const ASK_AGAIN_MS = 250;

export interface Flattened {
  /** Trades that took the request to exit. */
  readonly acceptedTradeIds: readonly string[];
  /** Trades that hold a position, or may come to, and did not take it. */
  readonly refusedTradeIds: readonly string[];
}

export interface FlattenParts {
  readonly client: Pick<HoldfastClient, 'runningTradeIds' | 'requestExit'>;
  /** Trades with an open position by the database: Temporal's list may lag behind. */
  readonly openTradeIds: () => Promise<readonly string[]>;
}

/** By the rows. */
export async function openTradeIds(reader: Pick<LedgerReader, 'positions'>): Promise<string[]> {
  return (await reader.positions({ status: 'open' })).map(({ tradeId }) => tradeId);
}

type Outcome = 'accepted' | 'gone' | 'refused';

/** Asks every trade to exit, a few at a time. One that can't be asked does not keep the others waiting. */
export async function flattenAll({ client, openTradeIds }: FlattenParts, reason: string): Promise<Flattened> {
  const tradeIds = [...new Set([...(await client.runningTradeIds()), ...(await openTradeIds())])];
  const outcomes = await inParallel(tradeIds, AT_ONCE, (tradeId) => askToExit(client, tradeId, reason));
  const withOutcome = (outcome: Outcome) => tradeIds.filter((_, index) => outcomes[index] === outcome);
  const gone = withOutcome('gone');
  // No workflow, yet a position: nobody takes the request until reconciliation has restarted the trade.
  const stillOpen = new Set(gone.length === 0 ? [] : await openTradeIds());
  return {
    acceptedTradeIds: withOutcome('accepted'),
    refusedTradeIds: [...withOutcome('refused'), ...gone.filter((tradeId) => stillOpen.has(tradeId))],
  };
}

async function askToExit(client: FlattenParts['client'], tradeId: string, reason: string): Promise<Outcome> {
  const giveUpAt = performance.now() + RESERVING_AT_MOST_MS;
  for (;;) {
    let answer: ExitAnswer | null;
    try {
      answer = await client.requestExit(tradeId, reason);
    } catch {
      return 'refused';
    }
    if (answer === null) return 'gone';
    if (answer.accepted) return 'accepted';
    if (answer.stage !== 'reserving') return 'gone';
    if (performance.now() >= giveUpAt) return 'refused';
    await delay(ASK_AGAIN_MS);
  }
}
