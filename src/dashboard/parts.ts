import type { Repositories } from '../../db/repositories/index.ts';
import type { HoldfastClient } from '../client.ts';
import type { Logger } from '../logging.ts';
import type { Health } from './health.ts';
import type { Positions } from './positions.ts';
import type { DashboardStats } from './stats.ts';

/** What the page needs to know of where it runs. */
export interface About {
  readonly exchange: 'paper' | 'live';
  readonly temporalNamespace: string;
  /** Null where the address of the Web UI is not known. */
  readonly temporalUi: string | null;
  /** The policy's minutes are divided by it. */
  readonly timeScale: number;
}

/** Everything that routes use. */
export interface DashboardParts {
  /** Rejects while the database can't be reached. */
  readonly repositories: () => Promise<
    Pick<Repositories, 'reader' | 'learning' | 'findings' | 'halts' | 'equity' | 'risk'>
  >;
  /** Rejects while Temporal can't be reached. */
  readonly client: () => Promise<HoldfastClient>;
  readonly positions: Positions;
  readonly health: () => Promise<Health>;
  readonly stats: (sinceMs: number) => Promise<DashboardStats>;
  readonly about: () => Promise<About>;
  readonly now: () => number;
  readonly log: Logger;
}
