import { LEASE_TIMEOUT_MS } from '../domain/safety-times.ts';

/** An order has to be accepted by the end of the lease, and the exchange wants at least 2 s of deadline. */
const LEAST_TO_FIRE_MS = 3_000;

export interface LeaseClocks {
  /** Epoch ms. */
  readonly wallMs: () => number;
  /** Monotonic ms. */
  readonly monotonicMs: () => number;
}

/**
 * The right to sell from memory. It lasts until the *sending* of the last acknowledged beat plus the
 * time-out, so it always ends before Temporal notices that the beats stopped. Both clocks must agree that
 * it lasts: the monotonic one stands still while a machine sleeps, the other may be set back.
 */
export class Lease {
  readonly #clocks: LeaseClocks;
  #endsMonotonicMs = -Infinity;
  #endsWallMs = -Infinity;

  constructor(clocks: LeaseClocks) {
    this.#clocks = clocks;
  }

  /** Take before a beat is sent; hand to `acknowledged` when its answer is there. */
  stamp(): { readonly wallMs: number; readonly monotonicMs: number } {
    return { wallMs: this.#clocks.wallMs(), monotonicMs: this.#clocks.monotonicMs() };
  }

  acknowledged(sent: ReturnType<Lease['stamp']>): void {
    this.#endsMonotonicMs = Math.max(this.#endsMonotonicMs, sent.monotonicMs + LEASE_TIMEOUT_MS);
    this.#endsWallMs = Math.max(this.#endsWallMs, sent.wallMs + LEASE_TIMEOUT_MS);
  }

  end(): void {
    this.#endsMonotonicMs = -Infinity;
    this.#endsWallMs = -Infinity;
  }

  leftMs(): number {
    const { wallMs, monotonicMs } = this.#clocks;
    return Math.max(0, Math.min(this.#endsMonotonicMs - monotonicMs(), this.#endsWallMs - wallMs()));
  }

  /** The latest deadline that an order may carry, epoch ms; null when there is not enough left to fire. */
  firingDeadlineMs(): number | null {
    const left = this.leftMs();
    return left < LEAST_TO_FIRE_MS ? null : Math.floor(this.#clocks.wallMs() + left);
  }
}
