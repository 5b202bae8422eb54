import type { Decimal } from '../domain/money.ts';
import type { Fill, OrderSide } from '../domain/position.ts';

/**
 * What Holdfast needs of an exchange, in no exchange's words.
 * Symbols are `BASE/QUOTE`; amounts are decimals as strings; times are epoch ms on our own clock.
 */

/** Which private call may go first when the call budget is short. */
export type CallPriority = 'exit' | 'entry' | 'look-up' | 'reconcile';

export interface Instrument {
  readonly symbol: string;
  readonly base: string;
  readonly quote: string;
  /** Decimals of a price and of a quantity. */
  readonly priceDecimals: number;
  readonly quantityDecimals: number;
  readonly tickSize: Decimal;
  /** Least quantity (base) and least cost (quote) of an order. */
  readonly minQuantity: Decimal;
  readonly minCost: Decimal;
  /** Fee of a taker as a fraction of cost, at the lowest tier. */
  readonly takerFee: number;
  /** Leverages offered for short sales; empty where none is. */
  readonly shortLeverages: readonly number[];
  readonly tradable: boolean;
}

export interface Quote {
  readonly symbol: string;
  readonly bid: Decimal;
  readonly ask: Decimal;
  readonly last: Decimal;
  /** When we received it, or last heard that it still stands. */
  readonly receivedAtMs: number;
  readonly via: 'stream' | 'request';
}

export interface Candle {
  readonly startMs: number;
  readonly open: Decimal;
  readonly high: Decimal;
  readonly low: Decimal;
  readonly close: Decimal;
  readonly volume: Decimal;
}

export interface OrderRequest {
  /** At most 18 characters; see `client-order-id.ts`. */
  readonly clientOrderId: string;
  readonly symbol: string;
  readonly side: OrderSide;
  readonly type: 'market' | 'limit' | 'stop-loss';
  readonly quantity: Decimal;
  /** Of a limit order. */
  readonly limitPrice?: Decimal;
  /** Of a stop-loss order. */
  readonly triggerPrice?: Decimal;
  /** Opens or closes a margin position; absent for spot. */
  readonly leverage?: number;
  readonly reduceOnly?: boolean;
  /** After this moment the exchange must refuse the order. */
  readonly deadlineMs: number;
}

/**
 * What is known after a send. `refused` is definite: the order does not exist and never will.
 * Everything that is not a proven acceptance or a known refusal is `unknown` and must be looked up.
 */
export type SubmitOutcome =
  | { readonly kind: 'accepted'; readonly exchangeOrderId: string }
  | {
      readonly kind: 'refused';
      readonly code: string;
      readonly message: string;
      /** The account doesn't hold what was to be sold or closed. */
      readonly isNotHeld?: boolean;
    }
  | { readonly kind: 'unknown'; readonly why: string };

export type CancelOutcome =
  | { readonly kind: 'cancelled' }
  /** Not open any more: read its fills. */
  | { readonly kind: 'not-open' }
  | { readonly kind: 'unknown'; readonly why: string };

/** What an open order is to be from now on, whatever it was: asked for twice it is the same as once. */
export interface OrderChange {
  readonly quantity: Decimal;
  readonly triggerPrice: Decimal;
  /** After this moment the exchange must refuse the change. */
  readonly deadlineMs: number;
}

export type AmendOutcome =
  | { readonly kind: 'amended' }
  /** Not open any more: read its fills. */
  | { readonly kind: 'not-open' }
  /** Definite: the order is as it was. */
  | { readonly kind: 'refused'; readonly code: string }
  | { readonly kind: 'unknown'; readonly why: string };

export type OrderStatus = 'pending' | 'open' | 'filled' | 'cancelled' | 'expired';

/** A status never proves anything alone: read `filledQuantity` and `fills`. */
export interface OrderSnapshot {
  readonly exchangeOrderId: string;
  readonly clientOrderId: string | null;
  readonly symbol: string;
  readonly side: OrderSide;
  readonly type: string;
  readonly status: OrderStatus;
  readonly quantity: Decimal;
  readonly filledQuantity: Decimal;
  readonly cost: Decimal;
  readonly fee: Decimal;
  readonly openedAtMs: number;
  readonly closedAtMs: number | null;
  readonly reason: string | null;
  /** Complete when their quantities add up to `filledQuantity`. */
  readonly fills: readonly Fill[];
}

/** One complete, successful pass through open orders, closed orders and trades. */
export interface LookUp {
  readonly order: OrderSnapshot | null;
  /** When the first question of the pass was asked. */
  readonly askedAtMs: number;
}

export interface Balance {
  readonly asset: string;
  readonly total: Decimal;
  /** Held by open orders. */
  readonly held: Decimal;
}

/** A position on margin, as the exchange tells it. */
export interface MarginPosition {
  readonly exchangeOrderId: string;
  readonly symbol: string;
  readonly side: OrderSide;
  readonly quantity: Decimal;
  readonly closedQuantity: Decimal;
  /** Of the whole quantity when it was opened, quote currency. */
  readonly cost: Decimal;
}

/** An execution with the order it belongs to, for reconciliation. */
export interface AccountFill extends Fill {
  readonly exchangeOrderId: string;
  readonly symbol: string;
  readonly side: OrderSide;
}

export interface KeyInfo {
  readonly permissions: readonly string[];
  readonly canWithdraw: boolean;
  readonly nonceWindow: number;
}

/** The exchange could not be asked, or its answer could not be understood. Ask again. */
export class ExchangeUnavailable extends Error {
  override readonly name = 'ExchangeUnavailable';
}

/** The list asked for is longer than can be read at one go: ask for less of it. */
export class ListTooLong extends ExchangeUnavailable {}

/** The exchange understood and said no. `code` is its own string. */
export class ExchangeRefusal extends Error {
  override readonly name = 'ExchangeRefusal';
  readonly code: string;
  constructor(code: string, message = code) {
    super(message);
    this.code = code;
  }
}

/** Every look-up throws {@link ExchangeUnavailable} or {@link ExchangeRefusal}; an empty answer is a real one. */
export interface Exchange {
  /** The exchange's clock minus ours, ms; refreshed by asking. */
  clockOffsetMs(): Promise<number>;
  instruments(): Promise<readonly Instrument[]>;
  quotes(symbols: readonly string[]): Promise<readonly Quote[]>;
  /** Completed candles, oldest first, at most the newest `count`; any interval from 1 s. */
  candles(symbol: string, intervalMs: number, count: number): Promise<readonly Candle[]>;

  /** Sends once, never again by itself; never throws. */
  submit(order: OrderRequest, priority: CallPriority): Promise<SubmitOutcome>;
  cancel(exchangeOrderId: string, priority: CallPriority): Promise<CancelOutcome>;
  /** In place: the order keeps its ids and its fills. */
  amend(exchangeOrderId: string, change: OrderChange, priority: CallPriority): Promise<AmendOutcome>;
  /** By our own id: open orders, then closed ones, then trades, from `sinceMs` on. */
  lookUp(clientOrderId: string, sinceMs: number, priority: CallPriority): Promise<LookUp>;
  /** With its fills. Null when the exchange does not know the id. */
  order(exchangeOrderId: string, priority: CallPriority): Promise<OrderSnapshot | null>;

  /** Of the lists below, those that a single trade may need take a priority; default `reconcile`. */
  balances(priority?: CallPriority): Promise<readonly Balance[]>;
  openOrders(): Promise<readonly OrderSnapshot[]>;
  closedOrders(sinceMs: number): Promise<readonly OrderSnapshot[]>;
  fills(sinceMs: number): Promise<readonly AccountFill[]>;
  marginPositions(priority?: CallPriority): Promise<readonly MarginPosition[]>;
  keyInfo(): Promise<KeyInfo>;
}

export interface FeedStatus {
  readonly connected: boolean;
  /** When anything, heartbeats included, last arrived; null before the first. */
  readonly lastMessageMs: number | null;
  /** The same, an answer to a question that stood in for the stream included. */
  readonly lastHeardMs: number | null;
  readonly reconnects: number;
}

/** Pushed market data over one connection, resubscribing by itself after a loss. */
export interface MarketFeed {
  subscribe(symbols: readonly string[]): void;
  unsubscribe(symbols: readonly string[]): void;
  onQuote(listener: (quote: Quote) => void): void;
  status(): FeedStatus;
  close(): Promise<void>;
}
