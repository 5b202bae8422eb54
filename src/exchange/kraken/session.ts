import type { z } from 'zod';
import type { CallPriority } from '../port.ts';
import { questionCost, type CallCost } from './call-budget.ts';
import type { CallQueue } from './call-queue.ts';
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
  /** Runs once, never repeated; rejects with `WaitedTooLong` if its turn does not come in time. */
  once(call: {
    readonly cost: CallCost;
    readonly priority: CallPriority;
    readonly maxWaitMs?: number;
    readonly run: () => Promise<PrivateReply>;
  }): Promise<PrivateReply>;
}

const ASK_AGAIN = new Set(['EAPI:Invalid nonce', 'EAPI:Rate limit exceeded']);
const FULL_COUNTER = new Set(['EAPI:Rate limit exceeded', 'EOrder:Rate limit exceeded']);

export function createSession(api: PrivateApi, queue: CallQueue): Session {
  const rateLimited = (reply: PrivateReply): boolean =>
    reply.kind === 'error' && reply.codes.some((code) => FULL_COUNTER.has(code));

  return {
    async ask(method, params, priority, schema) {
      const call = {
        cost: questionCost(method),
        priority,
        run: () => api.call(method, params),
        rateLimited,
      };
      let reply = await queue.add(call);
      if (reply.kind === 'error' && reply.codes.some((code) => ASK_AGAIN.has(code))) {
        reply = await queue.add(call);
      }
      if (reply.kind !== 'result') throw failedQuestion(method, reply);
      return parse(schema, reply.result, method);
    },
    once: (call) => queue.add({ ...call, rateLimited }),
  };
}
