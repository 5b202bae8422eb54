import type { Decimal } from '../../domain/money.ts';
import type { OrderSide } from '../../domain/position.ts';

export type Tier = 'starter' | 'intermediate' | 'pro' | 'unlimited';

export type OrderType =
  | 'market'
  | 'limit'
  | 'iceberg'
  | 'stop-loss'
  | 'take-profit'
  | 'stop-loss-limit'
  | 'take-profit-limit'
  | 'trailing-stop'
  | 'trailing-stop-limit'
  | 'settle-position';

export type OrderStatus = 'pending' | 'open' | 'closed' | 'canceled' | 'expired';
export type TimeInForce = 'GTC' | 'IOC' | 'GTD' | 'FOK';

export interface Account {
  readonly id: string;
  readonly tier: Tier;
  /** By asset id; exact, holds included. */
  readonly balances: Record<string, Decimal>;
}

export interface ApiKey {
  readonly key: string;
  /** Base64. */
  readonly secret: string;
  readonly name: string;
  readonly accountId: string;
  readonly permissions: readonly string[];
  readonly nonceWindow: number;
  readonly createdMs: number;
  /** Highest nonce taken so far, an unsigned 64-bit integer as text. */
  nonce: string;
}

/** Order to be placed for each fill of its parent. */
export interface ConditionalClose {
  readonly type: OrderType;
  readonly price: string;
  readonly price2: string | null;
}

/** The part of a checked order that stays with it. Prices as given are kept for `descr`. */
export interface OrderTerms {
  readonly pair: string;
  readonly side: OrderSide;
  readonly type: OrderType;
  readonly volume: Decimal;
  readonly price: string | null;
  readonly price2: string | null;
  readonly limitPrice: Decimal | null;
  readonly triggerPrice: Decimal | null;
  /** Trailing orders: distance to the best price, absolute or `%`. */
  readonly trail: string | null;
  /** Limit of a triggered order, relative to the trigger, such as `+5` or `-1%`. */
  readonly limitOffset: string | null;
  readonly leverage: number | null;
  readonly reduceOnly: boolean;
  readonly postOnly: boolean;
  readonly timeInForce: TimeInForce;
  readonly startMs: number;
  readonly expireMs: number;
  readonly displayVolume: Decimal | null;
  readonly feeInBase: boolean;
  readonly close: ConditionalClose | null;
  readonly userref: number | null;
  readonly clOrdId: string | null;
}

/** What was asked for, after it was checked. */
export interface OrderSpec {
  readonly terms: OrderTerms;
  /** The volume is in quote currency. */
  readonly volumeInQuote: boolean;
  readonly validateOnly: boolean;
}

export interface Order extends OrderTerms {
  readonly txid: string;
  readonly accountId: string;
  readonly refid: string | null;
  status: OrderStatus;
  volume: Decimal;
  filled: Decimal;
  cost: Decimal;
  fee: Decimal;
  /** Collateral bound by what it has filled. */
  margin: Decimal;
  limitPrice: Decimal | null;
  triggerPrice: Decimal | null;
  postOnly: boolean;
  displayVolume: Decimal | null;
  /** Best reference price a trailing order has seen. */
  bestPrice: Decimal | null;
  triggered: boolean;
  amended: boolean;
  readonly openMs: number;
  /** Since when its place in the queue counts: opened or last amended. */
  changedMs: number;
  closeMs: number | null;
  reason: string | null;
  trades: string[];
  /** A fault's cap on what may fill; null when there is none. */
  fillCap: Decimal | null;
  /** Not shown in listings before. */
  visibleMs: number;
}

/** One fill. */
export interface Trade {
  readonly id: string;
  readonly tradeNumber: number;
  readonly orderId: string;
  readonly accountId: string;
  readonly pair: string;
  readonly side: OrderSide;
  readonly orderType: OrderType;
  readonly price: Decimal;
  readonly volume: Decimal;
  readonly cost: Decimal;
  readonly fee: Decimal;
  readonly feeAsset: string;
  readonly timeMs: number;
  readonly maker: boolean;
  readonly leverage: number | null;
  readonly margin: Decimal;
  /** Id of the margin position it opened or closed, else of itself. */
  readonly positionId: string;
  readonly closing: boolean;
  /** Of the closed part: cost at which it was opened, result before fees. */
  readonly closedCost: Decimal;
  readonly net: Decimal;
  readonly ledgers: readonly string[];
  readonly visibleMs: number;
}

export interface Position {
  /** Id of the trade that opened it. */
  readonly id: string;
  readonly orderId: string;
  readonly accountId: string;
  readonly pair: string;
  readonly side: OrderSide;
  readonly orderType: OrderType;
  readonly openMs: number;
  readonly leverage: number;
  volume: Decimal;
  cost: Decimal;
  fee: Decimal;
  margin: Decimal;
  closedVolume: Decimal;
  closedCost: Decimal;
  closedFee: Decimal;
  net: Decimal;
  closingTrades: string[];
  status: 'open' | 'closed';
  rolloverMs: number;
}

export interface LedgerEntry {
  readonly id: string;
  readonly refid: string;
  readonly accountId: string;
  readonly timeMs: number;
  readonly type: 'deposit' | 'trade' | 'margin' | 'rollover';
  readonly asset: string;
  readonly amount: Decimal;
  readonly fee: Decimal;
  readonly balance: Decimal;
}

/** An AddOrder (by REST or WebSocket) that reached the exchange, whatever became of it. */
export interface Arrival {
  readonly number: number;
  readonly accountId: string;
  readonly via: 'rest' | 'websocket';
  readonly receivedAtMs: number;
  readonly clOrdId: string | null;
  readonly pair: string | null;
  readonly side: string | null;
  readonly type: string | null;
  readonly volume: string | null;
  readonly price: string | null;
  readonly deadline: string | null;
  readonly reduceOnly: boolean;
  readonly validateOnly: boolean;
  processedAtMs: number | null;
  accepted: boolean;
  txid: string | null;
  error: string | null;
}

/** Something else to know again after a restart: where the market stood, a dead man's switch. */
export interface Memo {
  readonly id: string;
  readonly data: Record<string, unknown>;
}
