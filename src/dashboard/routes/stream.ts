import type { FastifyInstance } from 'fastify';
import { SECURITY_HEADERS } from '../protection.ts';
import type { PositionStream } from '../stream.ts';

export function registerStream(app: FastifyInstance, stream: PositionStream): void {
  app.get('/api/stream', (_request, reply) => {
    reply.hijack();
    reply.raw.writeHead(200, {
      ...SECURITY_HEADERS,
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      // Proxies of the nginx kind would else keep events back.
      'x-accel-buffering': 'no',
    });
    stream.add(reply.raw);
  });
}
