import type { Decimal } from '../../domain/money.ts';
import type { Fill, OrderSide } from '../../domain/position.ts';
import type { OrderStatus } from '../port.ts';
import { fillOf, readExecutions, type Execution, type ExecutionsFrame } from './execution-frames.ts';
import { readJson, refusal } from './feed-frames.ts';
import type { AdapterLog } from './log.ts';
import { createSocket } from './socket.ts';

/** What is known of an order after an event. News, never proof: fills are proven by asking. */
export interface OrderNews {
  readonly exchangeOrderId: string;
  readonly clientOrderId: string | null;
  readonly symbol: string | null;
  readonly side: OrderSide | null;
  readonly status: OrderStatus;
  readonly quantity: Decimal | null;
  readonly filledQuantity: Decimal;
  readonly reason: string | null;
  /** The fill that this event brought; each is told once. */
  readonly fill: Fill | null;
}

export interface KrakenExecutionsOptions {
  /** Address of the WebSocket, version 2. */
  readonly wsUrl: string;
  /** A fresh token for the private channels. */
  readonly token: () => Promise<string>;
  readonly onOrder: (news: OrderNews) => void;
  /** After every (re)connection: what happened since then (our clock) may have been missed, so ask for it. */
  readonly onCatchUp: (sinceMs: number) => void;
  readonly log: AdapterLog;
  readonly now?: () => number;
  readonly staleAfterMs?: number;
}

export interface KrakenExecutions {
  /** True while news arrive without a gap. */
  live(): boolean;
  close(): Promise<void>;
}

const REMEMBERED_FILLS = 5_000;

const STATUS: Readonly<Record<string, OrderStatus>> = {
  pending_new: 'pending',
  new: 'open',
  partially_filled: 'open',
  filled: 'filled',
  canceled: 'cancelled',
  expired: 'expired',
};

export function createKrakenExecutions(options: KrakenExecutionsOptions): KrakenExecutions {
  const { token, onOrder, onCatchUp, log, now = Date.now, staleAfterMs = 5_000 } = options;
  const orders = new Map<string, OrderNews>();
  const toldFills = new Set<string>();
  let sequence: number | null = null;
  /** Nothing was missed up to then. */
  let completeUntilMs = now();
  let connection = 0;

  const socket = createSocket({
    wsUrl: privateAddress(options.wsUrl),
    log,
    clock: () => performance.now(),
    silenceMs: staleAfterMs * 2,
    onOpen: () => {
      connection += 1;
      sequence = null;
      orders.clear();
      void subscribe(connection);
    },
    onMessage: receive,
  });

  async function subscribe(forConnection: number): Promise<void> {
    try {
      const fresh = await token();
      if (forConnection !== connection) return;
      const params = { channel: 'executions', token: fresh, snap_orders: true, snap_trades: true };
      socket.send({ method: 'subscribe', params });
    } catch (error) {
      log.warn(
        { why: error instanceof Error ? error.message : 'unknown' },
        'no token for the private stream',
      );
      if (forConnection === connection) socket.restart('no token');
    }
  }

  function receive(text: string): void {
    const value = readJson(text);
    if (value === null) return;
    const why = refusal(value);
    if (why !== null) {
      log.warn({ why }, 'private subscription refused');
      socket.restart('subscription refused');
      return;
    }
    if ('channel' in value && value.channel === 'executions') receiveExecutions(readExecutions(value));
    // Any frame, a heartbeat above all, says that there was nothing else to tell until now.
    if (sequence !== null) completeUntilMs = now();
  }

  function receiveExecutions(frame: ExecutionsFrame | null): void {
    if (frame === null) {
      missed('an unreadable frame');
      return;
    }
    const first = frame.type === 'snapshot';
    if (!first) {
      // Repeated frames are old news.
      if (sequence !== null && frame.sequence <= sequence) return;
      if (frame.sequence !== (sequence ?? 0) + 1) {
        missed('a gap');
        return;
      }
    }
    sequence = frame.sequence;
    for (const event of frame.data) tell(event);
    // A snapshot tells of open orders and a few trades only; what closed meanwhile must be asked for.
    if (first) onCatchUp(completeUntilMs);
  }

  function missed(why: string): void {
    sequence = null;
    socket.restart(why);
  }

  function tell(event: Execution): void {
    const fill = fillOf(event);
    const isNew = fill !== null && !toldFills.has(fill.fillId);
    if (fill !== null && !isNew) return;
    if (fill !== null) rememberFill(fill.fillId);
    const before = orders.get(event.order_id);
    const news: OrderNews = {
      exchangeOrderId: event.order_id,
      clientOrderId: event.cl_ord_id ?? before?.clientOrderId ?? null,
      symbol: event.symbol ?? before?.symbol ?? null,
      side: event.side ?? before?.side ?? null,
      status: STATUS[event.order_status ?? ''] ?? before?.status ?? 'open',
      quantity: event.order_qty ?? before?.quantity ?? null,
      filledQuantity: event.cum_qty ?? before?.filledQuantity ?? '0',
      reason: event.reason ?? before?.reason ?? null,
      fill,
    };
    if (news.status === 'open' || news.status === 'pending') orders.set(event.order_id, news);
    else orders.delete(event.order_id);
    onOrder(news);
  }

  function rememberFill(id: string): void {
    toldFills.add(id);
    if (toldFills.size <= REMEMBERED_FILLS) return;
    const [oldest] = toldFills;
    if (oldest !== undefined) toldFills.delete(oldest);
  }

  return {
    live: () => sequence !== null && socket.connected() && (socket.silentForMs() ?? Infinity) < staleAfterMs,
    close: () => socket.close(),
  };
}

/** The exchange itself serves private channels on a host of their own; a paper exchange has only one. */
function privateAddress(wsUrl: string): string {
  const url = new URL(wsUrl);
  if (url.hostname === 'ws.kraken.com') url.hostname = 'ws-auth.kraken.com';
  return url.toString();
}
