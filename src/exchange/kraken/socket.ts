import { WebSocket } from 'ws';
import { createConnectionPace } from './connection-pace.ts';
import type { AdapterLog } from './log.ts';

export interface SocketOptions {
  readonly wsUrl: string;
  readonly log: AdapterLog;
  /** Monotonic ms. */
  readonly clock: () => number;
  /** A connection that is silent for so long is given up and replaced. */
  readonly silenceMs: number;
  readonly onOpen: () => void;
  /** Text of one frame, and for how long nothing had come before it. */
  readonly onMessage: (text: string, silentForMs: number) => void;
}

/** One WebSocket connection that is always replaced when it is lost or falls silent. */
export interface Socket {
  /** False when there is no open connection; nothing is queued. */
  send(message: object): boolean;
  connected(): boolean;
  /** Ms since anything arrived on the present connection or, before that, since it was tried; null before the first try. */
  silentForMs(): number | null;
  reconnects(): number;
  /** Drops the present connection, to begin afresh. */
  restart(why: string): void;
  close(): Promise<void>;
}

const CLOSE_WAIT_MS = 1_000;
/** A connection that lasts so long was a good one: its loss is answered at once. */
const PROVEN_AFTER_MS = 10_000;

export function createSocket(options: SocketOptions): Socket {
  const { log, clock, silenceMs, onOpen, onMessage } = options;
  const wsUrl = withPath(options.wsUrl);
  // Without a subscription nothing but our own pings makes the exchange speak.
  const pingEveryMs = silenceMs / 3;
  const pace = createConnectionPace();
  let socket: WebSocket | null = null;
  let heardAtMs: number | null = null;
  let connections = 0;
  let closed = false;
  let retry: NodeJS.Timeout | undefined;
  let pingedAtMs = 0;

  const watchdog = setInterval(watch, Math.max(20, Math.min(1_000, silenceMs / 5)));
  connectLater();

  function connectLater(): void {
    if (closed) return;
    clearTimeout(retry);
    retry = setTimeout(connect, pace.nextDelayMs(clock()));
  }

  function connect(): void {
    let openedAtMs = Infinity;
    const current = new WebSocket(wsUrl, { handshakeTimeout: silenceMs, maxPayload: 16 * 1024 * 1024 });
    socket = current;
    heardAtMs = clock();
    current.on('open', () => {
      connections += 1;
      heardAtMs = clock();
      openedAtMs = heardAtMs;
      onOpen();
    });
    current.on('message', (data, isBinary) => {
      if (socket !== current || isBinary) return;
      const nowMs = clock();
      const silentForMs = nowMs - (heardAtMs ?? nowMs);
      heardAtMs = nowMs;
      if (nowMs - openedAtMs >= PROVEN_AFTER_MS) pace.succeeded();
      // Node's default binary type: one Buffer a message.
      if (Buffer.isBuffer(data)) onMessage(data.toString('utf8'), silentForMs);
    });
    current.on('error', (error) => log.warn({ why: error.message }, 'market stream failed'));
    current.on('close', (code) => {
      if (socket !== current) return;
      socket = null;
      if (!closed) log.warn({ code }, 'market stream lost, connecting again');
      connectLater();
    });
  }

  function watch(): void {
    const now = clock();
    if (socket?.readyState === WebSocket.OPEN && now - pingedAtMs >= pingEveryMs) {
      pingedAtMs = now;
      send({ method: 'ping' });
    }
    if (socket !== null && heardAtMs !== null && now - heardAtMs > silenceMs) restart('silent');
  }

  function restart(why: string): void {
    log.warn({ why }, 'market stream is replaced');
    socket?.terminate();
  }

  function send(message: object): boolean {
    if (socket?.readyState !== WebSocket.OPEN) return false;
    socket.send(JSON.stringify(message));
    return true;
  }

  return {
    send,
    restart,
    connected: () => socket?.readyState === WebSocket.OPEN,
    silentForMs: () => (heardAtMs === null ? null : clock() - heardAtMs),
    reconnects: () => Math.max(0, connections - 1),
    async close() {
      closed = true;
      clearTimeout(retry);
      clearInterval(watchdog);
      const current = socket;
      if (current === null) return;
      await new Promise<void>((resolve) => {
        const impatient = setTimeout(() => current.terminate(), CLOSE_WAIT_MS);
        current.once('close', () => {
          clearTimeout(impatient);
          resolve();
        });
        current.close();
      });
    },
  };
}

/** All channels live under `/v2`; a bare origin is understood. */
function withPath(wsUrl: string): string {
  const url = new URL(wsUrl);
  if (url.pathname === '/') url.pathname = '/v2';
  return url.toString();
}
