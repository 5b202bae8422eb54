/** How many of some doings have not ended yet. */
export class UnderWay {
  #count = 0;
  #waiting: (() => void)[] = [];

  /** Counts it until it ends, well or not. */
  async count<T>(doing: Promise<T>): Promise<T> {
    this.#count += 1;
    try {
      return await doing;
    } finally {
      this.#count -= 1;
      if (this.#count === 0) for (const resolve of this.#waiting.splice(0)) resolve();
    }
  }

  /** Resolves once none is under way. */
  none(): Promise<void> {
    if (this.#count === 0) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }
}
