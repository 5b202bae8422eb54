import type { Logger } from 'pino';
import type { Tokens } from './auth.ts';
import type { Engine } from './engine.ts';
import type { Faults } from './faults.ts';
import type { Markets } from './market/markets.ts';
import type { OrderChanges } from './order-changes.ts';
import type { RateLimits } from './rate-limits.ts';
import type { Store } from './store.ts';
import type { TradingDesk } from './trading-desk.ts';

/** The parts of the exchange that its REST, WebSocket and control sides share. */
export interface PaperContext {
  readonly store: Store;
  readonly markets: Markets;
  readonly engine: Engine;
  readonly desk: TradingDesk;
  readonly changes: OrderChanges;
  readonly limits: RateLimits;
  readonly faults: Faults;
  readonly tokens: Tokens;
  readonly log: Logger | undefined;
}
