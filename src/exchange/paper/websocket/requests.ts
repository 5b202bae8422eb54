import type { PaperContext } from '../context.ts';
import { KrakenError } from '../kraken-error.ts';
import { findSymbol, type Pair } from '../pairs.ts';
import { tradingLimit } from '../rate-limits.ts';
import { pastTradeData, snapshotData } from './execution-frames.ts';
import { isoTime } from './frames.ts';
import { tickerData, tradeData } from './market-frames.ts';
import type { PrivateSubscription, Session } from './session.ts';

/** A message from a client, already known to be an object. */
export interface ClientMessage {
  readonly method?: unknown;
  readonly params?: Readonly<Record<string, unknown>>;
  readonly req_id?: unknown;
}

/** Answers in the form of v2: one for each symbol or order of a request. */
export class Replies {
  readonly #session: Session;
  readonly #method: string;
  readonly #reqId: unknown;
  readonly #timeIn = Date.now();

  constructor(session: Session, method: string, reqId: unknown) {
    this.#session = session;
    this.#method = method;
    this.#reqId = reqId;
  }

  done(result: Record<string, unknown>): void {
    this.#send({ result, success: true });
  }

  failed(error: string, more: Record<string, unknown> = {}): void {
    this.#send({ error, success: false, ...more });
  }

  bare(fields: Record<string, unknown> = {}): void {
    this.#send(fields);
  }

  #send(fields: Record<string, unknown>): void {
    this.#session.reply({
      method: this.#method,
      ...(this.#reqId === undefined ? {} : { req_id: this.#reqId }),
      ...fields,
      time_in: isoTime(this.#timeIn),
      time_out: isoTime(Date.now()),
    });
  }
}

const SNAPSHOT_TRADES = 50;

export function subscribe(
  session: Session,
  params: Readonly<Record<string, unknown>>,
  replies: Replies,
  context: PaperContext,
): void {
  const channel = String(params.channel);
  switch (channel) {
    case 'ticker': {
      const trigger = params.event_trigger === 'bbo' ? 'bbo' : 'trades';
      forEachSymbol(params, replies, (pair) => {
        session.subscriptions.set(`ticker/${pair.symbol}`, { eventTrigger: trigger });
        const snapshot = params.snapshot !== false;
        replies.done({ channel, event_trigger: trigger, snapshot, symbol: pair.symbol });
        if (!snapshot) return;
        const data = [tickerData(context.markets.of(pair), Date.now())];
        session.publish(channel, { channel, type: 'snapshot', data });
      });
      return;
    }
    case 'trade':
      forEachSymbol(params, replies, (pair) => {
        session.subscriptions.set(`trade/${pair.symbol}`, {});
        const snapshot = params.snapshot === true;
        replies.done({ channel, snapshot, symbol: pair.symbol });
        if (!snapshot) return;
        const market = context.markets.of(pair);
        const data = market
          .trades()
          .slice(-SNAPSHOT_TRADES)
          .map((trade) => tradeData(market, trade));
        session.publish(channel, { channel, type: 'snapshot', data });
      });
      return;
    case 'executions':
      subscribeExecutions(session, params, replies, context);
      return;
    default:
      replies.failed(`Unsupported channel ${channel}`);
  }
}

export function unsubscribe(
  session: Session,
  params: Readonly<Record<string, unknown>>,
  replies: Replies,
): void {
  const channel = String(params.channel);
  if (channel === 'executions' || channel === 'balances') {
    session.private.delete(channel);
    replies.done({ channel });
    return;
  }
  forEachSymbol(params, replies, (pair) => {
    if (session.subscriptions.delete(`${channel}/${pair.symbol}`))
      replies.done({ channel, symbol: pair.symbol });
    else replies.failed('Subscription Not Found', { symbol: pair.symbol });
  });
}

/** Runs `work` for each known symbol and refuses the others, each by itself. */
export function forEachSymbol(
  params: Readonly<Record<string, unknown>>,
  replies: Replies,
  work: (pair: Pair) => void,
): void {
  const symbols: unknown[] = Array.isArray(params.symbol) ? params.symbol : [params.symbol];
  for (const symbol of symbols) {
    const pair = typeof symbol === 'string' ? findSymbol(symbol) : undefined;
    if (pair) work(pair);
    else replies.failed(`Currency pair not supported ${String(symbol)}`, { symbol });
  }
}

function subscribeExecutions(
  session: Session,
  params: Readonly<Record<string, unknown>>,
  replies: Replies,
  context: PaperContext,
): void {
  const accountId = context.tokens.account(tokenOf(params), Date.now());
  const snapOrders = params.snap_orders !== false;
  const snapTrades = params.snap_trades === true;
  const subscription: PrivateSubscription = {
    accountId,
    ratecounter: params.ratecounter === true,
    sequence: 0,
  };
  session.private.set('executions', subscription);
  const maxratecount = tradingLimit(context.store.account(accountId).tier);
  replies.done({ channel: 'executions', maxratecount, snap_orders: snapOrders, snap_trades: snapTrades });
  const orders = snapOrders ? context.store.openOrders(accountId).map(snapshotData) : [];
  publishPrivate(session, 'executions', 'snapshot', orders);
  if (!snapTrades) return;
  const trades = context.store.tradesOf(accountId).slice(-SNAPSHOT_TRADES);
  const past = trades.flatMap((trade) => {
    const order = context.store.orders.get(trade.orderId);
    return order ? [pastTradeData(order, trade, context.markets.usdRate(trade.feeAsset))] : [];
  });
  publishPrivate(session, 'executions', 'snapshot', past);
}

/** A numbered message of a private channel. */
export function publishPrivate(
  session: Session,
  channel: 'executions' | 'balances',
  type: 'snapshot' | 'update',
  data: readonly unknown[],
): void {
  const subscription = session.private.get(channel);
  if (!subscription) return;
  subscription.sequence += 1;
  session.publish(channel, { channel, type, data, sequence: subscription.sequence });
}

export function tokenOf(params: Readonly<Record<string, unknown>>): string | undefined {
  const { token } = params;
  if (token !== undefined && typeof token !== 'string') throw new KrakenError('ESession:Invalid session');
  return token;
}
