import { createHash } from 'node:crypto';

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

/**
 * Kraken-shaped ids (`OABCDE-FGHIJ-KLMNOP`): O orders, T trades, L ledger entries.
 * A function of the journal's own id space and a running number, so two exchanges never share an id.
 */
export function krakenId(prefix: 'O' | 'T' | 'L', idSpace: string, number: number): string {
  const digest = createHash('sha256').update(`${idSpace}/${prefix}/${number}`).digest();
  let characters: string = prefix;
  for (let index = 0; characters.length < 17; index += 1) {
    characters += ALPHABET[(digest[index] ?? 0) & 31] ?? 'A';
  }
  return `${characters.slice(0, 6)}-${characters.slice(6, 11)}-${characters.slice(11)}`;
}
