import { EdgeHeap } from './edge-heap.ts';
import type { GuardedPosition } from './guarded-position.ts';

/** The guarded positions of one symbol, ordered by the prices at which they have to be asked about. */
export class GuardedSymbol {
  readonly #positions = new Set<GuardedPosition>();
  readonly #longs = new BandEdges();
  readonly #shorts = new BandEdges();

  get size(): number {
    return this.#positions.size;
  }

  [Symbol.iterator](): Iterator<GuardedPosition> {
    return this.#positions.values();
  }

  /** Puts a position where its present band belongs, whether or not it was there. */
  place(guarded: GuardedPosition): void {
    this.#positions.add(guarded);
    this.#edgesOf(guarded).place(guarded);
  }

  remove(guarded: GuardedPosition): void {
    this.#positions.delete(guarded);
    this.#edgesOf(guarded).remove(guarded);
  }

  /** Those whose band these prices leave. */
  crossed(bid: number, ask: number): readonly GuardedPosition[] {
    return [...this.#longs.crossed(bid), ...this.#shorts.crossed(ask)];
  }

  #edgesOf(guarded: GuardedPosition): BandEdges {
    return guarded.isLong ? this.#longs : this.#shorts;
  }
}

/** Both edges of the bands of positions that are valued at the same price. */
class BandEdges {
  /** Keyed by the negative price, so that the highest comes first. */
  readonly #floors = new EdgeHeap<GuardedPosition>();
  readonly #ceilings = new EdgeHeap<GuardedPosition>();

  place(guarded: GuardedPosition): void {
    this.#floors.place(guarded.floor, -guarded.asksBelow);
    this.#ceilings.place(guarded.ceiling, guarded.asksAbove);
  }

  remove(guarded: GuardedPosition): void {
    this.#floors.remove(guarded.floor);
    this.#ceilings.remove(guarded.ceiling);
  }

  crossed(mark: number): readonly GuardedPosition[] {
    const below = this.#floors.due((key) => -key > mark);
    const above = this.#ceilings.due((key) => key < mark);
    // One without a band yet is outside on both sides.
    return [...below, ...above.filter((guarded) => guarded.asksBelow <= mark)];
  }
}
