import { setTimeout as delay } from 'node:timers/promises';
import type { Exchange } from '../exchange/port.ts';
import type { Logger } from '../logging.ts';
import { untilHeard } from './until-heard.ts';

export interface OrderWatchOptions {
  readonly exchange: Pick<Exchange, 'order'>;
  /** Has the trade ask for its order. */
  readonly tell: (tradeId: string, exchangeOrderId: string) => Promise<void>;
  readonly log: Logger;
}

/** An order as far as it has been proven. */
interface Seen {
  readonly isFinished: boolean;
  readonly fills: readonly unknown[];
}

interface Watched {
  readonly tradeId: string;
  /** Fills that the trade knows of. */
  knownFills: number;
  /** The trade has been told of something and has not asked since. */
  isTold: boolean;
  isAsking: boolean;
  /** While it was being asked for: the answer may be older. */
  hasMovedMeanwhile: boolean;
}

const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 30_000;

/**
 * Orders that still rest, in the memory of the worker that asked for them last. The private stream tells it that
 * one of them moved, and it has the trade ask: a fill is known at once instead of at the next look, and proven all
 * the same. After a gap in the stream it compares for itself.
 */
export class OrderWatch {
  readonly #options: OrderWatchOptions;
  readonly #orders = new Map<string, Watched>();
  readonly #comparing = new Set<string>();
  #gaps = 0;

  constructor(options: OrderWatchOptions) {
    this.#options = options;
  }

  /** Reads an order for its trade; while it can still fill the trade hears of whatever happens after this. */
  async read<T extends Seen>(exchangeOrderId: string, tradeId: string, ask: () => Promise<T>): Promise<T> {
    const before = this.#orders.get(exchangeOrderId);
    const watched: Watched = {
      tradeId,
      knownFills: before?.knownFills ?? 0,
      isTold: false,
      isAsking: true,
      hasMovedMeanwhile: false,
    };
    this.#orders.set(exchangeOrderId, watched);
    try {
      const order = await ask();
      watched.knownFills = order.fills.length;
      if (order.isFinished) this.#orders.delete(exchangeOrderId);
      return order;
    } finally {
      watched.isAsking = false;
      if (watched.hasMovedMeanwhile) this.moved(exchangeOrderId);
    }
  }

  /** News of any order of the account. */
  moved(exchangeOrderId: string): void {
    const watched = this.#orders.get(exchangeOrderId);
    if (!watched || watched.isTold) return;
    if (watched.isAsking) {
      watched.hasMovedMeanwhile = true;
      return;
    }
    watched.isTold = true;
    const { tradeId } = watched;
    const { tell, log } = this.#options;
    void untilHeard(
      () => tell(tradeId, exchangeOrderId),
      (err) => log.warn({ tradeId, event: 'order-news-not-delivered', err }, 'the trade has not heard yet'),
    );
  }

  /** The stream had a gap: whatever is watched may have moved. */
  catchUp(): void {
    this.#gaps += 1;
    for (const exchangeOrderId of this.#orders.keys()) {
      if (this.#comparing.has(exchangeOrderId)) continue;
      this.#comparing.add(exchangeOrderId);
      void this.#compare(exchangeOrderId).finally(() => this.#comparing.delete(exchangeOrderId));
    }
  }

  async #compare(exchangeOrderId: string): Promise<void> {
    for (let pauseMs = FIRST_RETRY_MS; ; pauseMs = Math.min(pauseMs * 2, LONGEST_RETRY_MS)) {
      if (!this.#orders.has(exchangeOrderId)) return;
      const gaps = this.#gaps;
      try {
        const order = await this.#options.exchange.order(exchangeOrderId, 'look-up');
        const watched = this.#orders.get(exchangeOrderId);
        if (!order || !watched) return;
        // What was asked before the newest gap says nothing about it.
        if (gaps !== this.#gaps) continue;
        const isOpen = order.status === 'open' || order.status === 'pending';
        if (!isOpen || order.fills.length !== watched.knownFills) this.moved(exchangeOrderId);
        return;
      } catch {
        await delay(pauseMs, undefined, { ref: false });
      }
    }
  }
}
