/** Lets a caller go on when it is its turn; rejects with `TooManyWaiting` when that is too far away. */
export type Pace = (maxWaitMs: number) => Promise<void>;

export class TooManyWaiting extends Error {
  override readonly name = 'TooManyWaiting';
}

/** Kraken bears about one public call a second and address, and a few at once. */
export const KRAKEN_PUBLIC_PACE = { burst: 10, perSecond: 1 };

/**
 * First come, first served.
 * @param nowMs a monotonic clock
 */
export function createPace(
  { burst, perSecond }: { readonly burst: number; readonly perSecond: number },
  nowMs = () => performance.now(),
): Pace {
  const intervalMs = 1000 / perSecond;
  /** When a steady caller, one call an interval, would go next. */
  let steadyMs = -Infinity;
  return async (maxWaitMs) => {
    const now = nowMs();
    const slotMs = Math.max(steadyMs, now - (burst - 1) * intervalMs);
    const waitMs = slotMs - now;
    if (waitMs > maxWaitMs) throw new TooManyWaiting(`${Math.ceil(waitMs / intervalMs)} calls are waiting`);
    steadyMs = slotMs + intervalMs;
    if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
  };
}

/** For an exchange of our own. */
export const UNPACED: Pace = () => Promise.resolve();
