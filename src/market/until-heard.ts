import { setTimeout as delay } from 'node:timers/promises';

const FIRST_RETRY_MS = 250;
const LONGEST_RETRY_MS = 5_000;

/** Tells a trade something until it is sure to have heard, however long Temporal is away. */
export async function untilHeard(
  tell: () => Promise<void>,
  onFailure: (error: unknown) => void,
): Promise<void> {
  for (let pauseMs = FIRST_RETRY_MS; ; pauseMs = Math.min(pauseMs * 2, LONGEST_RETRY_MS)) {
    try {
      await tell();
      return;
    } catch (error) {
      onFailure(error);
      await delay(pauseMs, undefined, { ref: false });
    }
  }
}
