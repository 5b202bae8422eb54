import {
  entryOrderSide,
  exitOrderSide,
  netPnl,
  type FillSummary,
  type Side,
  type OrderSide,
} from './position.ts';
import { add, divide, multiply, subtract, type Decimal } from './money.ts';

/** The rows that people's SQL reads, named and shaped as docs/design.md section 12 says. Times are epoch ms. */

export interface ManagedPositionRow {
  readonly id: string;
  readonly tradeId: string;
  readonly strategy: string;
  readonly symbol: string;
  readonly side: Side;
  readonly quantity: Decimal;
  readonly entryPrice: Decimal;
  readonly entryTime: number;
  readonly entryTradeId: string;
  readonly exitPrice: Decimal | null;
  readonly exitTime: number | null;
  readonly exitTradeId: string | null;
  readonly exitReason: string | null;
  readonly status: 'open' | 'closed';
  readonly realizedPnL: Decimal | null;
  readonly unrealizedPnL: Decimal | null;
  /** All fees so far, quote currency. */
  readonly fees: Decimal;
  readonly thresholdsVersion: number;
  readonly marketConditions: Readonly<Record<string, unknown>>;
}

export interface ManagedTradeRow {
  readonly id: string;
  readonly positionId: string;
  readonly side: OrderSide;
  readonly symbol: string;
  readonly quantity: Decimal;
  readonly price: Decimal;
  readonly value: Decimal;
  readonly fee: Decimal;
  readonly strategy: string;
  readonly executedAt: number;
  /** Net P&L of the position; on the exit trade only. */
  readonly pnl: Decimal | null;
  readonly isEntry: boolean;
  readonly krakenOrderId: string;
}

export interface LivePositionRow {
  readonly id: string;
  readonly positionId: string;
  readonly symbol: string;
  readonly side: Side;
  readonly quantity: Decimal;
  readonly entryPrice: Decimal;
  readonly currentPrice: Decimal;
  readonly unrealizedPnL: Decimal;
  readonly exitsBelow: Decimal | null;
  readonly exitsAbove: Decimal | null;
  readonly netPnL: Decimal | null;
  readonly totalFees: Decimal;
  readonly status: 'open' | 'closed';
  readonly openedAt: number;
  readonly closedAt: number | null;
}

export interface LiveTradeRow {
  readonly id: string;
  readonly positionId: string;
  readonly symbol: string;
  readonly side: OrderSide;
  readonly quantity: Decimal;
  readonly price: Decimal;
  readonly fee: Decimal;
  readonly exchangeOrderId: string;
  /** The first fill's id on the exchange. */
  readonly exchangeTradeId: string;
  readonly signalConfidence: number;
  readonly requestedAt: number;
  readonly submittedAt: number;
  readonly executedAt: number;
  /** Adverse difference of fill price to the quote at the decision, quote currency per unit; negative is better. */
  readonly slippage: Decimal;
  readonly purpose: 'open' | 'close';
}

/** The four records of an opened position; written, read back and compared together. */
export interface OpenRecords {
  readonly managedPosition: ManagedPositionRow;
  readonly managedTrade: ManagedTradeRow;
  readonly livePosition: LivePositionRow;
  readonly liveTrade: LiveTradeRow;
}

/** The rows of exit orders. */
export interface ExitRecords {
  readonly exitTrades: readonly ManagedTradeRow[];
  readonly exitLiveTrades: readonly LiveTradeRow[];
}

export interface CloseRecords extends ExitRecords {
  readonly managedPosition: ManagedPositionRow;
  readonly livePosition: LivePositionRow;
}

/** One finished order of ours with what is needed to tell its story. */
export interface OrderRecord {
  readonly exchangeOrderId: string;
  readonly exchangeTradeId: string;
  readonly summary: FillSummary;
  readonly requestedAtMs: number;
  readonly submittedAtMs: number;
  /** Quote at the decision: ask for a buy, bid for a sell. */
  readonly quotePrice: Decimal;
}

export interface TradeFacts {
  readonly tradeId: string;
  readonly strategy: string;
  readonly symbol: string;
  readonly side: Side;
  readonly confidence: number;
  readonly thresholdsVersion: number;
  readonly marketConditions: Readonly<Record<string, unknown>>;
  readonly entry: OrderRecord;
}

export function positionId(entryOrderId: string): string {
  return `kraken-${entryOrderId}`;
}

export function openRecords(facts: TradeFacts): OpenRecords {
  const { entry, side, symbol } = facts;
  const id = positionId(entry.exchangeOrderId);
  const { quantity, averagePrice, fee, firstFillMs } = entry.summary;
  return {
    managedPosition: {
      id,
      tradeId: facts.tradeId,
      strategy: facts.strategy,
      symbol,
      side,
      quantity,
      entryPrice: averagePrice,
      entryTime: firstFillMs,
      entryTradeId: `trade-${entry.exchangeOrderId}`,
      exitPrice: null,
      exitTime: null,
      exitTradeId: null,
      exitReason: null,
      status: 'open',
      realizedPnL: null,
      unrealizedPnL: '0',
      fees: fee,
      thresholdsVersion: facts.thresholdsVersion,
      marketConditions: facts.marketConditions,
    },
    managedTrade: managedTrade(facts, entry, entryOrderSide(side), null),
    livePosition: {
      id: `live-pos-${id}`,
      positionId: id,
      symbol,
      side,
      quantity,
      entryPrice: averagePrice,
      currentPrice: averagePrice,
      unrealizedPnL: '0',
      exitsBelow: null,
      exitsAbove: null,
      netPnL: null,
      totalFees: fee,
      status: 'open',
      openedAt: firstFillMs,
      closedAt: null,
    },
    liveTrade: liveTrade(facts, entry, entryOrderSide(side), 'open'),
  };
}

/**
 * The matching set of a closed position. Several exit orders (partial exits, escalation) make one
 * exit price, weighted by quantity; `exitTradeId` is the last one's. The net P&L stands on the last exit trade.
 */
export function closeRecords(
  facts: TradeFacts,
  exits: readonly OrderRecord[],
  exitReason: string,
): CloseRecords {
  const open = openRecords(facts);
  const last = exits.at(-1);
  if (!last) throw new RangeError('a position closes by at least one exit order');
  const cost = add(...exits.map((exit) => exit.summary.cost));
  const quantity = add(...exits.map((exit) => exit.summary.quantity));
  const exitFee = add(...exits.map((exit) => exit.summary.fee));
  const exitPrice = divide(
    add(...exits.map((exit) => multiply(exit.summary.averagePrice, exit.summary.quantity))),
    quantity,
  );
  const realizedPnL = realizedPnl(facts, { cost, fee: exitFee }, quantity);
  const fees = add(facts.entry.summary.fee, exitFee);
  const exitTime = last.summary.lastFillMs;
  return {
    managedPosition: {
      ...open.managedPosition,
      exitPrice,
      exitTime,
      exitTradeId: `trade-${last.exchangeOrderId}`,
      exitReason,
      status: 'closed',
      realizedPnL,
      unrealizedPnL: '0',
      fees,
    },
    ...exitRecords(facts, exits, realizedPnL),
    livePosition: {
      ...open.livePosition,
      currentPrice: exitPrice,
      unrealizedPnL: '0',
      netPnL: realizedPnL,
      totalFees: fees,
      status: 'closed',
      closedAt: exitTime,
    },
  };
}

/** The rows of exits; the P&L of a closed position stands on the last of them. */
export function exitRecords(
  facts: TradeFacts,
  exits: readonly OrderRecord[],
  realizedPnL: Decimal | null = null,
): ExitRecords {
  const side = exitOrderSide(facts.side);
  const last = exits.at(-1);
  return {
    exitTrades: exits.map((exit) => managedTrade(facts, exit, side, exit === last ? realizedPnL : null)),
    exitLiveTrades: exits.map((exit) => liveTrade(facts, exit, side, 'close')),
  };
}

/** Net of all fees. Dust that could not be sold is valued at nothing: its cost is part of the loss. */
export function realizedPnl(
  facts: Pick<TradeFacts, 'entry' | 'side'>,
  exit: { cost: Decimal; fee: Decimal },
  exitedQuantity: Decimal,
): Decimal {
  const { entry, side } = facts;
  if (side === 'long') return netPnl(side, entry.summary, exit);
  // A short remainder is still owed: only the covered part of the proceeds is earned.
  const covered = divide(multiply(entry.summary.cost, exitedQuantity), entry.summary.quantity);
  return netPnl(side, { cost: covered, fee: entry.summary.fee }, exit);
}

function managedTrade(
  facts: TradeFacts,
  order: OrderRecord,
  side: OrderSide,
  pnl: Decimal | null,
): ManagedTradeRow {
  return {
    id: `trade-${order.exchangeOrderId}`,
    positionId: positionId(facts.entry.exchangeOrderId),
    side,
    symbol: facts.symbol,
    quantity: order.summary.quantity,
    price: order.summary.averagePrice,
    value: order.summary.cost,
    fee: order.summary.fee,
    strategy: facts.strategy,
    executedAt: order.summary.lastFillMs,
    pnl,
    isEntry: order === facts.entry,
    krakenOrderId: order.exchangeOrderId,
  };
}

function liveTrade(
  facts: TradeFacts,
  order: OrderRecord,
  side: OrderSide,
  purpose: 'open' | 'close',
): LiveTradeRow {
  const { averagePrice } = order.summary;
  return {
    id: `live-${order.exchangeOrderId}`,
    positionId: positionId(facts.entry.exchangeOrderId),
    symbol: facts.symbol,
    side,
    quantity: order.summary.quantity,
    price: averagePrice,
    fee: order.summary.fee,
    exchangeOrderId: order.exchangeOrderId,
    exchangeTradeId: order.exchangeTradeId,
    signalConfidence: facts.confidence,
    requestedAt: order.requestedAtMs,
    submittedAt: order.submittedAtMs,
    executedAt: order.summary.lastFillMs,
    slippage:
      side === 'buy' ? subtract(averagePrice, order.quotePrice) : subtract(order.quotePrice, averagePrice),
    purpose,
  };
}

/** Unrealized P&L of the open quantity at a mark, quote currency, gross. */
export function unrealizedPnl(side: Side, quantity: Decimal, entryPrice: Decimal, mark: Decimal): Decimal {
  const move = side === 'long' ? subtract(mark, entryPrice) : subtract(entryPrice, mark);
  return multiply(quantity, move);
}
