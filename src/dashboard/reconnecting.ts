const RETRY_AFTER_MS = 1_000;

/**
 * A resource opened at first use, and again after a failure. So the dashboard runs, and says what is wrong,
 * while the thing itself can't be reached yet.
 */
export class Reconnecting<T> {
  readonly #open: () => Promise<T>;
  readonly #close: (resource: T) => Promise<void>;
  #opening: Promise<T> | null = null;
  #failure: { readonly error: Error; readonly atMs: number } | null = null;

  constructor(open: () => Promise<T>, close: (resource: T) => Promise<void>) {
    this.#open = open;
    this.#close = close;
  }

  /** Rejects with the error of opening; for a second after one without trying again. */
  get(): Promise<T> {
    if (this.#opening) return this.#opening;
    if (this.#failure && Date.now() - this.#failure.atMs < RETRY_AFTER_MS) {
      return Promise.reject(this.#failure.error);
    }
    this.#opening = this.#open().catch((error: unknown) => {
      this.#opening = null;
      const failure = error instanceof Error ? error : new Error(String(error));
      this.#failure = { error: failure, atMs: Date.now() };
      throw failure;
    });
    return this.#opening;
  }

  async close(): Promise<void> {
    const opened = await this.#opening?.catch(() => null);
    if (opened !== null && opened !== undefined) await this.#close(opened);
  }
}
