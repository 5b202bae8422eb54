import { setImmediate } from 'node:timers/promises';
import type { z } from 'zod';
import { ExchangeRefusal, ExchangeUnavailable, type CallPriority } from '../port.ts';
import { isUnknownId } from './errors.ts';
import type { PrivateParams } from './private-api.ts';
import type { Session } from './session.ts';

/** Asks for things by id, as many in one call as are wanted by the time its turn comes. */
export interface BatchedQuery<Item> {
  /** `null` only when Kraken says that it does not know the id. */
  get(id: string, priority: CallPriority): Promise<Item | null>;
}

interface Waiter<Item> {
  readonly id: string;
  readonly resolve: (item: Item | null) => void;
  readonly reject: (error: unknown) => void;
}

const URGENCY: readonly CallPriority[] = ['exit', 'entry', 'look-up', 'reconcile'];

export function createBatchedQuery<Item>(options: {
  readonly session: Session;
  readonly method: string;
  readonly params?: PrivateParams;
  /** Kraken's limit of ids a call. */
  readonly maxIds: number;
  readonly schema: z.ZodType<Record<string, Item>>;
}): BatchedQuery<Item> {
  const { session, method, params = {}, maxIds, schema } = options;
  const lanes = new Map<CallPriority, Waiter<Item>[]>(URGENCY.map((priority) => [priority, []]));

  /** Those of the priority first; then, as they cost nothing more, whoever else waits. */
  function take(priority: CallPriority): Waiter<Item>[] {
    const taken: Waiter<Item>[] = [];
    const ids = new Set<string>();
    for (const lane of [priority, ...URGENCY].map((each) => lanes.get(each) ?? [])) {
      while (lane[0] !== undefined && (ids.has(lane[0].id) || ids.size < maxIds)) {
        ids.add(lane[0].id);
        taken.push(lane[0]);
        lane.shift();
      }
    }
    return taken;
  }

  /** Every waiter starts one of these, so that nobody is forgotten; late ones may find nothing to do. */
  async function drain(priority: CallPriority): Promise<void> {
    let batch: Waiter<Item>[] = [];
    // Those who ask in the same breath share the call.
    await setImmediate();
    try {
      const found = await session.askLate(
        method,
        () => {
          if (batch.length === 0) batch = take(priority);
          return batch.length === 0 ? null : { ...params, txid: idsOf(batch).join(',') };
        },
        priority,
        schema,
      );
      if (found !== null) for (const waiter of batch) settle(waiter, found);
    } catch (error) {
      if (batch.length === 0) batch = take(priority);
      if (!(error instanceof ExchangeRefusal && isUnknownId(error.code))) {
        for (const waiter of batch) waiter.reject(error);
      } else if (idsOf(batch).length === 1) {
        for (const waiter of batch) waiter.resolve(null);
      } else {
        // One unknown id spoils the whole answer: ask for each on its own.
        for (const id of idsOf(batch)) await alone(id, batch, priority);
      }
    }
  }

  async function alone(id: string, batch: readonly Waiter<Item>[], priority: CallPriority): Promise<void> {
    const waiters = batch.filter((waiter) => waiter.id === id);
    try {
      const found = await session.ask(method, { ...params, txid: id }, priority, schema);
      for (const waiter of waiters) settle(waiter, found);
    } catch (error) {
      const unknown = error instanceof ExchangeRefusal && isUnknownId(error.code);
      for (const waiter of waiters) {
        if (unknown) waiter.resolve(null);
        else waiter.reject(error);
      }
    }
  }

  function settle(waiter: Waiter<Item>, found: Readonly<Record<string, Item>>): void {
    const item = found[waiter.id];
    // In times of trouble known ids may be left out, so that silence is no "unknown".
    if (item === undefined) waiter.reject(new ExchangeUnavailable(`${method} left out ${waiter.id}`));
    else waiter.resolve(item);
  }

  return {
    get: (id, priority) =>
      new Promise((resolve, reject) => {
        lanes.get(priority)?.push({ id, resolve, reject });
        void drain(priority);
      }),
  };
}

function idsOf(batch: readonly { readonly id: string }[]): string[] {
  return [...new Set(batch.map((waiter) => waiter.id))];
}
