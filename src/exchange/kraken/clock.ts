/** Least and greatest offset (Kraken's clock minus ours, ms) that one answer allows. */
export interface OffsetRange {
  readonly low: number;
  readonly high: number;
}

/**
 * What one answer of Time proves. It tells whole seconds, cut off, and was read at some moment
 * between sending and receiving.
 */
export function offsetRange(unixSeconds: number, sentMs: number, receivedMs: number): OffsetRange {
  const resolutionMs = Number.isInteger(unixSeconds) ? 999 : 0;
  const serverMs = unixSeconds * 1000;
  return { low: serverMs - receivedMs, high: serverMs + resolutionMs - sentMs };
}

/** Several answers narrow the range; one that contradicts the earlier ones (a clock was set) replaces them. */
export function narrowed(earlier: OffsetRange | null, latest: OffsetRange): OffsetRange {
  if (earlier === null) return latest;
  // Clocks drift: what was proven a while ago is a little less sure now.
  const low = Math.max(earlier.low - DRIFT_ALLOWANCE_MS, latest.low);
  const high = Math.min(earlier.high + DRIFT_ALLOWANCE_MS, latest.high);
  return low <= high ? { low, high } : latest;
}

const DRIFT_ALLOWANCE_MS = 5;

/** Two clocks that may agree are taken to agree; else the middle of the range. */
export function bestOffset({ low, high }: OffsetRange): number {
  return low <= 0 && high >= 0 ? 0 : Math.round((low + high) / 2);
}

const REFRESH_AFTER_MS = 60_000;

export interface ExchangeClock {
  /** The last known offset; asks first when there is none, and asks in the background when it is old. */
  offsetMs(): Promise<number>;
  /** Asks now. */
  measure(): Promise<number>;
  /** The last known offset, or 0. */
  lastOffsetMs(): number;
}

export function createExchangeClock(askTime: () => Promise<number>, now: () => number): ExchangeClock {
  let range: OffsetRange | null = null;
  let measuredAtMs = 0;
  let asking: Promise<number> | null = null;

  async function ask(): Promise<number> {
    const sentMs = now();
    const unixSeconds = await askTime();
    const receivedMs = now();
    range = narrowed(range, offsetRange(unixSeconds, sentMs, receivedMs));
    measuredAtMs = receivedMs;
    return bestOffset(range);
  }

  function measure(): Promise<number> {
    asking ??= ask().finally(() => (asking = null));
    return asking;
  }

  return {
    measure,
    async offsetMs() {
      if (range === null) return measure();
      // An order must not wait for the clock: the old offset is good enough for the moment.
      if (Math.abs(now() - measuredAtMs) > REFRESH_AFTER_MS) measure().catch(() => undefined);
      return bestOffset(range);
    },
    lastOffsetMs: () => (range === null ? 0 : bestOffset(range)),
  };
}
