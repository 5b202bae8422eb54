import type { FeedStatus, MarketFeed, Quote } from '../port.ts';
import { readFrame, type Tick } from './feed-frames.ts';
import type { AdapterLog } from './log.ts';
import { createSocket } from './socket.ts';

export interface KrakenFeedOptions {
  /** Address of the public WebSocket, version 2. */
  readonly wsUrl: string;
  readonly log: AdapterLog;
  /** Stands in for the stream while it is silent. */
  readonly restQuotes: (symbols: readonly string[]) => Promise<readonly Quote[]>;
  /** Our clock, epoch ms: the time stamp of quotes. */
  readonly now?: () => number;
  /** Silence, heartbeats included, after which quotes are asked for. Twice that replaces the connection. */
  readonly staleAfterMs?: number;
}

const HOUSEKEEPING_MS = 1_000;

export function createKrakenFeed(options: KrakenFeedOptions): MarketFeed {
  const { wsUrl, log, restQuotes, now = Date.now, staleAfterMs = 5_000 } = options;
  const clock = () => performance.now();
  const uses = new Map<string, number>();
  /** The newest price of each symbol from the present connection. */
  const standing = new Map<string, Quote>();
  /** Symbols that the present connection has not given a price for, and since when. */
  const silentSince = new Map<string, number>();
  const listeners: ((quote: Quote) => void)[] = [];
  let lastMessageMs: number | null = null;
  let lastHeardMs: number | null = null;
  let asking = false;

  const socket = createSocket({
    wsUrl,
    log,
    clock,
    silenceMs: staleAfterMs * 2,
    onOpen: () => {
      standing.clear();
      request('subscribe', [...uses.keys()]);
    },
    onMessage: receive,
  });
  const housekeeping = setInterval(
    () => {
      affirm();
      askIfStale();
    },
    Math.min(HOUSEKEEPING_MS, staleAfterMs / 2),
  );

  function request(method: 'subscribe' | 'unsubscribe', symbols: readonly string[]): void {
    if (symbols.length === 0) return;
    socket.send({ method, params: { channel: 'ticker', symbol: symbols, event_trigger: 'bbo' } });
    if (method === 'unsubscribe') return;
    for (const symbol of symbols) if (!silentSince.has(symbol)) silentSince.set(symbol, clock());
  }

  function receive(frame: string, silentForMs: number): void {
    if (silentForMs > staleAfterMs) {
      // Frames may have been lost with the silence; only a new connection begins with a whole picture.
      socket.restart('was silent');
      return;
    }
    lastMessageMs = lastHeardMs = now();
    const read = readFrame(frame);
    if (read.kind === 'ticks') for (const tick of read.ticks) receiveTick(tick, lastMessageMs);
    else if (read.kind === 'refused') log.warn({ why: read.why }, 'market subscription refused');
    else if (read.kind === 'unreadable') log.warn({}, 'unreadable market frame');
  }

  function receiveTick({ symbol, bid, ask, last }: Tick, receivedAtMs: number): void {
    if (!uses.has(symbol)) return;
    silentSince.delete(symbol);
    const quote: Quote = { symbol, bid, ask, last, receivedAtMs, via: 'stream' };
    standing.set(symbol, quote);
    tell(quote);
  }

  /** A price that is not told anew has not changed: while anything arrives at all, it stands. */
  function affirm(): void {
    if (lastMessageMs === null || !socket.connected()) return;
    for (const [symbol, quote] of standing) {
      if (lastMessageMs - quote.receivedAtMs < HOUSEKEEPING_MS) continue;
      const affirmed = { ...quote, receivedAtMs: lastMessageMs };
      standing.set(symbol, affirmed);
      tell(affirmed);
    }
  }

  function tell(quote: Quote): void {
    for (const listener of listeners) {
      try {
        listener(quote);
      } catch (error) {
        // One listener's fault must not cost the others their marks.
        log.error({ symbol: quote.symbol, error }, 'a market listener failed');
      }
    }
  }

  /** All symbols when the stream is down or silent; else those the stream has nothing for. */
  function staleSymbols(): string[] {
    const silentForMs = socket.silentForMs();
    const symbols = [...uses.keys()];
    if (!socket.connected() || silentForMs === null || silentForMs > staleAfterMs) return symbols;
    return symbols.filter((symbol) => {
      const since = silentSince.get(symbol);
      return since !== undefined && clock() - since > staleAfterMs;
    });
  }

  function askIfStale(): void {
    const symbols = staleSymbols();
    if (asking || symbols.length === 0) return;
    asking = true;
    restQuotes(symbols)
      .then((quotes) => {
        lastHeardMs = now();
        for (const quote of quotes) if (uses.has(quote.symbol)) tell(quote);
      })
      .catch((error: unknown) => {
        log.warn({ why: error instanceof Error ? error.message : 'unknown' }, 'no quotes by request either');
      })
      .finally(() => (asking = false));
  }

  return {
    subscribe(symbols) {
      const added = symbols.filter((symbol) => !uses.has(symbol));
      for (const symbol of symbols) uses.set(symbol, (uses.get(symbol) ?? 0) + 1);
      request('subscribe', [...new Set(added)]);
    },
    unsubscribe(symbols) {
      const removed: string[] = [];
      for (const symbol of symbols) {
        const left = (uses.get(symbol) ?? 0) - 1;
        if (left > 0) uses.set(symbol, left);
        else if (uses.delete(symbol)) removed.push(symbol);
        if (left > 0) continue;
        silentSince.delete(symbol);
        standing.delete(symbol);
      }
      request('unsubscribe', removed);
    },
    onQuote(listener) {
      listeners.push(listener);
    },
    status(): FeedStatus {
      return { connected: socket.connected(), lastMessageMs, lastHeardMs, reconnects: socket.reconnects() };
    },
    async close() {
      clearInterval(housekeeping);
      await socket.close();
    },
  };
}
