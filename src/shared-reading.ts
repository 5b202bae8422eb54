/** A scrape is answered within this, whatever the database does. */
const PATIENCE_MS = 2_000;

/**
 * The gauges of one scrape collect side by side: `readers` of them share one reading. Null when it fails or is
 * late.
 */
export function sharedReading<T>(readers: number, read: () => Promise<T>): () => Promise<T | null> {
  let current: Promise<T | null> | null = null;
  let left = 0;
  return () => {
    if (current === null || left === 0) [current, left] = [inTime(read), readers];
    left -= 1;
    return current;
  };
}

async function inTime<T>(read: () => Promise<T>): Promise<T | null> {
  const late = new Promise<null>((resolve) => setTimeout(resolve, PATIENCE_MS, null).unref());
  return Promise.race([read().catch(() => null), late]);
}
