import { setTimeout as delay } from 'node:timers/promises';

/** It will never hold. */
export class GivenUp extends Error {
  override readonly name = 'GivenUp';
}

/** Polls until it holds; a question that fails is asked again. */
export async function until(what: string, boundMs: number, holds: () => Promise<boolean>): Promise<void> {
  const endsMs = performance.now() + boundMs;
  let last = 'it does not hold';
  while (performance.now() < endsMs) {
    try {
      if (await holds()) return;
    } catch (error) {
      if (error instanceof GivenUp) throw error;
      last = error instanceof Error ? error.message : String(error);
    }
    await delay(250);
  }
  throw new Error(`not within ${boundMs / 1_000} s: ${what} (${last})`);
}
