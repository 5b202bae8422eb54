/**
 * Nonces of one key: microseconds since the epoch, strictly rising whatever the clock does.
 * Decimal text, because Kraken's nonces are 64 bit and a JS number is not.
 */
export function createNonceSource(now: () => number): () => string {
  let last = 0n;
  return () => {
    const micros = BigInt(Math.floor(now())) * 1000n;
    last = micros > last ? micros : last + 1n;
    return last.toString();
  };
}
