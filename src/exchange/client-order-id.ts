import { createHash } from 'node:crypto';

/**
 * `entry`, then `exit-1`, `exit-2`, … and, beside them, the protective stops `stop-1`, `stop-2`, …: a number moves on
 * only after the previous leg of its kind is proven finished.
 */
export type Leg = 'entry' | `exit-${number}` | `stop-${number}`;

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
const HASH_CHARACTERS = 15;

/**
 * The one client order id of an intent, for ever: `hfe` or `hfx` and 15 characters of
 * base32(SHA-256(workflow id, leg)). 18 characters is the most that Kraken's free form takes.
 */
export function clientOrderId(workflowId: string, leg: Leg): string {
  const digest = createHash('sha256').update(`${workflowId}\n${leg}`).digest();
  return (leg === 'entry' ? 'hfe' : 'hfx') + base32(digest, HASH_CHARACTERS);
}

/** Whose an order is, told from the exchange alone. */
export function ownDirection(id: string | null): 'entry' | 'exit' | null {
  const match = /^hf([ex])[A-Z2-7]{15}$/.exec(id ?? '');
  if (!match) return null;
  return match[1] === 'e' ? 'entry' : 'exit';
}

/** The first characters of RFC 4648 base32. */
function base32(bytes: Uint8Array, characters: number): string {
  let text = '';
  let held = 0;
  let bits = 0;
  for (const byte of bytes) {
    held = (held << 8) | byte;
    for (bits += 8; bits >= 5 && text.length < characters; bits -= 5)
      text += ALPHABET.charAt((held >> (bits - 5)) & 31);
    if (text.length === characters) break;
    held &= (1 << bits) - 1;
  }
  return text;
}
