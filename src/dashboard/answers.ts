import type { FastifyError, FastifyInstance } from 'fastify';
import type { Logger } from '../logging.ts';

/** An answer that is not what was asked for, in the words of the API. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/** Every error leaves as `{"error":{"code","message"}}`; what is not the caller's fault is logged. */
export function answerErrors(app: FastifyInstance, log: Logger): void {
  app.setNotFoundHandler((request, reply) =>
    reply.code(404).send({ error: { code: 'not-found', message: `no such page: ${request.url}` } }),
  );
  app.setErrorHandler((error: FastifyError | Refusal, request, reply) => {
    if (error instanceof Refusal) {
      return reply.code(error.status).send({ error: { code: error.code, message: error.message } });
    }
    const status = error.statusCode ?? 503;
    if (status < 500)
      return reply.code(status).send({ error: { code: 'bad-request', message: error.message } });
    log.warn(
      { event: 'dashboard-request-failed', path: request.routeOptions.url, err: error },
      error.message,
    );
    const message = `not available now: ${error.message.split('\n')[0] ?? ''}`;
    return reply.code(503).send({ error: { code: 'unavailable', message } });
  });
}

/** Rejects when the answer takes longer; `what` names who did not answer. */
export async function within<T>(limitMs: number, what: string, answer: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} did not answer within ${limitMs} ms`)), limitMs);
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
  }
}
