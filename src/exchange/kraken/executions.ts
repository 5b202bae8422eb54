import { readExecutions, type ExecutionsFrame } from './execution-frames.ts';
import { readJson, refusal } from './feed-frames.ts';
import type { AdapterLog } from './log.ts';
import { createSocket } from './socket.ts';

export interface KrakenExecutionsOptions {
  /** Address of the WebSocket, version 2. */
  readonly wsUrl: string;
  /** A fresh token for the private channels. */
  readonly token: () => Promise<string>;
  /** An order of the account filled, in part or whole, or ended. News, never proof: ask for the order. */
  readonly onMoved: (exchangeOrderId: string) => void;
  /** Which client order id an order of the account carries; told again and again. */
  readonly onNamed: (exchangeOrderId: string, clientOrderId: string) => void;
  /** After every (re)connection: what happened before may have been missed, so ask for what matters. */
  readonly onCatchUp: () => void;
  readonly log: AdapterLog;
  readonly staleAfterMs?: number;
}

export interface KrakenExecutions {
  /** True while news arrive without a gap. */
  live(): boolean;
  close(): Promise<void>;
}

/** A key without the right to private streams must not spend its calls on asking for them. */
const TOKEN_RETRY_MS = 60_000;

/** The private stream of a key's own orders, on a connection of its own. */
export function createKrakenExecutions(options: KrakenExecutionsOptions): KrakenExecutions {
  const { token, onMoved, onNamed, onCatchUp, log, staleAfterMs = 5_000 } = options;
  let sequence: number | null = null;
  let connection = 0;
  let noTokenBeforeMs = -Infinity;
  let retry: NodeJS.Timeout | undefined;
  const clock = () => performance.now();

  const socket = createSocket({
    wsUrl: privateAddress(options.wsUrl),
    log,
    clock,
    silenceMs: staleAfterMs * 2,
    onOpen: () => {
      connection += 1;
      sequence = null;
      subscribeLater(connection);
    },
    onMessage: receive,
  });

  function subscribeLater(forConnection: number): void {
    clearTimeout(retry);
    retry = setTimeout(() => void subscribe(forConnection), Math.max(0, noTokenBeforeMs - clock()));
  }

  async function subscribe(forConnection: number): Promise<void> {
    try {
      const fresh = await token();
      if (forConnection !== connection) return;
      const params = { channel: 'executions', token: fresh, snap_orders: true, snap_trades: false };
      socket.send({ method: 'subscribe', params });
    } catch (error) {
      const why = error instanceof Error ? error.message : 'unknown';
      log.warn({ why }, 'no token for the private stream: fills are known by asking only');
      noTokenBeforeMs = clock() + TOKEN_RETRY_MS;
      if (forConnection === connection) subscribeLater(forConnection);
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
  }

  function receiveExecutions(frame: ExecutionsFrame | null): void {
    if (frame === null) {
      missed('an unreadable frame');
      return;
    }
    // Repeated frames are old news.
    if (sequence !== null && frame.sequence <= sequence) return;
    const isFirst = frame.type === 'snapshot';
    if (!isFirst && frame.sequence !== (sequence ?? 0) + 1) {
      missed('a gap');
      return;
    }
    sequence = frame.sequence;
    for (const { order_id, cl_ord_id } of frame.data)
      if (cl_ord_id !== undefined) onNamed(order_id, cl_ord_id);
    // A snapshot tells of what is open now, not of what closed while nobody listened.
    if (isFirst) onCatchUp();
    else for (const { order_id, exec_type } of frame.data) if (MOVES.has(exec_type)) onMoved(order_id);
  }

  function missed(why: string): void {
    sequence = null;
    socket.restart(why);
  }

  return {
    live: () => sequence !== null && socket.connected() && (socket.silentForMs() ?? Infinity) < staleAfterMs,
    close: async () => {
      clearTimeout(retry);
      // A token that is on its way is for nobody any more.
      connection += 1;
      await socket.close();
    },
  };
}

const MOVES = new Set(['trade', 'filled', 'canceled', 'expired']);

/** The exchange itself serves private channels on a host of their own; a paper exchange has only one. */
function privateAddress(wsUrl: string): string {
  const url = new URL(wsUrl);
  if (url.hostname === 'ws.kraken.com') url.hostname = 'ws-auth.kraken.com';
  return url.toString();
}
