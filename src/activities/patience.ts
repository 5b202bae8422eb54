import { Context } from '@temporalio/activity';
import { WAITING_HEARTBEAT_MS } from '../domain/safety-times.ts';

/** Null when there is no answer in time, or it fails: for what must not wait, as for a database that may be down. */
export async function answerWithin<T>(patienceMs: number, asked: Promise<T>): Promise<T | null> {
  const late = new Promise<null>((resolve) => setTimeout(resolve, patienceMs, null).unref());
  return Promise.race([asked.catch(() => null), late]);
}

/** Lets Temporal know that somebody still waits for the answer: only the end of the worker gives the question up. */
export async function heartbeatWhile<T>(asked: Promise<T>): Promise<T> {
  const context = Context.current();
  const beating = setInterval(() => context.heartbeat(), WAITING_HEARTBEAT_MS);
  try {
    return await asked;
  } finally {
    clearInterval(beating);
  }
}
