export interface BenchOptions {
  readonly quick: boolean;
  /** Of the sizes of `exit` and `memory` only this one; all when null. */
  readonly positions: number | null;
  /** Of the mechanisms of `exit` only this one; all when null. */
  readonly mechanism: string | null;
}
