import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '../logging.ts';
import type { ExitDecision, FiredExit, GuardRef, LastEvaluation } from '../workflows/messages.ts';
import type { Fire } from './firing.ts';
import type { ArmedTrade } from './guarded-position.ts';
import type { MarketHub } from './hub.ts';
import type { Lease } from './lease.ts';
import { UnderWay } from './under-way.ts';
import { untilHeard } from './until-heard.ts';

export interface GuardKeeperOptions {
  readonly hub: MarketHub;
  readonly lease: Lease;
  readonly fire: Fire;
  readonly taskQueue: string;
  /** Tells the trade; resolves when it is sure to have heard. */
  readonly tell: (tradeId: string, decision: ExitDecision) => Promise<void>;
  /** Whether another guard sees the exchange while this one doesn't. */
  readonly isBetterElsewhere: () => Promise<boolean>;
  readonly log: Logger;
}

/** The lease was given back, by a guard that knows what it has done. */
export interface Released {
  /** Positions for which it may have sent an order. */
  readonly soldPositions: readonly string[];
}

/** There is no lease just now: somebody else has to guard, or this worker a little later. */
export class NoLease extends Error {
  override readonly name = 'NoLease';
}

/** Older than a feed that works lets a mark become. */
const USABLE_MARK_MS = 5_000;
/** The trade tells people what it heard when it was armed, and looks again only after a minute. */
const FIRST_LOOK_MS = 750;
const FIRST_LOOK_EVERY_MS = 50;
/** A market that crashes decides many at once: so long the word of those that are sold lets the orders of the others pass. */
const TELLING_WAITS_MS = 250;
/** Longer than any trade takes to hear of what was fired. */
const REMEMBERED_MS = 3_600_000;

/**
 * One worker as a guard: what it holds in memory it may sell, once, while its lease lasts. Whatever was
 * fired is remembered, so that a trade that asks later gets the same answer and never a second order.
 */
export class GuardKeeper {
  readonly #options: GuardKeeperOptions;
  readonly #fired = new Map<string, Promise<FiredExit | null>>();
  readonly #sending = new UnderWay();
  /** When each was taken back, epoch ms by Temporal's clock. */
  readonly #takenBack = new Map<string, number>();
  #leaseId: string | null = null;
  #release: (() => void) | null = null;
  #holding: Promise<unknown> = Promise.resolve();
  #stopping = false;

  constructor(options: GuardKeeperOptions) {
    this.#options = options;
  }

  /** The lease under which this worker guards now. Throws {@link NoLease}. */
  guard(): GuardRef {
    const { leaseId } = this;
    if (leaseId === null || this.#stopping) throw new NoLease('this worker holds no lease now');
    return { leaseId, taskQueue: this.#options.taskQueue };
  }

  /**
   * Null from the moment at which it runs out, not only once a beat has been refused: a trade that was armed in between
   * would have missed the word that the lease is lost.
   */
  get leaseId(): string | null {
    return this.#options.lease.leftMs() > 0 ? this.#leaseId : null;
  }

  /** @param askedAtMs when Temporal was asked, epoch ms by its clock */
  async arm(
    trade: ArmedTrade,
    askedAtMs: number,
  ): Promise<{ guard: GuardRef; last: LastEvaluation | null; isNew: boolean }> {
    const { hub } = this.#options;
    const guard = this.guard();
    // An arming may be so late that the trade has begun to sell meanwhile. One asked later is of a trade begun anew.
    if (askedAtMs <= (this.#takenBack.get(trade.positionId) ?? -Infinity))
      throw new NoLease('the trade sells this position itself');
    const isNew = !hub.isGuarding(trade.positionId);
    if (this.#fired.has(firingKey(trade))) return { guard, last: null, isNew: false };
    const last = await hub.arm(trade);
    return { guard, last, isNew };
  }

  /** The first answer for a position that was armed before its symbol had a mark; null where none comes soon. */
  async firstLook(positionId: string): Promise<LastEvaluation | null> {
    for (let leftMs = FIRST_LOOK_MS; leftMs > 0; leftMs -= FIRST_LOOK_EVERY_MS) {
      const guarded = this.#options.hub.find(positionId);
      if (guarded === null || guarded.last) return guarded?.last ?? null;
      await delay(FIRST_LOOK_EVERY_MS);
    }
    return null;
  }

  /** What this worker knows of a position that is said to be armed under a lease. */
  holding(
    positionId: string,
    leaseId: string,
  ): { readonly isHeld: boolean; readonly last: LastEvaluation | null } | 'another lease' {
    if (this.#leaseId !== leaseId) return 'another lease';
    const guarded = this.#options.hub.find(positionId);
    return { isHeld: this.leaseId !== null && guarded !== null, last: guarded?.last ?? null };
  }

  /** A mark or a prediction decided: sell at once if allowed, then tell the trade until it has heard. */
  async decided(trade: ArmedTrade, last: LastEvaluation): Promise<void> {
    const { tell, lease, log } = this.#options;
    const { tradeId, positionId } = trade;
    if (lease.leftMs() === 0 && (last.markAgeMs ?? Infinity) > USABLE_MARK_MS) {
      // It was frozen, perhaps: somebody else guards the position by now, and knows the price.
      log.warn(
        { tradeId, positionId, event: 'decision-dropped' },
        'decided without a lease and by an old mark',
      );
      return;
    }
    const fired = await this.#fireOnce(trade);
    await Promise.race([this.#sending.none(), delay(TELLING_WAITS_MS, undefined, { ref: false })]);
    await untilHeard(
      () => tell(tradeId, { last, fired }),
      (err) =>
        log.error(
          { tradeId, positionId, event: 'decision-not-delivered', err },
          'the trade has not heard of the decision yet',
        ),
    );
  }

  /** The trade demands the exit itself, for good. Null when this guard neither holds the position nor has sold it. */
  async exitNow(positionId: string, askedAtMs: number): Promise<FiredExit | null> {
    const { hub } = this.#options;
    this.#takeBack(positionId, askedAtMs);
    const guarded = hub.find(positionId);
    if (!guarded) return this.#lastFiring(positionId);
    hub.disarm(positionId);
    return this.#fireOnce(guarded.trade);
  }

  /** Gives the position back, for good, without selling. What it has fired before, if anything. */
  async release(positionId: string, askedAtMs: number): Promise<FiredExit | null> {
    this.#takeBack(positionId, askedAtMs);
    this.#options.hub.disarm(positionId);
    return this.#lastFiring(positionId);
  }

  /** Gives the position back until it is armed again. What it has fired before, if anything. */
  async suspend(positionId: string): Promise<FiredExit | null> {
    this.#options.hub.disarm(positionId);
    return this.#lastFiring(positionId);
  }

  /**
   * Keeps the lease by beats that count only when they are acknowledged. One at a time: a lease that is held already is
   * given back first, so that its trades hear of it.
   * Throws what Temporal says when it doesn't know the lease any more.
   */
  async hold(
    leaseId: string,
    beat: () => Promise<void>,
    everyMs: number,
    renewAfterMs: number,
  ): Promise<Released | 'renew'> {
    this.#release?.();
    const held = this.#holding.then(() => this.#holdAlone(leaseId, beat, everyMs, renewAfterMs));
    this.#holding = held.catch(() => undefined);
    return held;
  }

  async #holdAlone(
    leaseId: string,
    beat: () => Promise<void>,
    everyMs: number,
    renewAfterMs: number,
  ): Promise<Released | 'renew'> {
    const { lease, hub, log } = this.#options;
    if (this.#leaseId !== leaseId) this.#dropAll();
    let isReleased = this.#stopping;
    const released = new Promise<'released'>((resolve) => {
      this.#release = () => {
        isReleased = true;
        resolve('released');
      };
    });
    const untilMs = performance.now() + renewAfterMs;
    let lost = false;
    try {
      while (!isReleased && performance.now() < untilMs) {
        const sent = lease.stamp();
        const answer = await Promise.race([released, beat().then(() => 'beat' as const, beatFailure)]);
        if (answer === 'released') break;
        if (answer === 'beat') {
          lease.acknowledged(sent);
          this.#leaseId = leaseId;
        } else if (answer === 'gone' || lease.leftMs() === 0) {
          lost = true;
          throw new NoLease('Temporal has ended the lease');
        }
        void this.#giveWayWhenBlind();
        await Promise.race([released, delay(everyMs)]);
      }
    } finally {
      this.#release = null;
      if (lost || isReleased) {
        log.warn({ event: 'lease-ended', leaseId, positions: hub.guarded().length }, 'lease ended');
        this.#dropAll();
      }
    }
    return isReleased ? { soldPositions: this.#firedPositions() } : 'renew';
  }

  /** Gives the lease back: nothing is sold from memory any more. */
  stop(): void {
    this.#stopping = true;
    this.#release?.();
  }

  /** What this guard can neither watch nor sell, another one may. Beats don't wait for the answer. */
  async #giveWayWhenBlind(): Promise<void> {
    const { isBetterElsewhere, log } = this.#options;
    const release = this.#release;
    try {
      if (!(await isBetterElsewhere())) return;
      log.warn(
        { event: 'guard-blind', leaseId: this.#leaseId },
        'no word from the exchange: another guard sees it',
      );
      release?.();
    } catch (err) {
      log.warn({ event: 'guards-not-asked', err }, 'who else sees the exchange could not be asked');
    }
  }

  #takeBack(positionId: string, askedAtMs: number): void {
    this.#takenBack.set(positionId, askedAtMs);
    setTimeout(() => this.#takenBack.delete(positionId), REMEMBERED_MS).unref();
  }

  #dropAll(): void {
    const { lease, hub } = this.#options;
    lease.end();
    this.#leaseId = null;
    for (const { trade } of hub.guarded()) hub.disarm(trade.positionId);
  }

  #fireOnce(trade: ArmedTrade): Promise<FiredExit | null> {
    const key = firingKey(trade);
    const before = this.#fired.get(key);
    if (before) return before;
    const firing = this.#sending.count(this.#options.fire(trade));
    if (trade.exit === null) return firing;
    this.#fired.set(key, firing);
    setTimeout(() => this.#fired.delete(key), REMEMBERED_MS).unref();
    return firing;
  }

  /** Whether it sold or not: those of which it can't be said that nothing was sent. */
  #firedPositions(): string[] {
    return [...new Set([...this.#fired.keys()].map((key) => key.split(' ')[0] ?? ''))];
  }

  async #lastFiring(positionId: string): Promise<FiredExit | null> {
    const known = [...this.#fired].filter(([key]) => key.startsWith(`${positionId} `)).at(-1);
    return known ? known[1] : null;
  }
}

function firingKey(trade: ArmedTrade): string {
  return `${trade.positionId} ${trade.exit?.leg ?? ''}`;
}

/** A beat that Temporal refuses because the activity is over ends the lease; any other failure is worth another try. */
function beatFailure(error: unknown): 'gone' | 'failed' {
  const { code } = error as { code?: number };
  const NOT_FOUND = 5;
  return code === NOT_FOUND ? 'gone' : 'failed';
}
