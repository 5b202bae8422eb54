import { judgeFindings } from '../../../src/domain/audit/judge.ts';
import type {
  AuditedOrder,
  PositionRowView,
  RunningTradeView,
  ThreeViews,
} from '../../../src/domain/audit/views.ts';

/** What exchange, workflows and database say, each as small as it can be. */

export const NOW = 1_800_000_000_000;

export function entry(id: string, over: Partial<AuditedOrder> = {}): AuditedOrder {
  return {
    exchangeOrderId: id,
    clientOrderId: `hfe${id}`,
    direction: 'entry',
    owner: null,
    symbol: 'BTC/USD',
    side: 'buy',
    quantity: '1',
    filledQuantity: '1',
    isOpen: false,
    openedAtMs: NOW - 600_000,
    ...over,
  };
}

export function exit(id: string, over: Partial<AuditedOrder> = {}): AuditedOrder {
  const later = { direction: 'exit', side: 'sell', openedAtMs: NOW - 300_000 } as const;
  return entry(id, { clientOrderId: `hfx${id}`, ...later, ...over });
}

export const byHand = (id: string, over: Partial<AuditedOrder> = {}) =>
  exit(id, { direction: null, clientOrderId: null, ...over });

export function row(orderId: string, over: Partial<PositionRowView> = {}): PositionRowView {
  return {
    id: `kraken-${orderId}`,
    tradeId: `t-${orderId}`,
    status: 'open',
    symbol: 'BTC/USD',
    side: 'long',
    quantity: '1',
    createdAtMs: NOW - 600_000,
    openedAtMs: NOW - 600_000,
    isComplete: true,
    ...over,
  };
}

export function watched(orderId: string, over: Partial<RunningTradeView> = {}): RunningTradeView {
  const what = { symbol: 'BTC/USD', side: 'long', positionId: `kraken-${orderId}` } as const;
  return { tradeId: `t-${orderId}`, stage: 'open', ...what, ...over };
}

export function views(over: Partial<ThreeViews>): ThreeViews {
  return {
    nowMs: NOW,
    orders: [],
    balances: [],
    margin: [],
    dust: new Map([['BTC', '0.0001']]),
    running: [],
    positions: [],
    reservations: [],
    stops: [],
    ...over,
  };
}

export const stop = (over: Partial<AuditedOrder> = {}) =>
  exit('S', { owner: { tradeId: 't-A', leg: 'stop-1' }, ...over });
export const RESTING = { isOpen: true, filledQuantity: '0' } as const;
export const ownEntry = entry('A', { owner: { tradeId: 't-A', leg: 'entry' } });
export const recorded = [{ tradeId: 't-A', exchangeOrderId: 'S', sinceMs: NOW - 300_000 }];

export const held = (total: string) => [{ asset: 'BTC', total }];

export const judged = (over: Partial<ThreeViews>) =>
  judgeFindings(views(over)).map(({ kind, subject, remedy }) => `${kind} ${subject} ${remedy}`);
