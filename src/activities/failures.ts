import { ApplicationFailure } from '@temporalio/common';
import { ExchangeRefusal, ExchangeUnavailable } from '../exchange/port.ts';

/** What a person asked for can't be done; asking again would not help. */
export class InvalidRequest extends Error {
  override readonly name = 'InvalidRequest';
}

/**
 * The one place where our errors become Temporal's. Everything of the outside world is retryable: only
 * a request that is wrong in itself ends a retry. Errors we don't know are rethrown as they are.
 */
export function toFailure(error: unknown): unknown {
  if (error instanceof InvalidRequest) return ApplicationFailure.nonRetryable(error.message, error.name);
  if (error instanceof ExchangeRefusal)
    return ApplicationFailure.retryable(error.message, error.name, error.code);
  if (error instanceof ExchangeUnavailable) return ApplicationFailure.retryable(error.message, error.name);
  return error;
}

type AsyncFunctions = Record<string, (...args: never[]) => Promise<unknown>>;

/** Puts the mapper around every activity. */
export function withFailures<T extends AsyncFunctions>(activities: T): T {
  const wrapped = Object.entries(activities).map(([name, activity]) => [
    name,
    async (...args: never[]) => {
      try {
        return await activity(...args);
      } catch (error) {
        throw toFailure(error);
      }
    },
  ]);
  return Object.fromEntries(wrapped) as T;
}
