import type { Server } from 'node:http';
import { WebSocketServer, type WebSocket } from 'ws';
import type { PaperContext } from '../context.ts';
import type { Execution } from '../execution.ts';
import type { Fault } from '../faults.ts';
import { KrakenError } from '../kraken-error.ts';
import type { MarketTrade, PairMarket } from '../market/pair-market.ts';
import { pairById } from '../pairs.ts';
import type { LedgerEntry } from '../state.ts';
import { balanceUpdate } from './balance-frames.ts';
import { bookState, bookUpdate } from './book-frames.ts';
import { executionData } from './execution-frames.ts';
import { candleData } from './reference-frames.ts';
import { tickerData, tradeData } from './market-frames.ts';
import { Replies, type ClientMessage } from './replies.ts';
import { publishPrivate, subscribe, unsubscribe } from './subscriptions.ts';
import { isTradingMethod, trade } from './trading.ts';
import { Session } from './session.ts';

const HEARTBEAT_MS = 1_000;
const IDLE_MS = 60_000;

/** All WebSocket v2 connections, public and private on one path, `/v2`. */
export class WebSocketHub {
  readonly #context: PaperContext;
  readonly #server: WebSocketServer;
  readonly #sessions = new Set<Session>();
  readonly #tops = new WeakMap<PairMarket, string>();
  readonly #timer: NodeJS.Timeout;
  #connections = 0;
  /** How many connections a fault still closes right after their first subscription. */
  #closesLeft = 0;

  constructor(http: Server, context: PaperContext) {
    this.#context = context;
    this.#server = new WebSocketServer({ noServer: true });
    http.on('upgrade', (request, socket, head) => {
      if (!/^\/v2\/?(\?|$)/.test(request.url ?? '')) {
        socket.destroy();
        return;
      }
      this.#server.handleUpgrade(request, socket, head, (client) => this.#connect(client));
    });
    context.markets.listen({ onMove: (market, trade) => this.#onMove(market, trade) });
    context.store.onLedger((entry) => this.#onLedger(entry));
    context.engine.listen((execution) => this.#onExecution(execution));
    this.#timer = setInterval(() => this.#beat(), HEARTBEAT_MS);
  }

  /** Carries out a connection fault on everyone who is connected now. */
  strike(fault: Fault): void {
    if (fault.kind === 'ws-close') {
      this.#closesLeft += Math.max(0, fault.times - 1);
      for (const session of this.#sessions) session.terminate();
    } else if (fault.kind === 'ws-stall') {
      for (const session of this.#sessions) session.stall(Date.now() + fault.delayMs);
    }
  }

  /** Takes back what connection faults still have in store. */
  clearFaults(): void {
    this.#closesLeft = 0;
    for (const session of this.#sessions) session.stall(0);
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    for (const session of this.#sessions) session.terminate();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #connect(socket: WebSocket): void {
    const session = new Session(socket, this.#context.faults, Date.now());
    this.#sessions.add(session);
    this.#connections += 1;
    socket.on('close', () => this.#sessions.delete(session));
    socket.on('error', () => socket.terminate());
    socket.on('message', (data: Buffer) => {
      session.lastHeardMs = Date.now();
      void this.#receive(session, data.toString('utf8'));
    });
    session.publish('status', {
      channel: 'status',
      type: 'update',
      data: [{ api_version: 'v2', connection_id: this.#connections, system: 'online', version: '2.0.0' }],
    });
  }

  async #receive(session: Session, text: string): Promise<void> {
    let message: ClientMessage;
    try {
      message = JSON.parse(text) as ClientMessage;
    } catch {
      new Replies(session, 'error', undefined).failed('Malformed request');
      return;
    }
    const method = typeof message.method === 'string' ? message.method : 'error';
    const replies = new Replies(session, method, message.req_id);
    try {
      await this.#dispatch(session, method, message.params ?? {}, replies);
    } catch (error) {
      if (error instanceof KrakenError) replies.failed(error.message);
      else {
        this.#context.log?.error({ event: 'paper-internal-error', err: error }, 'a WebSocket request failed');
        replies.failed('EGeneral:Internal error');
      }
    }
  }

  async #dispatch(
    session: Session,
    method: string,
    params: Readonly<Record<string, unknown>>,
    replies: Replies,
  ): Promise<void> {
    switch (method) {
      case 'ping':
        replies.as('pong').bare();
        return;
      case 'subscribe':
        subscribe(session, params, replies, this.#context);
        if (this.#closesLeft > 0) {
          this.#closesLeft -= 1;
          session.terminate();
        }
        return;
      case 'unsubscribe':
        unsubscribe(session, params, replies);
        return;
      default:
        if (isTradingMethod(method)) await this.#trade(session, method, params, replies);
        else replies.failed(`Unsupported method ${method}`);
    }
  }

  /** A trading request, with the faults that lose it or its answer. */
  async #trade(
    session: Session,
    method: string,
    params: Readonly<Record<string, unknown>>,
    replies: Replies,
  ): Promise<void> {
    const { faults } = this.#context;
    if (faults.strike(method, 'drop-before')) return;
    const lost = faults.strike(method, 'drop-after', 'reset-after');
    if (lost) replies.mute();
    await trade(method, params, replies, this.#context);
    if (lost?.kind === 'reset-after') session.terminate();
  }

  #onMove(market: PairMarket, trade: MarketTrade | null): void {
    if (this.#sessions.size === 0) return;
    const { symbol } = market.pair;
    const top = `${market.top.bid}/${market.top.ask}`;
    const moved = this.#tops.get(market) !== top;
    this.#tops.set(market, top);
    let ticker: unknown = null;
    for (const session of this.#sessions) {
      const wanted = session.subscriptions.get(`ticker/${symbol}`);
      if (wanted && (trade !== null || (moved && wanted.eventTrigger === 'bbo'))) {
        ticker ??= { channel: 'ticker', type: 'update', data: [tickerData(market, Date.now())] };
        session.publish('ticker', ticker);
      }
      this.#publishBook(session, market);
      if (trade) this.#publishCandle(session, market);
      if (trade && session.subscriptions.has(`trade/${symbol}`)) {
        session.publish('trade', { channel: 'trade', type: 'update', data: [tradeData(market, trade)] });
      }
    }
  }

  #publishBook(session: Session, market: PairMarket): void {
    const wanted = session.subscriptions.get(`book/${market.pair.symbol}`);
    if (!wanted?.book || wanted.depth === undefined) return;
    const after = bookState(market, wanted.depth);
    const update = bookUpdate(market.pair, wanted.book, after, Date.now());
    wanted.book = after;
    if (update) session.publish('book', { channel: 'book', type: 'update', data: [update] });
  }

  #publishCandle(session: Session, market: PairMarket): void {
    const wanted = session.subscriptions.get(`ohlc/${market.pair.symbol}`);
    if (wanted?.interval === undefined) return;
    const data = candleData(market, wanted.interval, Date.now(), 1);
    session.publish('ohlc', { channel: 'ohlc', type: 'update', data });
  }

  #onLedger(entry: LedgerEntry): void {
    for (const session of this.#sessions) {
      if (session.private.get('balances')?.accountId !== entry.accountId) continue;
      publishPrivate(session, 'balances', 'update', [balanceUpdate(entry)]);
    }
  }

  #onExecution(execution: Execution): void {
    const { order } = execution;
    if (this.#sessions.size === 0) return;
    const rate = this.#context.markets.usdRate(execution.trade?.feeAsset ?? pairById(order.pair).quote.id);
    const data = executionData(execution, rate);
    for (const session of this.#sessions) {
      const subscription = session.private.get('executions');
      if (subscription?.accountId !== order.accountId) continue;
      const { tier } = this.#context.store.account(order.accountId);
      const counter = subscription.ratecounter
        ? { ratecount: this.#context.limits.tradingCount(order.accountId, order.pair, tier, Date.now()) }
        : {};
      publishPrivate(session, 'executions', 'update', [{ ...data, ...counter }]);
    }
  }

  #beat(): void {
    const nowMs = Date.now();
    for (const session of this.#sessions) {
      session.heartbeat(nowMs, HEARTBEAT_MS);
      if (nowMs - session.lastHeardMs > IDLE_MS && !session.subscribed) session.close(1000, 'idle');
    }
  }
}
