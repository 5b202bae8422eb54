import { ExchangeUnavailable, type CallPriority } from '../port.ts';
import type { CallBudget, CallCost } from './call-budget.ts';

/** Orders and cancels that get us out wait behind no question, not even behind those that other exits ask. */
const WAY_OUT = 'way-out';
type Lane = typeof WAY_OUT | CallPriority;
const ORDER: readonly Lane[] = [WAY_OUT, 'exit', 'entry', 'look-up', 'reconcile'];

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
  /** Starts the call; must settle. What costs more than `cost` may only be sent if it fits. */
  readonly run: (fits: (cost: CallCost) => boolean) => Promise<T>;
  /** How the answer is booked; as `sent` when absent. */
  readonly booking?: (answer: T) => Booking;
  /** What was spent; `cost` when absent. */
  readonly spent?: (answer: T) => CallCost;
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
  readonly lane: Lane;
  readonly isQuestion: boolean;
  readonly start: () => Promise<{ booking: Booking; spent: CallCost }>;
  readonly fail: (error: Error) => void;
  giveUp?: NodeJS.Timeout;
}

const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** So long a call that changes something may keep a way out waiting; an answer later than that is in trouble anyway. */
const OVERTAKE_AFTER_MS = 1_000;

/**
 * One private call in flight; among those waiting, the most urgent whose budget allows it goes first.
 * A call that must wait for its counter lets others pass that don't need it. Only an order or cancel that
 * gets us out may overtake a call in flight: a question at once, anything else when it hangs. If that one has
 * not arrived yet its nonce is now stale, so that it is refused; a question is then asked again. The way out
 * itself is never overtaken.
 * @param nowMs a monotonic clock
 */
export function createCallQueue(
  budget: Omit<CallBudget, 'used'>,
  nowMs = () => performance.now(),
): CallQueue {
  const lanes = new Map<Lane, Entry[]>(ORDER.map((lane) => [lane, []]));
  const inFlight = new Map<Entry, number>();
  let closed = false;
  let timer: NodeJS.Timeout | undefined;
  let timerAtMs = Infinity;

  function waiting(): Entry[] {
    return ORDER.flatMap((lane) => lanes.get(lane) ?? []);
  }

  function remove(entry: Entry): void {
    clearTimeout(entry.giveUp);
    const lane = lanes.get(entry.lane);
    lane?.splice(lane.indexOf(entry), 1);
  }

  function drop(entry: Entry, error: Error): void {
    remove(entry);
    entry.fail(error);
  }

  /** Starts what may start; otherwise comes back when the first of them may. */
  function pump(): void {
    clearTimeout(timer);
    timerAtMs = Infinity;
    const now = nowMs();
    for (const entry of candidates()) if (startOrPlan(entry, now)) return;
  }

  /** Who could go if the budget allows, most urgent first; mostly nobody, so that long lanes cost nothing. */
  function* candidates(): Iterable<Entry> {
    const [ahead, ...others] = inFlight.keys();
    if (ahead !== undefined && (ahead.lane === WAY_OUT || others.length > 0)) return;
    for (const lane of ORDER) {
      yield* lanes.get(lane) ?? [];
      if (ahead !== undefined) return;
    }
  }

  function startOrPlan(entry: Entry, now: number): boolean {
    const wait = Math.max(turnMs(now), budget.waitMs(entry.cost, entry.priority, now));
    if (wait > 0) {
      plan(now + wait, now);
      return false;
    }
    remove(entry);
    void launch(entry);
    pump();
    return true;
  }

  /** Ms until what is in flight may be overtaken by a way out. */
  function turnMs(now: number): number {
    const [[ahead, startedMs] = []] = inFlight;
    if (ahead === undefined || startedMs === undefined || ahead.isQuestion) return 0;
    return Math.max(0, startedMs + OVERTAKE_AFTER_MS - now);
  }

  function plan(atMs: number, now: number): void {
    if (atMs >= timerAtMs) return;
    clearTimeout(timer);
    timerAtMs = atMs;
    timer = setTimeout(pump, Math.max(1, Math.ceil(atMs - now)));
  }

  async function launch(entry: Entry): Promise<void> {
    inFlight.set(entry, nowMs());
    const { booking, spent } = await entry.start();
    const now = nowMs();
    if (booking !== 'unsent') budget.charge(spent, now);
    if (booking === 'counter-full') budget.exhausted(spent, now);
    inFlight.delete(entry);
    pump();
  }

  function enqueue(entry: Entry, maxWaitMs: number | undefined): void {
    lanes.get(entry.lane)?.push(entry);
    if (maxWaitMs !== undefined) {
      const tooLate = new WaitedTooLong('the call waited for its turn until its time was up');
      entry.giveUp = setTimeout(
        () => drop(entry, tooLate),
        Math.min(Math.max(0, maxWaitMs), LONGEST_TIMER_MS),
      );
    }
    // All others have been considered before, and are no further now.
    const [ahead] = inFlight.keys();
    const mayOvertake = inFlight.size === 1 && entry.lane === WAY_OUT && ahead?.lane !== WAY_OUT;
    if (ahead === undefined || mayOvertake) startOrPlan(entry, nowMs());
  }

  return {
    add<T>(call: QueuedCall<T>): Promise<T> {
      if (closed) return Promise.reject(new ExchangeUnavailable('the exchange client is closed'));
      return new Promise<T>((resolve, reject) => {
        const entry: Entry = {
          cost: call.cost,
          priority: call.priority,
          lane: call.priority === 'exit' && call.isQuestion !== true ? WAY_OUT : call.priority,
          isQuestion: call.isQuestion === true,
          fail: reject,
          async start() {
            try {
              const answer = await call.run((cost) => budget.waitMs(cost, call.priority, nowMs()) === 0);
              resolve(answer);
              return {
                booking: call.booking?.(answer) ?? 'sent',
                spent: call.spent?.(answer) ?? call.cost,
              };
            } catch (error) {
              reject(error instanceof Error ? error : new Error('a call failed without an error'));
              return { booking: 'unsent', spent: call.cost };
            }
          },
        };
        enqueue(entry, call.maxWaitMs);
      });
    },
    waiting: () => waiting().length,
    close() {
      closed = true;
      clearTimeout(timer);
      const error = new ExchangeUnavailable('the exchange client was closed');
      for (const entry of waiting()) drop(entry, error);
    },
  };
}
