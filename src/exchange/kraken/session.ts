import type { z } from 'zod';
import { ExchangeUnavailable, type CallPriority } from '../port.ts';
import { questionCost, type CallCost } from './call-budget.ts';
import { WaitedTooLong, type Booking, type CallQueue, type QueuedCall } from './call-queue.ts';
import { failedQuestion } from './errors.ts';
import { parse } from './parse.ts';
import type { PrivateApi, PrivateParams, PrivateReply } from './private-api.ts';

/** Private calls of one key, in turn and within its budget. */
export interface Session {
  /**
   * Asks something that changes nothing, and once more if the nonce was overtaken or the counter was full.
   * Throws `ExchangeUnavailable` or `ExchangeRefusal`.
   */
  ask<Schema extends z.ZodType>(
    method: string,
    params: PrivateParams,
    priority: CallPriority,
    schema: Schema,
  ): Promise<z.infer<Schema>>;
  /** As {@link ask}, but what to ask is settled when its turn comes; `null` asks nothing and is answered by `null`. */
  askLate<Schema extends z.ZodType>(
    method: string,
    params: () => PrivateParams | null,
    priority: CallPriority,
    schema: Schema,
  ): Promise<z.infer<Schema> | null>;
  /** Runs once, never repeated; rejects with `WaitedTooLong` if its turn does not come in time. */
  once(call: OnceOnly & { readonly run: () => Promise<PrivateReply> }): Promise<PrivateReply>;
  /**
   * As {@link once}, but what to send is settled when its turn comes: `cost` is the least that it can be, more goes
   * only if it fits, and `null` sends nothing.
   */
  onceLate(
    call: OnceOnly & { readonly run: (fits: (cost: CallCost) => boolean) => Promise<Sent | null> },
  ): Promise<void>;
}

interface OnceOnly {
  readonly cost: CallCost;
  readonly priority: CallPriority;
  readonly maxWaitMs?: number;
}

export interface Sent {
  readonly reply: PrivateReply;
  readonly cost: CallCost;
}

/** Whoever asked has given up by then, and must not cost those who come after. */
const MAX_WAIT_MS = 30_000;

const ASK_AGAIN = new Set(['EAPI:Invalid nonce', 'EAPI:Rate limit exceeded']);
const COUNTER_FULL = new Set(['EAPI:Rate limit exceeded', 'EOrder:Rate limit exceeded']);

export function createSession(api: PrivateApi, queue: CallQueue): Session {
  async function askLate<Schema extends z.ZodType>(
    method: string,
    params: () => PrivateParams | null,
    priority: CallPriority,
    schema: Schema,
  ): Promise<z.infer<Schema> | null> {
    const call = {
      cost: questionCost(method),
      priority,
      maxWaitMs: MAX_WAIT_MS,
      isQuestion: true,
      booking: (reply: PrivateReply | null) => (reply === null ? 'unsent' : booking(reply)),
      run: async () => {
        const settled = params();
        return settled === null ? null : api.call(method, settled);
      },
    };
    let reply = await inTurn(method, call);
    if (reply?.kind === 'error' && reply.codes.some((code) => ASK_AGAIN.has(code))) {
      reply = await inTurn(method, call);
    }
    if (reply === null) return null;
    if (reply.kind !== 'result') throw failedQuestion(method, reply);
    return parse(schema, reply.result, method);
  }

  async function inTurn<T>(method: string, call: QueuedCall<T>): Promise<T> {
    try {
      return await queue.add(call);
    } catch (error) {
      if (!(error instanceof WaitedTooLong)) throw error;
      throw new ExchangeUnavailable(
        `${method}: not asked, the call budget left no room for ${MAX_WAIT_MS} ms`,
      );
    }
  }

  return {
    askLate,
    async ask(method, params, priority, schema) {
      // Never null: there is something to ask.
      return (await askLate(method, () => params, priority, schema)) as z.infer<typeof schema>;
    },
    once: (call) => queue.add({ ...call, booking }),
    async onceLate(call) {
      await queue.add({
        ...call,
        booking: (sent) => (sent === null ? 'unsent' : booking(sent.reply)),
        spent: (sent) => sent?.cost ?? call.cost,
      });
    },
  };
}

function booking(reply: PrivateReply): Booking {
  return reply.kind === 'error' && reply.codes.some((code) => COUNTER_FULL.has(code))
    ? 'counter-full'
    : 'sent';
}
