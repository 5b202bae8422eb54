/** Something in a heap; `slot` is its place there, -1 outside. */
export interface Edge<Owner> {
  readonly owner: Owner;
  key: number;
  slot: number;
}

export function edgeOf<Owner>(owner: Owner): Edge<Owner> {
  return { owner, key: Infinity, slot: -1 };
}

/** Edges by key, the least first; any of them can be moved or taken out, in logarithmic time. */
export class EdgeHeap<Owner> {
  readonly #edges: Edge<Owner>[] = [];

  get size(): number {
    return this.#edges.length;
  }

  /** Puts an edge where its new key belongs, whether or not it was there. */
  place(edge: Edge<Owner>, key: number): void {
    edge.key = key;
    if (edge.slot < 0) edge.slot = this.#edges.push(edge) - 1;
    this.#settle(edge);
  }

  remove(edge: Edge<Owner>): void {
    if (edge.slot < 0) return;
    const last = this.#edges.pop();
    if (last && last !== edge) {
      last.slot = edge.slot;
      this.#settle(last);
    }
    edge.slot = -1;
  }

  /** Whose key is due, where every key less than a due one is due too; the others cost nothing. */
  due(isDue: (key: number) => boolean): Owner[] {
    const found: Owner[] = [];
    const slots = [0];
    for (let slot = slots.pop(); slot !== undefined; slot = slots.pop()) {
      const edge = this.#edges[slot];
      if (!edge || !isDue(edge.key)) continue;
      found.push(edge.owner);
      slots.push(2 * slot + 1, 2 * slot + 2);
    }
    return found;
  }

  /** Up or down from its slot, until no parent is greater and no child less. */
  #settle(edge: Edge<Owner>): void {
    const edges = this.#edges;
    let { slot } = edge;
    while (slot > 0) {
      const parent = edges[(slot - 1) >> 1];
      if (!parent || parent.key <= edge.key) break;
      edges[slot] = parent;
      [parent.slot, slot] = [slot, parent.slot];
    }
    for (;;) {
      const child = lesser(edges[2 * slot + 1], edges[2 * slot + 2]);
      if (!child || child.key >= edge.key) break;
      edges[slot] = child;
      [child.slot, slot] = [slot, child.slot];
    }
    edges[slot] = edge;
    edge.slot = slot;
  }
}

function lesser<Owner>(
  left: Edge<Owner> | undefined,
  right: Edge<Owner> | undefined,
): Edge<Owner> | undefined {
  return left && right && right.key < left.key ? right : left;
}
