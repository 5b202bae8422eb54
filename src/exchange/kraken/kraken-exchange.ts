import type { Exchange } from '../port.ts';
import { createAccountReads } from './account-reads.ts';
import { createCallBudget, type Tier } from './call-budget.ts';
import { createCallQueue } from './call-queue.ts';
import { createExchangeClock } from './clock.ts';
import { assertLiveAllowed } from './live-guard.ts';
import type { AdapterLog } from './log.ts';
import { createMarketReads } from './market-reads.ts';
import { amendOrder, cancelOrder, submitOrder } from './orders.ts';
import { createOrderSender } from './order-sender.ts';
import { createPairBook } from './pair-book.ts';
import { parse, serverTime, webSocketToken } from './parse.ts';
import { SignedApi } from './private-api.ts';
import { createPublicApi } from './public-api.ts';
import { createPace, KRAKEN_PUBLIC_PACE, UNPACED } from './public-pace.ts';
import { createSeenOrders } from './seen-orders.ts';
import { createSession } from './session.ts';

export interface KrakenExchangeOptions {
  /** Origin of the REST interface. */
  readonly restUrl: string;
  /** One key per process: two processes with one key overtake each other's nonces. */
  readonly key: string;
  readonly secret: string;
  /** Default: `starter`, the smallest; `pro` on a paper exchange, whose accounts are of that tier. */
  readonly tier?: Tier;
  /** Of one call; a longer silence leaves its outcome unknown. */
  readonly timeoutMs?: number;
  /** Our clock, epoch ms. */
  readonly now?: () => number;
  readonly log: AdapterLog;
  /** Real money may be traded. Without it only loopback and `paperHosts` are accepted. */
  readonly live?: boolean;
  /** Host names other than loopback where a paper exchange lives. */
  readonly paperHosts?: readonly string[];
}

export interface KrakenExchange extends Exchange {
  /** For the private stream; good for 15 minutes. */
  webSocketToken(): Promise<string>;
  /** The private stream told whose an order is: a look-up for it then asks for the order instead of all lists. */
  heardOf(exchangeOrderId: string, clientOrderId: string): void;
  /** How full this key's call counters are, each a fraction of its maximum, and how many calls wait. */
  callBudget(): { readonly rest: number; readonly trading: number; readonly waiting: number };
  /** Calls that wait for their turn fail; the one in flight goes on to its end. */
  close(): void;
}

export function createKrakenExchange(options: KrakenExchangeOptions): KrakenExchange {
  const { restUrl, key, secret, timeoutMs = 5_000, now = Date.now, log } = options;
  const venue = assertLiveAllowed(restUrl, options.live ?? false, options.paperHosts);
  const tier = options.tier ?? (venue === 'paper' ? 'pro' : 'starter');
  if (venue === 'live' && tier === 'unlimited') {
    throw new Error('tier is unlimited, which no account is: starter, intermediate and pro are allowed');
  }

  const budget = createCallBudget(tier);
  const queue = createCallQueue(budget);
  const api = new SignedApi({ restUrl, key, secret, timeoutMs, now });
  const session = createSession(api, queue);
  const publicApi = createPublicApi(
    restUrl,
    timeoutMs,
    venue === 'live' ? createPace(KRAKEN_PUBLIC_PACE) : UNPACED,
  );
  const pairs = createPairBook(publicApi, now);
  const seen = createSeenOrders();
  const askTime = async () => parse(serverTime, await publicApi.get('Time'), 'Time').unixtime;
  const clock = createExchangeClock(askTime, now);
  const sender = createOrderSender({ api, session, now });
  const orderParts = { api, sender, session, clock, pairs, seen, now, log };

  return {
    ...createMarketReads({ api: publicApi, pairs, clock, now }),
    ...createAccountReads({ session, clock, pairs, seen, now, log }),
    clockOffsetMs: () => clock.measure(),
    instruments: () => pairs.instruments(),
    submit: (order, priority) => submitOrder(orderParts, order, priority),
    cancel: (exchangeOrderId, priority) => cancelOrder(orderParts, exchangeOrderId, priority),
    amend: (exchangeOrderId, change, priority) => amendOrder(orderParts, exchangeOrderId, change, priority),
    webSocketToken: async () =>
      (await session.ask('GetWebSocketsToken', {}, 'look-up', webSocketToken)).token,
    heardOf: (exchangeOrderId, clientOrderId) => seen.named(exchangeOrderId, clientOrderId),
    callBudget: () => ({ ...budget.used(performance.now()), waiting: queue.waiting() }),
    close: () => queue.close(),
  };
}
