/** Kraken bans an address for 10 minutes after about 150 connections in 10 minutes. */
const WINDOW_MS = 600_000;
const MAX_IN_WINDOW = 120;

const BACKOFF_MS = [0, 250, 1_000, 2_000, 5_000];

/** When the next connection may be tried. Times are monotonic ms. */
export interface ConnectionPace {
  /** Ms to wait before the next try; counts that try. */
  nextDelayMs(nowMs: number): number;
  /** The connection proved good: the next loss is answered at once. */
  succeeded(): void;
}

export function createConnectionPace(): ConnectionPace {
  const tries: number[] = [];
  let failures = 0;
  return {
    nextDelayMs(nowMs) {
      while (tries[0] !== undefined && tries[0] <= nowMs - WINDOW_MS) tries.shift();
      const backoffMs = BACKOFF_MS[Math.min(failures, BACKOFF_MS.length - 1)] ?? 0;
      const oldest = tries.length >= MAX_IN_WINDOW ? tries[tries.length - MAX_IN_WINDOW] : undefined;
      const fullMs = oldest === undefined ? 0 : oldest + WINDOW_MS - nowMs;
      const delayMs = Math.max(backoffMs, fullMs);
      failures += 1;
      tries.push(nowMs + delayMs);
      return delayMs;
    },
    succeeded() {
      failures = 0;
    },
  };
}
