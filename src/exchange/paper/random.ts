/** Uniform in [0, 1), a pure function of its arguments (a 32-bit avalanche of the mixed words). */
export function noise(...words: readonly number[]): number {
  let hash = 0x9e3779b9;
  for (const word of words) {
    hash = Math.imul(hash ^ (word | 0), 0x85ebca6b);
    hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
    hash ^= hash >>> 16;
  }
  return (hash >>> 0) / 0x1_0000_0000;
}

/** A number for a name, to seed per pair. */
export function nameSeed(name: string): number {
  let hash = 0;
  for (const character of name) hash = Math.imul(hash, 31) + (character.codePointAt(0) ?? 0);
  return hash | 0;
}

/** Standard normal from two uniforms (Box-Muller). */
export function gaussian(first: number, second: number): number {
  return Math.sqrt(-2 * Math.log(1 - first)) * Math.cos(2 * Math.PI * second);
}
