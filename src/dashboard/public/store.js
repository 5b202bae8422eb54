/** What the page knows of open positions, with the marks it has seen. Listeners hear once a batch. */

const HISTORY = 600;

/** The last marks of a position, oldest first; fixed memory. */
class Marks {
  #times = new Float64Array(HISTORY);
  #prices = new Float64Array(HISTORY);
  #next = 0;
  length = 0;

  add(timeMs, price) {
    this.#times[this.#next] = timeMs;
    this.#prices[this.#next] = price;
    this.#next = (this.#next + 1) % HISTORY;
    this.length = Math.min(HISTORY, this.length + 1);
  }

  /** `[epoch seconds, prices]` of the newest `count`. */
  newest(count = HISTORY) {
    const size = Math.min(count, this.length);
    const times = new Array(size);
    const prices = new Array(size);
    for (let index = 0; index < size; index += 1) {
      const place = (this.#next - size + index + HISTORY) % HISTORY;
      times[index] = this.#times[place] / 1000;
      prices[index] = this.#prices[place];
    }
    return [times, prices];
  }
}

export class Store extends EventTarget {
  positions = new Map();
  #marks = new Map();
  /** Epoch ms by the server's clock of the newest batch, and ours when it came. */
  asOfMs = 0;
  #receivedAtMs = 0;
  isLoaded = false;

  /** Now by the server's clock. */
  now() {
    return this.asOfMs === 0 ? Date.now() : this.asOfMs + (Date.now() - this.#receivedAtMs);
  }

  marks(positionId) {
    return this.#marks.get(positionId) ?? new Marks();
  }

  apply({ asOfMs, full, positions, removed }) {
    this.asOfMs = asOfMs;
    this.#receivedAtMs = Date.now();
    const gone = full ? this.#absentIn(positions) : removed;
    for (const id of gone) {
      this.positions.delete(id);
      this.#marks.delete(id);
    }
    let isNew = gone.length > 0 || !this.isLoaded;
    for (const change of positions) {
      const known = this.positions.get(change.positionId);
      isNew ||= !known;
      this.positions.set(change.positionId, { ...known, ...change });
    }
    this.#remember(asOfMs);
    this.isLoaded = true;
    this.dispatchEvent(new CustomEvent('batch', { detail: { membersChanged: isNew } }));
  }

  #absentIn(positions) {
    const present = new Set(positions.map(({ positionId }) => positionId));
    return [...this.positions.keys()].filter((id) => !present.has(id));
  }

  /** A point for every position in every batch, moved or not: time goes on for all of them. */
  #remember(asOfMs) {
    for (const { positionId, markPrice } of this.positions.values()) {
      let marks = this.#marks.get(positionId);
      if (!marks) this.#marks.set(positionId, (marks = new Marks()));
      marks.add(asOfMs, Number(markPrice));
    }
  }
}
