/** Thirds of the studies by age. */
export type Third = 'newest' | 'middle' | 'oldest';

const IN_TURN: readonly Third[] = ['newest', 'middle', 'oldest'];

/**
 * The third that judges a step after so many refusals in a row. The newest one first; each refusal passes the office
 * on, so that no single run of luck can refuse what the others would have, and no trade is kept unseen for ever.
 */
export function judgingThird(refusals: number): Third {
  return IN_TURN[refusals % IN_TURN.length] ?? 'newest';
}

/** `ordered` is oldest first; `newest` is part of `seen` unless it is `unseen`. */
export function splitBy<T>(third: Third, ordered: readonly T[]): { seen: T[]; unseen: T[]; newest: T[] } {
  const size = Math.floor(ordered.length / IN_TURN.length);
  const end = ordered.length - IN_TURN.indexOf(third) * size;
  const start = end - size;
  return {
    seen: [...ordered.slice(0, start), ...ordered.slice(end)],
    unseen: ordered.slice(start, end),
    newest: ordered.slice(ordered.length - size),
  };
}
