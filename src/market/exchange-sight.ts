import type { MarketFeed } from '../exchange/port.ts';
import type { GuardReport, Leases } from '../leases.ts';

/** The stream speaks at least every 3.4 s, were it only to our pings; requests stand in for it from 5 s on. */
const BLIND_AFTER_MS = 6_000;

/** Whether this worker hears of the exchange and, where it does not, whether another guard does. */
export class ExchangeSight {
  readonly #feed: Pick<MarketFeed, 'status'>;
  readonly #leases: Pick<Leases, 'beating'>;
  readonly #now: () => number;

  constructor(options: {
    feed: Pick<MarketFeed, 'status'>;
    leases: Pick<Leases, 'beating'>;
    now: () => number;
  }) {
    this.#feed = options.feed;
    this.#leases = options.leases;
    this.#now = options.now;
  }

  sees(): boolean {
    const { lastHeardMs } = this.#feed.status();
    return lastHeardMs !== null && this.#now() - lastHeardMs <= BLIND_AFTER_MS;
  }

  /**
   * True when positions are better off elsewhere: blind here, seen there. While nobody sees the exchange nobody
   * could sell either, and everything stays where it is.
   */
  async isBetterElsewhere(ownTaskQueue: string): Promise<boolean> {
    if (this.sees()) return false;
    const isSeeing = ({ taskQueue, seesExchange }: GuardReport) => seesExchange && taskQueue !== ownTaskQueue;
    return (await this.#leases.beating()).some(isSeeing);
  }
}
