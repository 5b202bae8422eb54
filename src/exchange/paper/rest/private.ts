import type { ApiKey } from '../state.ts';
import type { PaperContext } from '../context.ts';
import type { Params } from '../params.ts';

/** A private call that has passed authentication and rate limits. */
export interface PrivateCall {
  readonly name: string;
  readonly params: Params;
  readonly key: ApiKey;
  readonly accountId: string;
  readonly receivedAtMs: number;
  readonly nowMs: number;
  /** Of an armed listing lag: what happened within this time is not shown yet. */
  readonly lagMs: number;
  readonly context: PaperContext;
}

export interface PrivateEndpoint {
  /** Permissions that the key must have, all of them. */
  readonly needs: readonly string[];
  /** Result of the call. Throws KrakenError. */
  readonly handle: (call: PrivateCall) => unknown;
}
