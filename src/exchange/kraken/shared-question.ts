import type { z } from 'zod';
import type { CallPriority } from '../port.ts';
import type { Session } from './session.ts';

/** A question without parameters: those who ask it before it is sent share one call and its answer. */
export type SharedQuestion<Answer> = (priority: CallPriority) => Promise<Answer>;

export function createSharedQuestion<Schema extends z.ZodType>(
  session: Session,
  method: string,
  schema: Schema,
): SharedQuestion<z.infer<Schema>> {
  const waiting = new Map<CallPriority, Promise<z.infer<Schema>>>();

  return (priority) => {
    const joined = waiting.get(priority);
    if (joined !== undefined) return joined;
    const forget = (): void => {
      if (waiting.get(priority) === asked) waiting.delete(priority);
    };
    const asked: Promise<z.infer<Schema>> = (async () => {
      // Those who ask in the same breath share the call.
      await Promise.resolve();
      try {
        const answer = await session.askLate(
          method,
          () => {
            // From now on the answer may be older than a new question.
            forget();
            return {};
          },
          priority,
          schema,
        );
        return answer as z.infer<Schema>;
      } finally {
        forget();
      }
    })();
    waiting.set(priority, asked);
    return asked;
  };
}
