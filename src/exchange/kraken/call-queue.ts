import { ExchangeUnavailable, type CallPriority } from '../port.ts';
import type { CallBudget, CallCost } from './call-budget.ts';

const ORDER: readonly CallPriority[] = ['exit', 'entry', 'look-up', 'reconcile'];

/** The call was never started: its time was up while it waited for its turn. */
export class WaitedTooLong extends Error {
  override readonly name = 'WaitedTooLong';
}

export interface QueuedCall<T> {
  readonly cost: CallCost;
  readonly priority: CallPriority;
  /** Give up unless started within this time; waits for ever when absent. */
  readonly maxWaitMs?: number;
  /** Changes nothing, so that losing its nonce to a later call does no harm. */
  readonly isQuestion?: boolean;
  /** Starts the call; must settle. */
  readonly run: () => Promise<T>;
  /** How the answer is booked; as `sent` when absent. */
  readonly booking?: (answer: T) => Booking;
}

/** `unsent`: there was nothing to send after all. `counter-full`: the answer says so. */
export type Booking = 'sent' | 'unsent' | 'counter-full';

export interface CallQueue {
  add<T>(call: QueuedCall<T>): Promise<T>;
  waiting(): number;
  close(): void;
}

interface Entry {
  readonly cost: CallCost;
  readonly priority: CallPriority;
  /** An order or cancel that gets us out. */
  readonly isWayOut: boolean;
  readonly giveUpAtMs: number;
  readonly start: () => Promise<Booking>;
  readonly fail: (error: Error) => void;
}

/** So long a call may keep a way out waiting; an answer later than that is in trouble anyway. */
const OVERTAKE_AFTER_MS = 1_000;

/**
 * One private call in flight; among those waiting, the most urgent whose budget allows it goes first.
 * A call that must wait for its counter lets others pass that don't need it. Only an exit may overtake
 * a call in flight, one that hangs: if that one has not arrived yet its nonce is now stale, so that it is
 * refused; the exit itself is never overtaken.
 * @param nowMs a monotonic clock
 */
export function createCallQueue(budget: CallBudget, nowMs = () => performance.now()): CallQueue {
  const lanes = new Map<CallPriority, Entry[]>(ORDER.map((priority) => [priority, []]));
  const inFlight = new Map<Entry, number>();
  let closed = false;
  let timer: NodeJS.Timeout | undefined;

  function waiting(): Entry[] {
    return ORDER.flatMap((priority) => lanes.get(priority) ?? []);
  }

  function remove(entry: Entry): void {
    const lane = lanes.get(entry.priority);
    lane?.splice(lane.indexOf(entry), 1);
  }

  function dropOverdue(now: number): void {
    for (const entry of waiting()) {
      if (now < entry.giveUpAtMs) continue;
      remove(entry);
      entry.fail(new WaitedTooLong('the call waited for its turn until its time was up'));
    }
  }

  function pump(): void {
    clearTimeout(timer);
    const now = nowMs();
    dropOverdue(now);
    const entries = waiting();
    if (entries.length === 0) return;
    let nextMs = Math.min(...entries.map((entry) => entry.giveUpAtMs - now));
    for (const entry of entries) {
      const wait = Math.max(turnMs(entry, now), budget.waitMs(entry.cost, entry.priority, now));
      if (wait === 0) {
        remove(entry);
        void launch(entry);
        pump();
        return;
      }
      nextMs = Math.min(nextMs, wait);
    }
    if (Number.isFinite(nextMs)) timer = setTimeout(pump, Math.max(1, Math.ceil(nextMs)));
  }

  /** Ms until the entry may go beside what is in flight; `Infinity` while that must come back first. */
  function turnMs(entry: Entry, now: number): number {
    const [hanging, ...others] = inFlight;
    if (hanging === undefined) return 0;
    const [ahead, startedMs] = hanging;
    if (!entry.isWayOut || ahead.isWayOut || others.length > 0) return Infinity;
    return Math.max(0, startedMs + OVERTAKE_AFTER_MS - now);
  }

  async function launch(entry: Entry): Promise<void> {
    inFlight.set(entry, nowMs());
    const booking = await entry.start();
    const now = nowMs();
    if (booking !== 'unsent') budget.charge(entry.cost, now);
    if (booking === 'counter-full') budget.exhausted(entry.cost, now);
    inFlight.delete(entry);
    pump();
  }

  return {
    add<T>(call: QueuedCall<T>): Promise<T> {
      if (closed) return Promise.reject(new ExchangeUnavailable('the exchange client is closed'));
      return new Promise<T>((resolve, reject) => {
        lanes.get(call.priority)?.push({
          cost: call.cost,
          priority: call.priority,
          isWayOut: call.priority === 'exit' && call.isQuestion !== true,
          giveUpAtMs: call.maxWaitMs === undefined ? Infinity : nowMs() + call.maxWaitMs,
          fail: reject,
          async start() {
            try {
              const answer = await call.run();
              resolve(answer);
              return call.booking?.(answer) ?? 'sent';
            } catch (error) {
              reject(error instanceof Error ? error : new Error('a call failed without an error'));
              return 'unsent';
            }
          },
        });
        pump();
      });
    },
    waiting: () => waiting().length,
    close() {
      closed = true;
      clearTimeout(timer);
      for (const entry of waiting()) {
        remove(entry);
        entry.fail(new ExchangeUnavailable('the exchange client was closed'));
      }
    },
  };
}
