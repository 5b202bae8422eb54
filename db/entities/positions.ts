import type {
  LivePositionRow,
  LiveTradeRow,
  ManagedPositionRow,
  ManagedTradeRow,
} from '../../src/domain/records.ts';
import { entityOf, type Table } from '../table.ts';

/** What stands in the row beside the record: kept by the database and by the live update. */
export interface StoredPosition extends ManagedPositionRow {
  readonly createdAt: number;
  readonly updatedAt: number;
}

export interface StoredLivePosition extends LivePositionRow {
  /** Most favourable mark seen since entry; null until the first live update. */
  readonly bestPrice: string | null;
  /** Age of the newest mark when the row was last updated. */
  readonly markAgeMs: number | null;
  readonly stage: string | null;
  readonly updatedAt: number;
}

export const managedPositionTable: Table<ManagedPositionRow> = {
  name: 'ManagedPosition',
  key: 'id',
  columns: {
    id: 'text',
    tradeId: 'text',
    strategy: 'text',
    symbol: 'text',
    side: 'text',
    quantity: 'numeric',
    entryPrice: 'numeric',
    entryTime: 'time',
    entryTradeId: 'text',
    exitPrice: 'numeric?',
    exitTime: 'time?',
    exitTradeId: 'text?',
    exitReason: 'text?',
    status: 'text',
    realizedPnL: 'numeric?',
    unrealizedPnL: 'numeric?',
    fees: 'numeric',
    thresholdsVersion: 'integer',
    marketConditions: 'json',
  },
};

export const storedPositionTable: Table<StoredPosition> = {
  ...managedPositionTable,
  columns: { ...managedPositionTable.columns, createdAt: 'time', updatedAt: 'time' },
};

export const managedTradeTable: Table<ManagedTradeRow> = {
  name: 'ManagedTrade',
  key: 'id',
  columns: {
    id: 'text',
    positionId: 'text',
    side: 'text',
    symbol: 'text',
    quantity: 'numeric',
    price: 'numeric',
    value: 'numeric',
    fee: 'numeric',
    strategy: 'text',
    executedAt: 'time',
    pnl: 'numeric?',
    isEntry: 'boolean',
    krakenOrderId: 'text',
  },
};

export const livePositionTable: Table<LivePositionRow> = {
  name: 'LivePosition',
  key: 'id',
  columns: {
    id: 'text',
    positionId: 'text',
    symbol: 'text',
    side: 'text',
    quantity: 'numeric',
    entryPrice: 'numeric',
    currentPrice: 'numeric',
    unrealizedPnL: 'numeric',
    exitsBelow: 'numeric?',
    exitsAbove: 'numeric?',
    netPnL: 'numeric?',
    totalFees: 'numeric',
    status: 'text',
    openedAt: 'time',
    closedAt: 'time?',
  },
};

export const storedLivePositionTable: Table<StoredLivePosition> = {
  ...livePositionTable,
  columns: {
    ...livePositionTable.columns,
    bestPrice: 'numeric?',
    markAgeMs: 'integer?',
    stage: 'text?',
    updatedAt: 'time',
  },
};

export const liveTradeTable: Table<LiveTradeRow> = {
  name: 'LiveTrade',
  key: 'id',
  columns: {
    id: 'text',
    positionId: 'text',
    symbol: 'text',
    side: 'text',
    quantity: 'numeric',
    price: 'numeric',
    fee: 'numeric',
    exchangeOrderId: 'text',
    exchangeTradeId: 'text',
    signalConfidence: 'exact-ratio',
    requestedAt: 'time',
    submittedAt: 'time',
    executedAt: 'time',
    slippage: 'numeric',
    purpose: 'text',
  },
};

export const ManagedPosition = entityOf(storedPositionTable);
export const ManagedTrade = entityOf(managedTradeTable);
export const LivePosition = entityOf(storedLivePositionTable);
export const LiveTrade = entityOf(liveTradeTable);
