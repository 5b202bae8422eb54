import type { PaperContext } from '../context.ts';
import { KrakenError } from '../kraken-error.ts';
import { INTERVALS } from '../market/candles.ts';
import { findSymbol, type Pair } from '../pairs.ts';
import { tradingLimit } from '../rate-limits.ts';
import { pastTradeData, snapshotData } from './execution-frames.ts';
import type { Replies } from './replies.ts';
import { balancesSnapshot } from './balance-frames.ts';
import { DEPTHS, bookSnapshot, bookState } from './book-frames.ts';
import { candleData, instrumentData } from './reference-frames.ts';
import { tickerData, tradeData } from './market-frames.ts';
import type { PrivateSubscription, Session } from './session.ts';

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
    case 'book':
      subscribeBook(session, params, replies, context);
      return;
    case 'ohlc':
      subscribeCandles(session, params, replies, context);
      return;
    case 'instrument':
      session.subscriptions.set('instrument/*', {});
      replies.done({ channel, snapshot: true });
      session.publish(channel, { channel, type: 'snapshot', data: instrumentData() });
      return;
    case 'balances':
      subscribeBalances(session, params, replies, context);
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
  if (channel === 'instrument') {
    session.subscriptions.delete('instrument/*');
    replies.done({ channel });
    return;
  }
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

function subscribeBook(
  session: Session,
  params: Readonly<Record<string, unknown>>,
  replies: Replies,
  context: PaperContext,
): void {
  const depth = params.depth ?? 10;
  if (typeof depth !== 'number' || !DEPTHS.includes(depth))
    throw new KrakenError('Subscription depth not supported');
  forEachSymbol(params, replies, (pair) => {
    const snapshot = params.snapshot !== false;
    const book = bookState(context.markets.of(pair), depth);
    session.subscriptions.set(`book/${pair.symbol}`, { depth, book });
    replies.done({ channel: 'book', depth, snapshot, symbol: pair.symbol });
    if (!snapshot) return;
    const data = [bookSnapshot(pair, book, Date.now())];
    session.publish('book', { channel: 'book', type: 'snapshot', data });
  });
}

function subscribeCandles(
  session: Session,
  params: Readonly<Record<string, unknown>>,
  replies: Replies,
  context: PaperContext,
): void {
  const interval = params.interval ?? 1;
  if (typeof interval !== 'number' || !INTERVALS.includes(interval)) {
    throw new KrakenError('Subscription ohlc interval not supported');
  }
  forEachSymbol(params, replies, (pair) => {
    const snapshot = params.snapshot !== false;
    session.subscriptions.set(`ohlc/${pair.symbol}`, { interval });
    replies.done({ channel: 'ohlc', interval, snapshot, symbol: pair.symbol });
    if (!snapshot) return;
    const data = candleData(context.markets.of(pair), interval, Date.now());
    session.publish('ohlc', { channel: 'ohlc', type: 'snapshot', data });
  });
}

function subscribeBalances(
  session: Session,
  params: Readonly<Record<string, unknown>>,
  replies: Replies,
  context: PaperContext,
): void {
  const accountId = context.tokens.account(tokenOf(params), Date.now());
  const snapshot = params.snapshot !== false;
  session.private.set('balances', { accountId, ratecounter: false, sequence: 0 });
  replies.done({ channel: 'balances', snapshot });
  if (snapshot) {
    publishPrivate(
      session,
      'balances',
      'snapshot',
      balancesSnapshot(context.store.account(accountId).balances),
    );
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
