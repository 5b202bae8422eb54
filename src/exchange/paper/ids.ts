import { createHash } from 'node:crypto';

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

/**
 * Kraken-shaped ids (`OABCDE-FGHIJ-KLMNOP`): O orders, T trades, L ledger entries.
 * A function of the seed and a running number, so the same seed and calls give the same ids.
 */
export function krakenId(prefix: 'O' | 'T' | 'L', seed: number, number: number): string {
  const digest = createHash('sha256').update(`${seed}/${prefix}/${number}`).digest();
  let characters: string = prefix;
  for (let index = 0; characters.length < 17; index += 1) {
    characters += ALPHABET[(digest[index] ?? 0) & 31] ?? 'A';
  }
  return `${characters.slice(0, 6)}-${characters.slice(6, 11)}-${characters.slice(11)}`;
}
